"""This program's samplers as functions of k-diffusion's shape, by A1111's names for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from webui.core.sampling import find_sampler
from webui.diffusion.samplers import sampler_of
from webui.diffusion.step import NoiseSource, PredictNoise, SamplerOptions, Step, StepMoment

# Names of functions in k-diffusion and A1111, and our labels.
FUNCTION_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "sample_dpmpp_2m": "DPM++ 2M",
        "sample_dpmpp_sde": "DPM++ SDE",
        "sample_dpmpp_2m_sde": "DPM++ 2M SDE",
        "sample_dpmpp_2m_sde_heun": "DPM++ 2M SDE Heun",
        "sample_dpmpp_2s_ancestral": "DPM++ 2S a",
        "sample_dpmpp_3m_sde": "DPM++ 3M SDE",
        "sample_euler_ancestral": "Euler a",
        "sample_euler": "Euler",
        "sample_lms": "LMS",
        "sample_heun": "Heun",
        "sample_dpm_2": "DPM2",
        "sample_dpm_2_ancestral": "DPM2 a",
        "sample_dpm_fast": "DPM fast",
        "sample_dpm_adaptive": "DPM adaptive",
        "restart_sampler": "Restart",
        "sample_lcm": "LCM",
        "ddim": "DDIM",
        "ddim_cfgpp": "DDIM CFG++",
        "plms": "PLMS",
        "unipc": "UniPC",
    }
)


@dataclass(frozen=True)
class NativeFunction:
    """One of this program's samplers: (model, x, sigmas, extra_args, callback, disable, ...) -> latent.

    `model` takes (x, sigma (B,), **extra_args). Known options are `eta` and those of churn; `noise_sampler`
    is called with two sigmas.
    """

    label: str
    __name__: str = ""

    def __call__(
        self,
        model: Callable[..., Tensor],
        x: Tensor,
        sigmas: Tensor | None = None,
        extra_args: Mapping[str, Any] | None = None,
        callback: Callable[[dict[str, Any]], object] | None = None,
        disable: bool | None = None,
        **options: Any,  # noqa: ANN401 - as k-diffusion's functions take them
    ) -> Tensor:
        """The last latent."""
        noise = options.pop("noise_sampler", None) or (lambda *_: torch.randn_like(x))
        if sigmas is None:
            sigmas = options.pop("timesteps", None)
        ends = (options.pop("sigma_min", None), options.pop("sigma_max", None))
        chosen = options_of(options)
        if sigmas is None:
            # DPM fast and adaptive are told the ends, and fast how many steps.
            chosen = replace(chosen, sigma_range=(float(ends[0] or 0.0), float(ends[1] or 0.0)))
            sigmas = torch.linspace(1.0, 0.0, int(options.pop("n", 1)) + 1)
        chosen = replace(chosen, watch=watch_for(callback))
        denoise = CalledModel(model, dict(extra_args or {}))
        *_, last = [Step(0, torch.zeros(()), x, x), *self.steps(denoise, x, sigmas.cpu(), noise, chosen)]
        return last.latent

    def steps(
        self, denoise: PredictNoise, x: Tensor, sigmas: Tensor, noise: NoiseSource, options: SamplerOptions
    ) -> Iterator[Step]:
        """The steps, as this program's samplers give them."""
        sampler = sampler_of(self.label)
        function = sampler.in_sigmas or sampler.in_timesteps
        assert function is not None, "a sampler has one function"
        return function(denoise, x, sigmas, noise, options)


class CalledModel:
    """A model of k-diffusion's shape as this program's samplers call it."""

    def __init__(self, model: Callable[..., Tensor], arguments: dict[str, Any]) -> None:
        self._model, self._arguments = model, arguments

    @property
    def alphas_cumprod(self) -> Tensor:
        """(1000,), of the model inside."""
        inner: Any = getattr(self._model, "inner_model", self._model)
        return inner.alphas_cumprod.cpu()

    @property
    def uncond_noise(self) -> Tensor:
        """What the model's last call predicted for the negative prompts."""
        return getattr(self._model, "last_noise_uncond")  # noqa: B009 - a stranger's attribute

    def __call__(self, latent: Tensor, level: Tensor) -> Tensor:
        """An evaluation."""
        return self._model(
            latent, level.to(latent.device) * latent.new_ones([len(latent)]), **self._arguments
        )


def options_of(options: Mapping[str, Any]) -> SamplerOptions:
    """Options by k-diffusion's names."""
    known = {name: options[name] for name in ("s_churn", "s_tmin", "s_noise") if name in options}
    if (limit := options.get("s_tmax")) not in (None, float("inf")):
        known["s_tmax"] = limit
    if "eta" in options:
        known |= {"eta_ancestral": options["eta"], "eta_ddim": options["eta"]}
    return SamplerOptions(**known)


def watch_for(callback: Callable[[dict[str, Any]], object] | None) -> Callable[[StepMoment], None]:
    """A callback of k-diffusion's as this program's samplers call it."""

    def watch(moment: StepMoment) -> None:
        if callback is not None:
            callback(
                {
                    "x": moment.latent,
                    "i": moment.index,
                    "sigma": moment.sigma,
                    "sigma_hat": moment.sigma_hat,
                    "denoised": moment.denoised,
                }
            )

    return watch


def native_function(name: str) -> NativeFunction | None:
    """The function of a name of k-diffusion's or A1111's; None if there is none."""
    label = FUNCTION_NAMES.get(name)
    return None if label is None else NativeFunction(label, name)


def function_name(label: str) -> str:
    """The name of a sampler's function; the label itself for samplers of this program's own extensions."""
    return next((name for name, own in FUNCTION_NAMES.items() if own == label), find_sampler(label).label)
