"""Classifier-free guidance (Ho and Salimans 2022): what stands between a sampler and the network.

Each evaluation selects the prompts of its step, joins prompt and negative rows into one batch, runs the
network and mixes the results. The moments at which others may look and change are lists of functions, called
in order.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import torch
from torch import Tensor

from webui.diffusion.conditioning import Conditioning, EmbeddingBatch, fit_uncond, pad_equally, pick
from webui.diffusion.inpaint import LatentMask
from webui.diffusion.prediction import Preconditioning


class DenoisingNetwork(Protocol):
    """A U-Net: latent (N, C, h, w), timestep (N,), crossattn (N, T, D), vector (N, Dv) -> (N, C, h, w)."""

    def __call__(
        self,
        latent: Tensor,
        timestep: Tensor,
        crossattn: Tensor,
        vector: Tensor | None,
        **residuals: Any,  # noqa: ANN401 - tensors or tuples of them, as the network's own arguments are
    ) -> Tensor:
        """What the network predicts."""
        ...


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a network batch: of which image, prompt or negative, which AND part, with what weight."""

    image: int
    is_prompt: bool
    part: int = 0
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Guidance:
    """How prompt and negative prompt are weighed, and when and how they run together.

    `s_min_uncond` is a sigma, `skip_early_cond` a share of the evaluations. `padding` (77, D) is the encoded
    empty prompt, which `pad_cond_uncond` needs. `combine` replaces the formula.
    """

    cfg_scale: float = 7.0
    s_min_uncond: float = 0.0
    s_min_uncond_all: bool = False
    skip_early_cond: float = 0.0
    pad_cond_uncond: bool = False
    pad_cond_uncond_v0: bool = False
    batch_cond_uncond: bool = True
    padding: Tensor | None = None
    combine: "Combine | None" = None


# Results (N, C, h, w), prompts first, then one negative for each image; their rows; scale -> (B, C, h, w).
Combine = Callable[[Tensor, tuple[Row, ...], float], Tensor]


@dataclass(slots=True)
class NetworkInput:
    """The batch of one evaluation. Hooks may replace or edit its tensors.

    `latent` (N, C, h, w) is as the sampler has it, `level` (N,) its sigmas, or timesteps for DDIM and its
    kin. Rows are all prompts of image 0, of image 1, ..., then one negative for each image: `cond` has the
    former, `uncond` the latter. `residuals` go to the network by name; tensors in them have N rows.
    """

    rows: tuple[Row, ...]
    latent: Tensor
    level: Tensor
    cond: EmbeddingBatch
    uncond: EmbeddingBatch
    image_conditioning: Tensor | None
    preconditioning: Preconditioning
    evaluation: int
    total_evaluations: int
    sampling_step: int
    skips_uncond: bool = False
    residuals: dict[str, Any] = field(default_factory=dict)  # Any: tensors or tuples of them

    @property
    def share_done(self) -> float:
        """The share of the evaluations that lie behind, from 0 to below 1 (DPM adaptive may pass it)."""
        return self.evaluation / max(self.total_evaluations, 1)

    def select(self, rows: list[int]) -> "NetworkInput":
        """Some of the rows, in their order, for one more evaluation (see `NetworkOutput.evaluate`)."""
        assert rows and rows == sorted(rows), "prompts stand before negatives"
        count, conditioning = len(self.cond), self.image_conditioning
        return replace(
            self,
            rows=tuple(self.rows[row] for row in rows),
            latent=pick(self.latent, rows),
            level=pick(self.level, rows),
            cond=self.cond.select([row for row in rows if row < count]),
            uncond=self.uncond.select([row - count for row in rows if row >= count]),
            image_conditioning=None if conditioning is None else pick(conditioning, rows),
            residuals={name: pick_rows(value, rows) for name, value in self.residuals.items()},
        )

    def network_latent(self) -> tuple[Tensor, Tensor]:
        """What the network itself gets, without image conditioning: its latent and timesteps (N,)."""
        return self.preconditioning.network_input(self.latent, self.level)

    def drop_uncond(self) -> None:
        """Leave out the negative rows."""
        count = len(self.cond)
        self.rows, self.latent, self.level = self.rows[:count], self.latent[:count], self.level[:count]
        if self.image_conditioning is not None:
            self.image_conditioning = self.image_conditioning[:count]
        self.uncond = self.uncond.rows(0, 0)

    def calls(self, batch_size: int | None = None) -> Iterator[tuple[slice, EmbeddingBatch]]:
        """Rows that can run together: all, unless their lengths differ; at most `batch_size`."""
        groups = [group for group in (self.cond, self.uncond) if len(group)]
        if len(groups) == 2 and self.cond.tokens == self.uncond.tokens:
            groups = [self.cond.joined(self.uncond)]
        first = 0
        for group in groups:
            size = batch_size or len(group)
            for start in range(0, len(group), size):
                part = group.rows(start, start + size)
                yield slice(first + start, first + start + len(part)), part
            first += len(group)


