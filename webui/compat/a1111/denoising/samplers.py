"""Samplers of A1111's shape, bound to passes of this program: made when a pass is ready."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from webui.compat.a1111 import host
from webui.compat.a1111.denoising.cfg_denoiser import CFGDenoiser, CFGDenoiserTimesteps
from webui.compat.a1111.denoising.function_steps import Callback, SamplingStopped, steps_of
from webui.compat.a1111.denoising.live_pass import LivePass
from webui.compat.a1111.denoising.native import NativeFunction
from webui.compat.a1111.denoising.prompts import encode_for_extensions
from webui.compat.a1111.denoising.replaced import is_replaced, watched
from webui.compat.a1111.denoising.sampler_list import ExtensionLists, info_of
from webui.core.errors import NotOffered
from webui.diffusion.denoising import Denoising
from webui.diffusion.samplers import Sampler, sampler_of
from webui.diffusion.step import NoiseSource, SamplerOptions, Step, StepMoment
from webui.plugins.batch import Batch
from webui.plugins.context import Context

logger = logging.getLogger(__name__)
# One for the process, as the lists are that it keeps in step.
LISTS = ExtensionLists()


def attach_pass(denoising: Denoising, batch: Batch, context: Context) -> LivePass | None:
    """Let extensions take part in a pass that is about to run; None where its sampler has no denoiser."""
    p = processing_of(context)
    sampler = make_sampler(denoising, batch, p)
    if p is not None:
        p.sampler = sampler
    return bind(denoising, sampler, batch, p)


def bind(denoising: Denoising, sampler: Any, batch: Batch, p: Any) -> LivePass | None:  # noqa: ANN401 - A1111's shapes
    """A sampler takes over a pass."""
    if not isinstance(getattr(sampler, "model_wrap_cfg", None), CFGDenoiser):
        logger.warning("An extension's sampler %s has no denoiser of A1111's shape", type(sampler).__name__)
        return None
    rng = import_module("modules.rng")
    rng.follow(denoising.noise)
    denoising.resources.callback(rng.unfollow, denoising.noise)
    live = LivePass(denoising, sampler, p)
    encode_for_extensions(live, batch)
    if p is not None:
        p.c, p.uc = live.conds
    denoising.stepper = stepper_of(live)
    live.attach()
    take_sigmas(live)
    return live


def take_sigmas(live: LivePass) -> None:
    """Levels that an extension wants: by a function that `p` brings, or one in the place of `get_sigmas`."""
    kind = import_module("modules.sd_samplers_kdiffusion").KDiffusionSampler
    sampler, denoising = live.sampler, live.denoising
    if live.p is None or not isinstance(sampler, kind) or isinstance(live.cfg, CFGDenoiserTimesteps):
        return
    own: Any = getattr(live.p, "sampler_noise_scheduler_override", None)
    if not callable(own) and not is_replaced(sampler, "get_sigmas", kind):
        return
    with watched(own if callable(own) else sampler.get_sigmas, "get_sigmas"):
        denoising.sigmas = torch.as_tensor(sampler.get_sigmas(live.p, denoising.schedule_steps)).float().cpu()


def make_sampler(denoising: Denoising, batch: Batch, p: Any) -> Any:  # noqa: ANN401 - A1111's shapes
    """The sampler of a pass, as extensions have it made."""
    sd_samplers = import_module("modules.sd_samplers")
    model = model_of(p)
    name = sampler_name(denoising, batch, p, sd_samplers.all_samplers_map)
    made: list[Any] = []
    with watched(sd_samplers.create_sampler, "create_sampler"):
        made.append(sd_samplers.create_sampler(name, model))
    if made:
        return made[0]
    config = sd_samplers.find_sampler_config(denoising.sampler)
    sampler = config.constructor(model)
    sampler.config = config
    return sampler


def sampler_name(denoising: Denoising, batch: Batch, p: Any, known: Any) -> str:  # noqa: ANN401 - A1111's shapes
    """What `p` says, where that is a sampler; else what the request says."""
    own = getattr(p, "sampler_name", None)
    if batch.is_second_pass:
        own = getattr(p, "hr_sampler_name", None) or own
    return own if isinstance(own, str) and own in known else denoising.sampler


def processing_of(context: Context) -> Any:  # noqa: ANN401 - A1111's processing object
    """The processing object of a run; None where there is none."""
    try:
        runs = getattr(host.current(), "runs", None)
    except RuntimeError:
        return None
    run = None if runs is None else runs.at(context)
    return None if run is None else run.p


def model_of(p: Any) -> Any:  # noqa: ANN401 - A1111's shapes
    """The checkpoint as extensions see it; None where nobody shows it."""
    try:
        return getattr(p, "sd_model", None) or getattr(import_module("modules.shared"), "sd_model", None)
    except (ImportError, RuntimeError):
        return None


def stepper_of(live: LivePass) -> Sampler:
    """How a pass walks: as the sampler's function does, which may be an extension's."""
    sampler = live.sampler
    function = sampler.func
    if isinstance(function, NativeFunction):
        native = sampler_of(function.label)
        return replace(
            native,
            in_sigmas=native.in_sigmas and ending_early(live, native.in_sigmas),
            in_timesteps=native.in_timesteps and ending_early(live, native.in_timesteps),
        )

    def steps(
        denoise: object, latent: Tensor, levels: Tensor, noise: NoiseSource, options: SamplerOptions
    ) -> Iterator[Step]:
        return function_steps(live, latent, levels, noise, options)

    is_timed = isinstance(live.cfg, CFGDenoiserTimesteps)
    info = info_of(sampler.config, uses_timesteps=is_timed)
    walk = ending_early(live, steps)
    return Sampler(info, in_timesteps=walk) if is_timed else Sampler(info, in_sigmas=walk)


def ending_early(live: LivePass, function: Callable[..., Iterator[Step]]) -> Callable[..., Iterator[Step]]:
    """A sampler that an extension may end by InterruptedException: what was denoised last remains."""

    def steps(*given: Any) -> Iterator[Step]:  # noqa: ANN401 - what samplers are given
        index = -1
        try:
            for step in function(*given):
                index = step.index
                yield step
        except SamplingStopped:
            latent = live.sampler.last_latent
            if latent is not None:
                yield Step(max(index, 0), torch.zeros(()), latent, latent)

    return steps


def function_steps(
    live: LivePass, latent: Tensor, levels: Tensor, noise: NoiseSource, options: SamplerOptions
) -> Iterator[Step]:
    """The steps of a function of k-diffusion's shape that an extension brought."""
    sampler = live.sampler

    def call(tell: Callback) -> Tensor:
        def callback(told: dict[str, Any]) -> None:
            sigma = torch.as_tensor(told.get("sigma", 0.0))
            raised = torch.as_tensor(told.get("sigma_hat", sigma))
            denoised = told["denoised"]
            options.watch(StepMoment(told["i"], sigma, raised, told.get("x", denoised), denoised))
            tell(told)

        return sampler.func(
            live.cfg,
            latent,
            extra_args=sampler.sampler_extra_args,
            callback=callback,
            disable=True,
            **arguments_of(sampler.func, latent, levels, noise, options),
        )

    return steps_of(call, latent.device)


