"""One pass of sampling as A1111's extensions see it: their callbacks and overrides at their places."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from webui.compat.a1111.denoising.cfg_denoiser import CFGDenoiser
from webui.compat.a1111.denoising.conds import (
    to_batch,
    to_multicond,
    to_schedules,
    to_text,
)
from webui.compat.a1111.denoising.replaced import is_replaced, watched
from webui.diffusion.conditioning import EmbeddingBatch, pick
from webui.diffusion.denoising import Denoising
from webui.diffusion.guidance import GuidedNetwork, NetworkInput, NetworkOutput, Row, combine
from webui.diffusion.step import PredictNoise, StepMoment

# What A1111 takes for image conditioning where a network has none: zeros (B, 5, 1, 1).
NO_IMAGE_CHANNELS = 5


class LivePass:
    """Binds a sampler of A1111's shape to a pass that is about to run.

    `sampler` has a `model_wrap_cfg`, a CFGDenoiser, which may be another one by the time the pass begins; `p`
    is A1111's processing object, if there is one.
    """

    def __init__(self, denoising: Denoising, sampler: Any, p: Any = None) -> None:  # noqa: ANN401 - A1111's shapes
        self._denoising = denoising
        self.sampler = sampler
        self.p = p
        self.conds: tuple[Any, Any] = (to_multicond(denoising.cond), to_schedules(denoising.uncond))
        # What extensions' own functions made of the prompts; they stand in for the conds.
        self.replaced_conds: tuple[Any, Any] | None = None
        self._sources = (denoising.cond, denoising.uncond)
        self._level: tuple[Tensor, int, Tensor] | None = None
        self._given: tuple[Any, Any, Any] = (None, None, 1.0)
        self._batch: NetworkInput | None = None
        self._uncond: Any = None
        self._mix: Callable[[Tensor, tuple[Row, ...], Any], Tensor] = combine

    def attach(self) -> None:
        """Take part in the pass."""
        denoising = self.denoising
        denoising.around_guidance.append(self.begin)
        denoising.before_guidance.append(self.show_batch)
        denoising.after_network.append(self.show_results)
        denoising.after_guidance.append(self.show_guided)
        denoising.during_step.append(self.tell_step)

    # ---- The moments of the pass. ----

    def begin(self, called: PredictNoise) -> PredictNoise:
        """The pass begins: what the sampler calls from now on."""
        denoising, cfg, sampler = self.denoising, self.cfg, self.sampler
        guided = self.guided
        cfg.live_pass, cfg.p, cfg.step = self, self.p, 0
        cfg.steps, cfg.total_steps = denoising.total_steps, guided.total_evaluations
        cfg.cond_scale_miltiplier = guided.cfg_factor
        if guided.mask is not None:
            cfg.mask, cfg.nmask = guided.mask.keep, 1 - guided.mask.keep
            cfg.init_latent = guided.mask.init_latent
        self._mix = guided.guidance.combine or combine
        guided.guidance = replace(guided.guidance, combine=self.combine)
        sampler.p = self.p
        cond, uncond = self.replaced_conds or self.conds
        sampler.sampler_extra_args = {
            "cond": cond,
            "image_cond": denoising.image_conditioning,
            "uncond": uncond,
            "cond_scale": self.cond_scale,
            "s_min_uncond": guided.guidance.s_min_uncond,
        }
        self._tell_state(sampling_step=0, sampling_steps=denoising.total_steps)
        denoising.resources.callback(self.end)
        return SamplerView(self, called)

    def end(self) -> None:
        """The pass is over: the denoiser may not hold the network."""
        self.cfg.live_pass = None

    def call(self, latent: Tensor, level: Tensor) -> Tensor:
        """An evaluation, through the denoiser, which may have been changed."""
        sigma = torch.full((len(latent),), float(level), device=latent.device)
        self._level = (sigma, sigma._version, level)
        given = self.sampler.sampler_extra_args
        if given.get("image_cond") is None:
            given["image_cond"] = no_images(latent)
        return self.cfg(latent, sigma, **given)

    def evaluate(self, latent: Tensor, sigma: Tensor, cond: Any, uncond: Any, cond_scale: Any) -> Tensor:  # noqa: ANN401 - A1111's conds
        """What the denoiser does unless it was replaced: guidance of this program's, with all moments."""
        self._given = (
            self.conds[0] if cond is None else cond,
            self.conds[1] if uncond is None else uncond,
            self.cond_scale if cond_scale is None else cond_scale,
        )
        self.guided.evaluation = self.cfg.step
        return self.guided(latent, self._level_of(sigma))

    def show_batch(self, batch: NetworkInput) -> None:
        """Callbacks of on_cfg_denoiser: they see the whole batch, and may change it."""
        self._read_prompts(batch)
        self._batch = batch
        script_callbacks = import_module("modules.script_callbacks")
        image_cond = batch.image_conditioning
        if image_cond is None:
            image_cond = no_images(batch.latent)
        params = script_callbacks.CFGDenoiserParams(
            batch.latent,
            image_cond,
            batch.level,
            *self.progress,
            to_text(batch.cond),
            to_text(batch.uncond),
            self.cfg,
        )
        script_callbacks.cfg_denoiser_callback(params)
        batch.latent, batch.level = params.x, params.sigma
        if batch.image_conditioning is not None:
            batch.image_conditioning = params.image_cond
        batch.cond, batch.uncond = to_batch(params.text_cond), to_batch(params.text_uncond)
        self._uncond = params.text_uncond

    def show_results(self, output: NetworkOutput) -> None:
        """Callbacks of on_cfg_denoised: they write into the results before they are mixed."""
        script_callbacks = import_module("modules.script_callbacks")
        params = script_callbacks.CFGDenoisedParams(output.result, *self.progress, self.cfg.inner_model)
        script_callbacks.cfg_denoised_callback(params)
        if self.cfg.need_last_noise_uncond:
            self.cfg.last_noise_uncond = output.result[-self._batch_size :].clone()

    def combine(self, result: Tensor, rows: tuple[Row, ...], scale: float) -> Tensor:
        """Prompts and negatives mixed as the denoiser's `combine_denoised` says."""
        assert self._batch is not None, "a batch was shown"
        cfg, cond_scale = self.cfg, 1.0
        if not self._batch.skips_uncond:
            cond_scale = self._given[2] * cfg.cond_scale_miltiplier
        if not is_replaced(cfg, "combine_denoised", CFGDenoiser):
            return self._mix(result, rows, cond_scale)
        found: list[Tensor] = []
        with watched(cfg.combine_denoised, "combine_denoised"):
            found.append(cfg.combine_denoised(result, places_of(rows), self._uncond, cond_scale))
        return found[0] if found else self._mix(result, rows, cond_scale)

    def mix(self, result: Tensor, places: list[list[tuple[int, float]]], cond_scale: Any) -> Tensor:  # noqa: ANN401 - what counts as a number
        """A1111's formula, for rows of images in A1111's form."""
        return self._mix(result, rows_of(places), cond_scale)

    def show_guided(self, result: Tensor, guided: GuidedNetwork) -> Tensor:
        """Callbacks of on_cfg_after_cfg: they may replace the mixed result."""
        self.sampler.last_latent = result
        script_callbacks = import_module("modules.script_callbacks")
        params = script_callbacks.AfterCFGCallbackParams(result, *self.progress)
        script_callbacks.cfg_after_cfg_callback(params)
        return params.x

    def tell_step(self, moment: StepMoment) -> None:
        """The sampler's own callback, in the middle of each step."""
        told = {
            "x": moment.latent,
            "i": moment.index,
            "sigma": moment.sigma,
            "sigma_hat": moment.sigma_hat,
            "denoised": moment.denoised,
        }
        with watched(type(self.sampler).callback_state, "callback_state"):
            self.sampler.callback_state(told)

    def evaluate_rows(self, latent: Tensor, sigma: Tensor, cond: Any) -> Tensor:  # noqa: ANN401 - A1111's dict
        """The network's results for rows of a replaced denoiser, without guidance."""
        guided, embeddings, images = self.guided, *read_condition(cond)
        count, batch_size = len(latent), self._batch_size
        is_whole = count == len(self.denoising.cond.parts) + batch_size
        prompts = count - batch_size if is_whole else count
        rows = [Row(min(index, batch_size - 1), True) for index in range(prompts)]
        rows += [Row(index, False) for index in range(count - prompts)]
        batch = NetworkInput(
            tuple(rows),
            latent,
            sigma,
            embeddings.rows(0, prompts),
            embeddings.rows(prompts, count),
            None if guided.image_conditioning is None else images,
            guided.preconditioning,
            self.cfg.step,
            guided.total_evaluations,
            guided.sampling_step,
        )
        if is_whole:
            for hook in guided.hooks.before_network:
                hook(batch)
        return guided.evaluate(batch)

    # ---- What the moments ask. ----

    @property
    def denoising(self) -> Denoising:
        """The pass of this program."""
        return self._denoising

    @property
    def cfg(self) -> CFGDenoiser:
        """The sampler's denoiser, as it is now."""
        return self.sampler.model_wrap_cfg

    @property
    def guided(self) -> GuidedNetwork:
        """What evaluates."""
        assert self.denoising.guided is not None, "the pass has begun"
        return self.denoising.guided

    @property
    def cond_scale(self) -> Any:  # noqa: ANN401 - extensions put objects that count as numbers into `p`
        """The CFG scale; the object that an extension put in its place, if it did."""
        own = getattr(self.p, "cfg_scale", None)
        return self.denoising.guidance.cfg_scale if type(own) in (int, float, type(None)) else own

    @property
    def progress(self) -> tuple[int, int]:
        """The last step told, and how many there are, as A1111's state has them."""
        state = shared_state()
        if state is None:
            return self.guided.sampling_step, self.denoising.total_steps
        return state.sampling_step, state.sampling_steps

    @property
    def _batch_size(self) -> int:
        return len(self.denoising.cond.images)

    def _level_of(self, sigma: Tensor) -> Tensor:
        """The level (0-dim, CPU) of sigmas (B,), without waiting for the device where it is known."""
        if self._level is not None:
            own, version, level = self._level
            if sigma is own and sigma._version == version:
                return level
        return sigma.detach().flatten()[0].cpu()

    def _read_prompts(self, batch: NetworkInput) -> None:
        """Read the prompts of the evaluation anew, where an extension changed them or how they are read."""
        cond, uncond, _ = self._given
        guided = self.guided
        if (guided.cond, guided.uncond) != self._sources:
            # Another network has taken over, with prompts of its own.
            was_own = (cond is self.conds[0], uncond is self.conds[1])
            self._sources = (guided.cond, guided.uncond)
            self.conds = (to_multicond(guided.cond), to_schedules(guided.uncond))
            cond, uncond = (self.conds[i] if own else (cond, uncond)[i] for i, own in enumerate(was_own))
            self.sampler.sampler_extra_args |= {"cond": cond, "uncond": uncond}
            self.cfg.update_inner_model()
        prompt_parser = import_module("modules.prompt_parser")
        if cond is not self.conds[0] or prompt_parser.is_replaced("reconstruct_multicond_batch"):
            places, text = prompt_parser.reconstruct_multicond_batch(cond, self.cfg.step)
            put_prompts(batch, places, to_batch(text))
        if uncond is not self.conds[1] or prompt_parser.is_replaced("reconstruct_cond_batch"):
            batch.uncond = to_batch(prompt_parser.reconstruct_cond_batch(uncond, self.cfg.step))

    def _tell_state(self, **values: int) -> None:
        state = shared_state()
        for name, value in values.items():
            if state is not None:
                setattr(state, name, value)


