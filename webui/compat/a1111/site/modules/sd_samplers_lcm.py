"""Latent consistency."""
# pyright: basic

from modules import sd_samplers_kdiffusion
from webui.compat.a1111.denoising.cfg_denoiser import CFGDenoiserKDiffusion, DenoiserNetwork
from webui.compat.a1111.denoising.native import native_function

sample_lcm = native_function("sample_lcm")


class LCMCompVisDenoiser(DenoiserNetwork):
    """A latent consistency network."""


class CFGDenoiserLCM(CFGDenoiserKDiffusion):
    """Its guidance."""


class LCMSampler(sd_samplers_kdiffusion.KDiffusionSampler):
    def __init__(self, funcname, sd_model, options=None):
        super().__init__(funcname, sd_model, options)
        self.model_wrap_cfg = CFGDenoiserLCM(self)
        self.model_wrap = self.model_wrap_cfg.inner_model


samplers_lcm = [row for row in sd_samplers_kdiffusion.samplers_k_diffusion if row[0] == "LCM"]
samplers_data_lcm = [each for each in sd_samplers_kdiffusion.samplers_data_k_diffusion if each.name == "LCM"]
