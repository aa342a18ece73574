"""Passes that extensions sample themselves, in a `p.sample` of their own: `sampler.sample(p, x, c, uc)`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

from torch import Tensor

from webui.compat.a1111 import host
from webui.compat.a1111.denoising.conds import to_conditioning, to_multicond, to_schedules
from webui.compat.a1111.denoising.function_steps import Callback, steps_of
from webui.compat.a1111.denoising.sampler_list import info_of
from webui.compat.a1111.denoising.samplers import bind
from webui.core.errors import NotOffered
from webui.core.events import Progress
from webui.diffusion.denoising import Denoising, InitImage
from webui.diffusion.inpaint import LatentMask
from webui.diffusion.samplers import Sampler
from webui.diffusion.step import Step
from webui.pipelines.encode import encode_batch
from webui.pipelines.img2img.image_conditioning import condition_on_nothing
from webui.pipelines.setup import batch_noise, make_denoising, use_models
from webui.plugins.batch import Batch
from webui.plugins.context import Context

NO_RUN = "A sampler's sample() belongs to a run: call it in p.sample(), or use process_images(p)."


def sample_with(
    sampler: Any,  # noqa: ANN401 - A1111's shapes
    p: Any,  # noqa: ANN401
    noise: Tensor,
    init: Tensor | None,
    conds: tuple[Any, Any],
    steps: int | None = None,
    image_conditioning: Tensor | None = None,
) -> Tensor:
    """The finished latent (B, C, h, w) from noise, or from an init latent. Raises NotOffered out of a run."""
    batch, context = run_of(p)
    with use_models(batch.request, context) as sd:
        encoded = encode_batch(sd, batch, context)
        encoded = replace(encoded, cond=to_conditioning(conds[0]), uncond=to_conditioning(conds[1]))
        own = batch_noise(batch, sd, (noise.shape[2], noise.shape[3]))
        denoising = make_denoising(batch, sd, encoded, own)
        denoising.first_noise = noise
        # The noise of steps comes after the first, which the extension has drawn.
        own.draw()
        denoising.steps = int(p.steps)
        if init is None:
            denoising.steps = int(steps or p.steps)
            denoising.image_conditioning = condition_on_nothing(sd, tuple(noise.shape))
        else:
            denoising.init = InitImage(init, float(p.denoising_strength), second_pass_steps=steps)
            denoising.image_conditioning = condition_on_nothing(sd, tuple(noise.shape))
            denoising.mask = mask_of(p, init)
        if denoising.image_conditioning is not None and image_conditioning is not None:
            denoising.image_conditioning = image_conditioning
        bind(denoising, sampler, batch, p)
        return run_to_end(denoising, context)


def launch_with(sampler: Any, p: Any, steps: int, function: Callable[[], Tensor]) -> Tensor:  # noqa: ANN401 - A1111's shapes
    """What a function of a sampler's own `sample()` gives (B, C, h, w); it calls the denoiser.

    The conds are those of `sampler_extra_args`, the latent's size is that of `last_latent`. Raises NotOffered
    out of a run.
    """
    batch, context = run_of(p)
    with use_models(batch.request, context) as sd:
        encoded = encode_batch(sd, batch, context)
        given = sampler.sampler_extra_args or {}
        conds = {name: to_conditioning(given[name]) for name in ("cond", "uncond") if given.get(name)}
        latent = sampler.last_latent
        own = batch_noise(batch, sd, None if latent is None else (latent.shape[2], latent.shape[3]))
        denoising = make_denoising(batch, sd, replace(encoded, **conds), own)
        if latent is not None:
            denoising.first_noise = latent
            denoising.image_conditioning = condition_on_nothing(sd, tuple(latent.shape))
            denoising.mask = mask_of(p, latent)
        own.draw()
        denoising.steps = steps
        bind(denoising, sampler, batch, p)
        denoising.stepper = calling(sampler, function)
        return run_to_end(denoising, context)


def calling(sampler: Any, function: Callable[[], Tensor]) -> Sampler:  # noqa: ANN401 - A1111's shapes
    """A sampler that calls a function, whose steps are those told to `sampler.callback_state`."""

    def steps(denoise: object, latent: Tensor, *_: object) -> Iterator[Step]:
        def call(tell: Callback) -> Tensor:
            own, kept = sampler.callback_state, dict(vars(sampler))

            def told(d: dict[str, Any]) -> None:
                own(d)
                tell(d)

            sampler.callback_state = told
            try:
                return function()
            finally:
                del sampler.callback_state
                vars(sampler).update({k: v for k, v in kept.items() if k == "callback_state"})

        return steps_of(call, latent.device)

    return Sampler(info_of(sampler.config), in_sigmas=steps)


def run_of(p: Any) -> tuple[Batch, Context]:  # noqa: ANN401 - A1111's processing object
    """The batch that a run is making with this `p`, and its context. Raises NotOffered out of a run."""
    runs = getattr(host.current(), "runs", None)
    run = None if runs is None else runs.of(p)
    if run is None or run.batch is None:
        raise NotOffered(NO_RUN)
    return run.batch, run.context


def conds_of(batch: Batch, context: Context) -> tuple[Any, Any]:
    """A batch's texts encoded, in A1111's shapes: what a `p.sample` of an extension's own is given."""
    with use_models(batch.request, context) as sd:
        encoded = encode_batch(sd, batch, context)
        return to_multicond(encoded.cond), to_schedules(encoded.uncond)


def mask_of(p: Any, init: Tensor) -> LatentMask | None:  # noqa: ANN401 - A1111's processing object
    """What A1111's `p` keeps of the picture, if it is inpainting."""
    keep, latent = getattr(p, "mask", None), getattr(p, "init_latent", None)
    return LatentMask(keep, init if latent is None else latent) if isinstance(keep, Tensor) else None


def run_to_end(denoising: Denoising, context: Context) -> Tensor:
    """The last latent; where the job is told to end, what was denoised last."""
    latent = None
    total = denoising.total_steps
    with closing(denoising.run()) as running:
        for step in running:
            done = step.index + 1
            context.emit(
                Progress(step=done, steps=total, batch=0, batches=1, sampling_step=done, sampling_steps=total)
            )
            latent = step.latent
            if context.stop.ends_batch:
                return step.denoised
    assert latent is not None, "a run has a step"
    return latent