# A refiner of another family keeps it.
for _moment in (
    LivePass.begin,
    LivePass.show_batch,
    LivePass.show_results,
    LivePass.show_guided,
    LivePass.tell_step,
):
    _moment.fits_all_families = True  # pyright: ignore[reportFunctionMemberAccess]


class SamplerView:
    """The denoiser as this program's samplers call it."""

    def __init__(self, live: LivePass, called: PredictNoise) -> None:
        self._live, self._called = live, called

    @property
    def alphas_cumprod(self) -> Tensor:
        """(1000,), on the CPU."""
        return self._called.alphas_cumprod

    @property
    def uncond_noise(self) -> Tensor:
        """What the last call predicted for the negative prompts alone."""
        kept = self._live.cfg.last_noise_uncond
        return self._called.uncond_noise if kept is None else kept

    def __call__(self, latent: Tensor, level: Tensor) -> Tensor:
        """An evaluation."""
        return self._live.call(latent, level)


def shared_state() -> Any:  # noqa: ANN401 - A1111's state object
    """`modules.shared.state`; None where there is no host to have it."""
    try:
        return getattr(import_module("modules.shared"), "state", None)
    except ImportError:
        return None


def no_images(latent: Tensor) -> Tensor:
    """A1111's image conditioning (B, 5, 1, 1) of networks that have none."""
    return latent.new_zeros(len(latent), NO_IMAGE_CHANNELS, 1, 1)