def arguments_of(
    function: Callable[..., Any], latent: Tensor, levels: Tensor, noise: NoiseSource, options: SamplerOptions
) -> dict[str, Any]:
    """What a function of k-diffusion's shape asks for by its arguments' names."""
    known = inspect.signature(function).parameters
    positive = levels[levels > 0]
    offered: dict[str, Any] = {
        "sigmas": levels.to(latent.device),
        "timesteps": levels.to(latent.device),
        "sigma_min": float(positive.min()) if len(positive) else 0.0,
        "sigma_max": float(levels.max()) if len(levels) else 0.0,
        "n": max(len(levels) - 1, 1),
        "noise_sampler": lambda sigma, sigma_next: noise(on_cpu(sigma), on_cpu(sigma_next)),
        "eta": options.eta_ancestral,
        "s_churn": options.s_churn,
        "s_tmin": options.s_tmin,
        "s_tmax": options.s_tmax or float("inf"),
        "s_noise": options.s_noise,
    }
    return {name: value for name, value in offered.items() if name in known}


def on_cpu(sigma: Any) -> Tensor:  # noqa: ANN401 - a number or a tensor of one
    """A sigma (0-dim)."""
    return torch.as_tensor(sigma).detach().float().cpu().flatten()[0]


def offer_samplers(listed: Iterable[Any]) -> None:
    """Offer on the page, and to the API, what extensions put into A1111's list of samplers."""
    for sentence in LISTS.sync_samplers(listed, lambda data: unbound):
        logger.warning("%s", sentence)


def unbound(*given: Any) -> Iterator[Step]:  # noqa: ANN401 - what samplers are given
    """Stands for an extension's sampler where the host of extensions has no part in a run."""
    raise NotOffered("The sampler is an extension's, and extensions of A1111 are off. Choose another.")


class SamplersByName(dict[str, Any]):
    """A1111's `all_samplers_map`: what extensions put into it is known to requests too."""

    def __setitem__(self, name: str, data: Any) -> None:  # noqa: ANN401 - A1111's SamplerData
        """Add one, for as long as it stays."""
        super().__setitem__(name, data)
        offer_samplers([data])

    def update(self, *given: Any, **named: Any) -> None:  # noqa: ANN401 - as dict.update
        """Add several."""
        for name, data in dict(*given, **named).items():
            self[name] = data

    def __delitem__(self, name: str) -> None:
        """Take one away."""
        super().__delitem__(name)
        LISTS.remove_sampler(name)

    def pop(self, name: str, *default: Any) -> Any:  # noqa: ANN401 - as dict.pop
        """Take one away and give it."""
        LISTS.remove_sampler(name)
        return super().pop(name, *default)