@dataclass(slots=True)
class NetworkOutput:
    """Results (N, C, h, w) of one evaluation before mixing: denoised, or for timestep samplers noise.

    `evaluate` runs the network once more on an input of the same step, made by `input.select` and `replace`:
    results for its rows. It counts as no evaluation, and no hook is called.
    """

    result: Tensor
    rows: tuple[Row, ...]
    input: NetworkInput
    evaluate: Callable[[NetworkInput], Tensor]


@dataclass(slots=True)
class Hooks:
    """The moments of an evaluation, in order.

    `before_evaluation` may exchange network and prompts (a refiner). `before_guidance` sees the whole batch,
    negative rows included. `before_network` sees what remains after padding and leaving out; residuals are
    added here. `around_network` wraps each call of the network, the last one outermost: it is given what to
    call and returns what is called in its place. `after_network` may edit the results. `after_guidance`
    returns the mixed result it wants in place of the given one.
    """

    before_evaluation: list[Callable[["GuidedNetwork", Tensor], None]] = field(default_factory=list)
    before_guidance: list[Callable[[NetworkInput], None]] = field(default_factory=list)
    before_network: list[Callable[[NetworkInput], None]] = field(default_factory=list)
    around_network: list[Callable[[DenoisingNetwork], DenoisingNetwork]] = field(default_factory=list)
    after_network: list[Callable[[NetworkOutput], None]] = field(default_factory=list)
    after_guidance: list[Callable[[Tensor, "GuidedNetwork"], Tensor]] = field(default_factory=list)