def places_of(rows: tuple[Row, ...]) -> list[list[tuple[int, float]]]:
    """Of each image its rows and their weights."""
    places: list[list[tuple[int, float]]] = [[] for row in rows if not row.is_prompt]
    for index, row in enumerate(rows):
        if row.is_prompt:
            places[row.image].append((index, row.weight))
    return places


def rows_of(places: list[list[tuple[int, float]]]) -> tuple[Row, ...]:
    """The rows of a batch: prompts in the order of their indexes, then a negative for each image."""
    prompts = [
        (index, Row(image, True, part, weight))
        for image, parts in enumerate(places)
        for part, (index, weight) in enumerate(parts)
    ]
    ordered = [row for _, row in sorted(prompts, key=lambda each: each[0])]
    return (*ordered, *(Row(image, False) for image in range(len(places))))


def put_prompts(batch: NetworkInput, places: list[list[tuple[int, float]]], cond: EmbeddingBatch) -> None:
    """Give a batch other prompts, which may have another number of parts."""
    rows = rows_of(places)
    first = {row.image: index for index, row in reversed(list(enumerate(batch.rows)))}
    chosen = [first[row.image] for row in rows]
    batch.latent, batch.level = pick(batch.latent, chosen), pick(batch.level, chosen)
    if batch.image_conditioning is not None:
        batch.image_conditioning = pick(batch.image_conditioning, chosen)
    batch.rows, batch.cond = rows, cond


def read_condition(cond: Any) -> tuple[EmbeddingBatch, Tensor | None]:  # noqa: ANN401 - a tensor or A1111's dict
    """Embeddings, and image conditioning, of what a network is called with."""
    if isinstance(cond, Tensor):
        return EmbeddingBatch(cond), None
    states = cond.get("c_crossattn", cond.get("crossattn"))
    states = torch.cat(list(states), dim=1) if isinstance(states, list | tuple) else states
    images = cond.get("c_concat")
    images = torch.cat(list(images), dim=1) if isinstance(images, list | tuple) else images
    if not isinstance(states, Tensor):
        return to_batch(states), images
    return EmbeddingBatch(states, cond.get("vector", cond.get("c_adm"))), images
