"""Samplers that count in sigmas."""
# pyright: basic

from modules import sd_samplers_common, shared
from modules.sd_samplers_cfg_denoiser import CFGDenoiser  # noqa: F401
from modules.sd_samplers_extra import restart_sampler, sample_lcm  # noqa: F401
from webui.compat.a1111.denoising.cfg_denoiser import CFGDenoiserKDiffusion
from webui.compat.a1111.denoising.native import native_function
from webui.compat.a1111.denoising.replaced import remember
from webui.compat.a1111.denoising.sampler_list import sampler_rows, schedule_sigmas

samplers_k_diffusion = sampler_rows(uses_timesteps=False)
sampler_extra_params = {
    name: ["s_churn", "s_tmin", "s_tmax", "s_noise"]
    for name in ("sample_euler", "sample_heun", "sample_dpm_2")
} | {
    name: ["s_noise"]
    for name in (
        "sample_dpm_fast",
        "sample_dpm_2_ancestral",
        "sample_dpmpp_2s_ancestral",
        "sample_dpmpp_sde",
        "sample_dpmpp_2m_sde",
        "sample_dpmpp_3m_sde",
    )
}


class KDiffusionSampler(sd_samplers_common.Sampler):
    def __init__(self, funcname, sd_model, options=None):
        super().__init__(funcname)
        self.extra_params = sampler_extra_params.get(funcname, []) if isinstance(funcname, str) else []
        self.options = options or {}
        self.func = funcname if callable(funcname) else native_function(funcname)
        if self.func is None:
            raise ValueError(f"There is no sampler function named {funcname!r}.")
        self.model_wrap_cfg = CFGDenoiserKDiffusion(self)
        self.model_wrap = self.model_wrap_cfg.inner_model

    def get_sigmas(self, p, steps):
        """Falling sigmas (steps + 1,) of the schedule of `p`."""
        return schedule_sigmas(self, p, steps).to(shared.device)


remember(KDiffusionSampler, "get_sigmas")


def _data(row):
    label, funcname, aliases, options = row
    return sd_samplers_common.SamplerData(
        label,
        lambda model, funcname=funcname, options=options: KDiffusionSampler(funcname, model, options),
        aliases,
        options,
    )


samplers_data_k_diffusion = [_data(row) for row in samplers_k_diffusion]
k_diffusion_samplers_map = {each.name: each for each in samplers_data_k_diffusion}
k_diffusion_scheduler = {}
