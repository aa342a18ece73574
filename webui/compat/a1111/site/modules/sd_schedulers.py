"""Schedules: which sigmas samplers walk through."""
# pyright: basic

import dataclasses
from collections.abc import Callable
from typing import Any

import torch

from webui.core.sampling import AUTOMATIC, all_schedules
from webui.diffusion.prediction import NoiseLevels
from webui.diffusion.schedules import ScheduleOptions, build_sigmas


@dataclasses.dataclass
class Scheduler:
    name: str
    label: str
    function: Any
    default_rho: float = -1
    need_inner_model: bool = False
    aliases: list | None = None


def _function(label: str) -> Callable:
    def sigmas(n, sigma_min, sigma_max, inner_model=None, device="cpu", rho=0.0, **more):
        """Falling sigmas and a last 0."""
        ends = torch.tensor([float(sigma_min), float(sigma_max)])
        known = getattr(inner_model, "sigmas", None)
        levels = NoiseLevels(ends if known is None else known.cpu())
        options = ScheduleOptions(float(sigma_min), float(sigma_max), float(rho))
        return build_sigmas(label, int(n), levels, options).to(device)

    return sigmas


schedulers = [
    Scheduler(
        info.name,
        info.label,
        None if info.label == AUTOMATIC else _function(info.label),
        info.default_rho,
        info.needs_network_sigmas,
        list(info.aliases) or None,
    )
    for info in all_schedules()
]
schedulers_map = {**{x.name: x for x in schedulers}, **{x.label: x for x in schedulers}}

uniform = _function("Uniform")
sgm_uniform = _function("SGM Uniform")
get_align_your_steps_sigmas = _function("Align Your Steps")
kl_optimal = _function("KL Optimal")
simple_scheduler = _function("Simple")
normal_scheduler = _function("Normal")
ddim_scheduler = _function("DDIM")
beta_scheduler = _function("Beta")


def to_d(x, sigma, denoised):
    return (x - denoised) / sigma.reshape(-1, *[1] * (x.ndim - 1))
