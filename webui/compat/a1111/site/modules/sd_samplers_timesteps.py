"""Samplers that count in timesteps."""
# pyright: basic

from modules import sd_samplers_common, shared
from modules.sd_samplers_cfg_denoiser import CFGDenoiser  # noqa: F401
from webui.compat.a1111.denoising.cfg_denoiser import CFGDenoiserTimesteps, DenoiserNetwork
from webui.compat.a1111.denoising.native import native_function
from webui.compat.a1111.denoising.sampler_list import sampler_rows
from webui.diffusion.schedules import sampler_timesteps

samplers_timesteps = sampler_rows(uses_timesteps=True)


class CompVisTimestepsDenoiser(DenoiserNetwork):
    """The network, which takes timesteps and predicts noise."""


class CompVisTimestepsVDenoiser(DenoiserNetwork):
    """The same of networks that predict v."""


class CompVisSampler(sd_samplers_common.Sampler):
    def __init__(self, funcname, sd_model):
        super().__init__(funcname)
        self.eta_option_field = "eta_ddim"
        self.eta_infotext_field = "Eta DDIM"
        self.eta_default = 0.0
        self.func = funcname if callable(funcname) else native_function(funcname)
        if self.func is None:
            raise ValueError(f"There is no sampler function named {funcname!r}.")
        self.model_wrap_cfg = CFGDenoiserTimesteps(self)
        self.model_wrap = self.model_wrap_cfg.inner_model

    def get_timesteps(self, p, steps):
        """Rising timesteps."""
        discard = bool(getattr(shared.opts, "always_discard_next_to_last_sigma", False))
        return sampler_timesteps(steps, discard=discard).to(shared.device)


def _data(row):
    label, funcname, aliases, options = row
    return sd_samplers_common.SamplerData(
        label, lambda model, funcname=funcname: CompVisSampler(funcname, model), aliases, options
    )


samplers_data_timesteps = [_data(row) for row in samplers_timesteps]
VanillaStableDiffusionSampler = CompVisSampler
