"""Networks as k-diffusion sees them."""
# pyright: basic

from webui.compat.a1111.denoising.cfg_denoiser import DenoiserNetwork


class DiscreteSchedule(DenoiserNetwork):
    """Has sigmas."""


class DiscreteEpsDDPMDenoiser(DiscreteSchedule):
    """Predicts noise."""


class CompVisDenoiser(DiscreteEpsDDPMDenoiser):
    """A1111's, of eps networks."""


class DiscreteVDDPMDenoiser(DiscreteSchedule):
    """Predicts v."""


class CompVisVDenoiser(DiscreteVDDPMDenoiser):
    """A1111's, of v networks."""


class VDenoiser(DenoiserNetwork):
    """Predicts v of continuous levels."""