@dataclass(slots=True)
class GuidedNetwork:
    """A network that samplers call. Counts its evaluations, by which prompts change.

    `effects` collects A1111's infotext keys of options that took effect. `denoised_cond` and
    `denoised_uncond` are the clean latents of the last evaluation for prompt and negative prompt, for
    previews.
    """

    network: DenoisingNetwork
    preconditioning: Preconditioning
    cond: Conditioning
    uncond: Conditioning
    guidance: Guidance
    hooks: Hooks
    total_evaluations: int
    image_conditioning: Tensor | None = None
    mask: LatentMask | None = None
    blends_before: bool = False
    cfg_factor: float = 1.0
    evaluation: int = 0
    sampling_step: int = 0
    effects: set[str] = field(default_factory=set)
    _last: NetworkOutput | None = None

    @property
    def alphas_cumprod(self) -> Tensor:
        """(1000,), on the CPU."""
        return self.preconditioning.prediction.alphas_cumprod

    @property
    def uncond_noise(self) -> Tensor:
        """The last result for the negative prompt alone, (B, C, h, w)."""
        assert self._last is not None, "no evaluation yet"
        return self._last.result[-len(self.cond.images) :]

    def denoised_cond(self) -> Tensor:
        """Clean latents (B, C, h, w) of the first AND part of each prompt, in the last evaluation."""
        return self._denoised(
            [index for index, row in enumerate(self._rows()) if row.is_prompt and not row.part]
        )

    def denoised_uncond(self) -> Tensor:
        """Clean latents (B, C, h, w) of the negative prompts, in the last evaluation."""
        return self._denoised([index for index, row in enumerate(self._rows()) if not row.is_prompt])

    def __call__(self, latent: Tensor, level: Tensor) -> Tensor:
        """Result (B, C, h, w) for a latent and its sigma or timestep (0-dim, CPU)."""
        # A refiner that takes over here may take functions out of the list.
        for hook in tuple(self.hooks.before_evaluation):
            hook(self, level)
        levels = torch.full((len(latent),), float(level), device=latent.device)
        if self.mask is not None and self.blends_before:
            latent = self.mask.blend(latent, levels)
        batch = self._batch(latent, levels, level)
        output = self._run(batch)
        result = self._mix(output, batch.skips_uncond)
        if self.mask is not None and not self.blends_before:
            result = self.mask.blend(result, levels)
        for hook in self.hooks.after_guidance:
            result = hook(result, self)
        self.evaluation += 1
        return result

    def _batch(self, latent: Tensor, levels: Tensor, level: Tensor) -> NetworkInput:
        """The batch of this evaluation, as it goes into the network."""
        parts, count = self.cond.parts, len(latent)
        rows = tuple(Row(image, True, part, it.weight) for image, part, it in parts)
        rows += tuple(Row(image, False) for image in range(count))
        images = [row.image for row in rows]
        batch = NetworkInput(
            rows,
            pick(latent, images),
            pick(levels, images),
            self.cond.at(self.evaluation),
            self.uncond.at(self.evaluation),
            None if self.image_conditioning is None else pick(self.image_conditioning, images),
            self.preconditioning,
            self.evaluation,
            self.total_evaluations,
            self.sampling_step,
            self._skips_uncond(float(level)),
        )
        for hook in self.hooks.before_guidance:
            hook(batch)
        if batch.skips_uncond:
            batch.drop_uncond()
        else:
            self._pad(batch)
        for hook in self.hooks.before_network:
            hook(batch)
        return batch

    def _skips_uncond(self, level: float) -> bool:
        """Whether this evaluation leaves out the negative prompt."""
        options = self.guidance
        if options.skip_early_cond and self.evaluation / self.total_evaluations <= options.skip_early_cond:
            self.effects.add("Skip Early CFG")
            return True
        is_turn = self.evaluation % 2 == 1 or options.s_min_uncond_all
        if is_turn and options.s_min_uncond > 0 and level < options.s_min_uncond:
            self.effects |= {"NGMS", "NGMS all steps"} if options.s_min_uncond_all else {"NGMS"}
            return True
        return False

    def _pad(self, batch: NetworkInput) -> None:
        """Make prompt and negative equally long where an option says so."""
        options = self.guidance
        if batch.cond.tokens == batch.uncond.tokens:
            return
        if options.pad_cond_uncond_v0:
            batch.uncond = fit_uncond(batch.uncond, batch.cond.tokens)
            self.effects.add("Pad conds v0")
        elif options.pad_cond_uncond and options.padding is not None:
            batch.cond, batch.uncond = pad_equally(batch.cond, batch.uncond, options.padding)
            self.effects.add("Pad conds")

    def evaluate(self, batch: NetworkInput) -> Tensor:
        """The network's results for the rows of a batch, as samplers read them."""
        latent, timestep = batch.network_latent()
        inputs = (
            latent
            if batch.image_conditioning is None
            else torch.cat([latent, batch.image_conditioning], dim=1)
        )
        network = self.network
        for wrap in self.hooks.around_network:
            network = wrap(network)
        size = None if self.guidance.batch_cond_uncond else len(self.cond.images)
        outputs = [
            network(
                inputs[rows],
                timestep[rows],
                embeddings.crossattn,
                embeddings.vector,
                **{name: take_rows(value, rows) for name, value in batch.residuals.items()},
            ).to(latent.dtype)
            for rows, embeddings in batch.calls(size)
        ]
        raw = outputs[0] if len(outputs) == 1 else torch.cat(outputs)
        return self.preconditioning.result(batch.latent, raw, batch.level)

    def _run(self, batch: NetworkInput) -> NetworkOutput:
        """The network's results; where the negative rows were left out, the prompts' stand in for them."""
        result, rows = self.evaluate(batch), batch.rows
        if batch.skips_uncond:
            first = [index for index, row in enumerate(rows) if not row.part]
            result = torch.cat([result, pick(result, first)])
            rows += tuple(Row(image, False) for image in range(len(first)))
        self._last = NetworkOutput(result, rows, batch, self.evaluate)
        for hook in self.hooks.after_network:
            hook(self._last)
        return self._last

    def _mix(self, output: NetworkOutput, skips_uncond: bool) -> Tensor:
        """Prompt and negative weighed by the CFG scale; without negative rows, the prompts alone."""
        scale = 1.0 if skips_uncond else self.guidance.cfg_scale * self.cfg_factor
        return (self.guidance.combine or combine)(output.result, output.rows, scale)

    def _rows(self) -> tuple[Row, ...]:
        assert self._last is not None, "no evaluation yet"
        return self._last.rows

    def _denoised(self, rows: list[int]) -> Tensor:
        assert self._last is not None, "no evaluation yet"
        batch = self._last.input
        images = [self._last.rows[row].image for row in rows]
        first = [next(i for i, row in enumerate(batch.rows) if row.image == image) for image in images]
        latent, level = pick(batch.latent, first), pick(batch.level, first)
        return self.preconditioning.denoised(latent, pick(self._last.result, rows), level)


def combine(result: Tensor, rows: tuple[Row, ...], scale: float) -> Tensor:
    """The negative result moved towards each AND part by its weight times the scale (Liu et al. 2022)."""
    prompts = [row for row in rows if row.is_prompt]
    uncond = result[len(prompts) :]
    if len(prompts) == len(uncond) and len({row.weight for row in prompts}) == 1:
        return uncond + (result[: len(prompts)] - uncond) * (prompts[0].weight * scale)
    mixed = uncond.clone()
    for index, row in enumerate(prompts):
        mixed[row.image] += (result[index] - uncond[row.image]) * (row.weight * scale)
    return mixed


def take_rows(value: Any, rows: slice) -> Any:  # noqa: ANN401 - tensors, or tuples and lists of them
    """The rows of a residual, whatever it is made of."""
    if isinstance(value, Tensor):
        return value[rows]
    if isinstance(value, list | tuple):
        return type(value)(take_rows(item, rows) for item in value)
    return value


def pick_rows(value: Any, rows: list[int]) -> Any:  # noqa: ANN401 - as in take_rows
    """Some rows of a residual, one after the other."""
    if isinstance(value, Tensor):
        return pick(value, rows)
    if isinstance(value, list | tuple):
        return type(value)(pick_rows(item, rows) for item in value)
    return value
