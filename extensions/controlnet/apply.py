"""ControlNet in a pass: every unit's picture prepared, its network leased, and what it adds to the U-Net."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Protocol

import torch
from torch import Tensor

from extensions.controlnet.files import Held, assert_fits, find_model, open_encoder, open_network
from extensions.controlnet.hints import to_rgb, to_tensor
from extensions.controlnet.networks.base import ControlCall, Residuals
from extensions.controlnet.networks.controlnet import UNION_TASKS
from extensions.controlnet.networks.ip_adapter import PictureAttention
from extensions.controlnet.networks.lllite import LLLiteAttachment
from extensions.controlnet.networks.reference import MODULES, Reference, add_noise
from extensions.controlnet.pictures import UnitPictures
from extensions.controlnet.preprocessors import find_preprocessor
from extensions.controlnet.rows import Attachment, RowAdapter, Rows
from extensions.controlnet.units import ControlNetPart, ControlUnit
from extensions.controlnet.waiting import FINISHES
from webui.plugins import (
    Batch,
    Context,
    Denoising,
    InvalidRequest,
    ModelFile,
    ModelKind,
    NetworkInput,
    UnusableFile,
)

# How much less each layer is followed where the prompt is more important; the community's numbers.
SOFT_FACTOR = 0.825
SOFT_ADAPTER = (0.25, 0.62, 0.825, 1.0)
# Layers of SD1's and SD2's ControlNets. SDXL's are weighed as the first of these.
MOST_LAYERS = 13
SDXL = "SDXL"
BALANCED, PROMPT, CONTROL = "Balanced", "My prompt is more important", "ControlNet is more important"
USUAL_FIDELITY = 0.5
# The preprocessor whose filling the pass begins with.
LAMA = "inpaint_only+lama"


class UnitPart(Protocol):
    """A unit at work in a pass."""

    unit: ControlUnit

    def switch(self, *, acts: bool) -> None:
        """Whether it acts in the evaluation that comes."""
        ...


@dataclass(slots=True)
class ResidualPart:
    """A unit whose network answers with residuals. `hints` (B or 1, 3, H, W); `mask` (1, 1, H, W)."""

    unit: ControlUnit
    held: Held
    family: str
    hints: Tensor
    mask: Tensor | None = None
    task: str = ""

    def switch(self, *, acts: bool) -> None:
        """Nothing stays switched on: it is asked for each evaluation."""

    def evaluate(self, batch: NetworkInput) -> Residuals:
        """What is added in this evaluation, for all rows."""
        latent, timestep = batch.network_latent()
        if batch.image_conditioning is not None:
            latent = torch.cat([latent, batch.image_conditioning], dim=1)
        share = batch.evaluation / batch.total_evaluations
        found: list[Residuals] = []
        with self.held.using():
            for rows, text in batch.calls():
                hint = self._hint_of([row.image for row in batch.rows[rows]])
                call = ControlCall(
                    latent[rows], timestep[rows], text.crossattn, text.vector, hint, share, self.task
                )
                found.append(self.held.network.evaluate(call))
        return self._weigh(join(found), batch)

    def _hint_of(self, images: Sequence[int]) -> Tensor:
        """The hint of each row; one for all where there is but one."""
        return (
            self.hints if len(self.hints) == 1 else self.hints[[image % len(self.hints) for image in images]]
        )

    def _weigh(self, residuals: Residuals, batch: NetworkInput) -> Residuals:
        mode, weight = self.unit.control_mode, float(self.unit.weight)
        residuals = residuals.scaled(mode_weights(residuals, mode, weight, self.family))
        if mode == CONTROL or getattr(self.held.network, "pools_globally", False):
            residuals = residuals.by_row(torch.tensor([float(row.is_prompt) for row in batch.rows]))
        return residuals if self.mask is None else residuals.masked(self.mask)


@dataclass(slots=True)
class AttachedPart:
    """A unit that listens inside the U-Net."""

    unit: ControlUnit
    attachment: PictureAttention | LLLiteAttachment | Reference
    held: tuple[Held, ...] = ()

    def switch(self, *, acts: bool) -> None:
        """It acts with its weight, or not at all."""
        self.attachment.weight = float(self.unit.weight) if acts else 0.0


@dataclass(slots=True)
class ReferencePart(AttachedPart):
    """A unit whose picture goes through the U-Net too. `latents` and `noise` (B or 1, C, h, w)."""

    latents: Tensor = field(default_factory=lambda: torch.zeros(0))
    noise: Tensor = field(default_factory=lambda: torch.zeros(0))

    def record(self, batch: NetworkInput, denoising: Denoising, rows: Rows) -> None:
        """Let the U-Net read the reference, as noisy as the picture is now."""
        reference = self.attachment
        assert isinstance(reference, Reference), "only those record"
        _, timestep = batch.network_latent()
        images = [row.image % len(self.latents) for row in batch.rows]
        latents, noise = self.latents[images], self.noise[images]
        noisy = add_noise(latents, noise, denoising.prediction.alphas_cumprod, timestep)
        if batch.image_conditioning is not None:
            noisy = torch.cat([noisy, batch.image_conditioning.to(noisy)], dim=1)
        numbers = rows.begin(batch)
        with reference.recording():
            for chosen, text in batch.calls():
                denoising.network(
                    noisy[chosen], timestep[chosen], text.crossattn, text.vector,
                    **{rows.name: numbers[chosen]},
                )  # fmt: skip


@dataclass(slots=True)
class ControlPass:
    """All units of a pass; called before the network at each evaluation."""

    denoising: Denoising
    parts: Sequence[UnitPart]
    rows: Rows

    def __call__(self, batch: NetworkInput) -> None:
        """Set what the U-Net is given in this evaluation."""
        acting = [part for part in self.parts if part.unit.acts_at(batch.evaluation, batch.total_evaluations)]
        for part in self.parts:
            part.switch(acts=False)
        for part in acting:
            if isinstance(part, ReferencePart):
                part.record(batch, self.denoising, self.rows)
        for part in acting:
            part.switch(acts=True)
        if any(isinstance(part, AttachedPart) for part in acting):
            batch.residuals[self.rows.name] = self.rows.begin(batch)
        self._add_residuals([part for part in acting if isinstance(part, ResidualPart)], batch)

    def _add_residuals(self, parts: Sequence[ResidualPart], batch: NetworkInput) -> None:
        total: Residuals | None = None
        for part in parts:
            try:
                own = part.evaluate(batch)
                total = own if total is None else total.plus(own)
            except (UnusableFile, ValueError) as error:
                raise InvalidRequest(f"ControlNet: {error}") from error
        if total is not None:
            batch.residuals.update(total.on(batch.latent.device).arguments())


@torch.no_grad()
def prepare(denoising: Denoising, batch: Batch, context: Context) -> None:
    """Make a request's units ready for a pass. Raises WebuiError with a sentence that names the unit."""
    part = ControlNetPart.of(batch.request)
    units = [
        (number, unit)
        for number, unit in enumerate(part.units if part else ())
        if unit.acts and unit.acts_in(is_second_pass=batch.is_second_pass)
    ]
    if not units:
        return
    rows = Rows()
    with ExitStack() as stack:
        maker = PartMaker(denoising, batch, context, rows, stack)
        parts = [made for number, unit in units if (made := maker.make(unit, number)) is not None]
        if not parts:
            return
        denoising.before_network.append(ControlPass(denoising, parts, rows))
        attached: list[Attachment] = [part.attachment for part in parts if isinstance(part, AttachedPart)]
        if attached:
            adapter = RowAdapter(rows, attached)
            try_attaching(adapter, denoising)
            denoising.adapters.append(adapter)
            for part in parts:
                for held in part.held if isinstance(part, AttachedPart) else ():
                    # Its weights work inside the U-Net, so they stay on the device as long.
                    stack.enter_context(held.using())
        denoising.resources.enter_context(stack.pop_all())


def try_attaching(adapter: RowAdapter, denoising: Denoising) -> None:
    """Raise InvalidRequest for a network that does not fit the U-Net, before a step is made."""
    try:
        with adapter.attach(denoising.network):
            pass
    except UnusableFile as error:
        raise InvalidRequest(f"ControlNet: {error}") from error


@dataclass(slots=True)
class PartMaker:
    """Makes units ready for one pass."""

    denoising: Denoising
    batch: Batch
    context: Context
    rows: Rows
    stack: ExitStack

    def make(self, unit: ControlUnit, number: int) -> UnitPart | None:
        """A unit at work; None, with a warning, for one that does not fit the second pass's checkpoint."""
        pictures = UnitPictures(unit, number, self.denoising, self.batch, self.context)
        if unit.module.lower() in MODULES:
            return self._make_reference(unit, pictures)
        if not unit.has_model:
            raise InvalidRequest(
                f"ControlNet unit {number} has no model. Choose one, or switch the unit off."
            )
        file = find_model(unit.model, self.context)
        try:
            assert_fits(file, self.denoising.family)
        except InvalidRequest as error:
            if not self.batch.is_second_pass:
                raise
            self.context.tell(f"ControlNet unit {number} was left out of the second pass: {error}")
            return None
        held = open_network(file, self.denoising, self.context, self.stack)
        made = self._make_of_kind(unit, file, held, pictures)
        if find_preprocessor(unit.module).changes_result:
            self._change_result(unit, number, pictures)
        return made

    def _change_result(self, unit: ControlUnit, number: int, pictures: UnitPictures) -> None:
        """What the preprocessor does to each evaluation's result, and to the finished pictures."""
        # Brings OpenCV.
        from extensions.controlnet.finishing import LatentFix, change_of, finish_of, is_masked, latent_mask

        mask = pictures.fitted_mask() if is_masked(unit) else None
        change = change_of(
            unit, None if mask is None else to_tensor(mask), is_second_pass=self.batch.is_second_pass
        )
        if change is not None:
            latents = pictures.latents(pictures.fitted())
            self.denoising.after_network.append(LatentFix(unit, latents, change))
        if find_preprocessor(unit.module).name == LAMA and not self.batch.is_second_pass:
            assert mask is not None, "it inpaints"
            self._begin_with(pictures.latents(pictures.filled()), latent_mask(to_tensor(mask)))
        images, hints = pictures.fitted(), pictures.hints()
        for place, index in enumerate(self.batch.indexes):
            own = place % len(images)
            finish = finish_of(unit, images[own], hints[own], mask)
            if finish is not None:
                FINISHES.add(self.context, [index], number, finish)

    def _begin_with(self, latents: Tensor, mask: Tensor) -> None:
        """Let the pass begin with latents (B or 1, C, h, w), as noisy as its first step is.

        In img2img they are what lies under the mask (1, 1, h, w).
        """
        denoising = self.denoising
        if denoising.init is not None:
            own = denoising.init.latent
            mixed = torch.where(mask.to(own.device) > 0, latents.to(own), own)
            denoising.init = replace(denoising.init, latent=mixed)
            return
        noise = denoising.noise.draw() if denoising.first_noise is None else denoising.first_noise
        denoising.first_noise = noise + latents.to(noise) / denoising.prediction.levels.sigma_max

    def _make_of_kind(
        self, unit: ControlUnit, file: ModelFile, held: Held, pictures: UnitPictures
    ) -> UnitPart:
        mask = self._region(pictures)
        if file.kind is ModelKind.IP_ADAPTER:
            return self._make_ip_adapter(unit, held, pictures, mask)
        hints = pictures.hints().to(self.denoising_device)
        if file.kind is ModelKind.LLLITE:
            attachment = LLLiteAttachment(
                held.network, self.rows, hints, prompts_only=unit.control_mode == CONTROL, mask=mask
            )
            return AttachedPart(unit, attachment, (held,))
        self._assert_channels(held, file)
        if file.kind is ModelKind.T2I_ADAPTER:
            self.stack.callback(held.network.forget)
        task = find_task(unit)
        return ResidualPart(unit, held, self.denoising.family, hints, mask, task)

    @property
    def denoising_device(self) -> torch.device:
        """Where the pass computes."""
        return self.context.models.device

    def _region(self, pictures: UnitPictures) -> Tensor | None:
        mask = pictures.region_mask()
        return None if mask is None else mask.to(self.denoising_device)

    def _assert_channels(self, held: Held, file: ModelFile) -> None:
        """Raise InvalidRequest for a network whose levels have other widths than the U-Net's."""
        unet = self.denoising.network.get_submodule("unet")
        wanted = tuple(getattr(unet, "config")["block_out_channels"])  # noqa: B009 - diffusers', not a module
        found = tuple(held.network.channels)
        # A T2I-Adapter may leave out the last levels; SDXL's have a fourth feature, for the middle.
        levels = min(len(found), len(wanted)) if file.kind is ModelKind.T2I_ADAPTER else None
        if found[:levels] != wanted[:levels]:
            raise InvalidRequest(
                f"{file.stem} is made for networks whose levels are {', '.join(map(str, found))} wide; this "
                f"checkpoint's are {', '.join(map(str, wanted))}. Choose a network made for this checkpoint."
            )

    def _make_ip_adapter(
        self, unit: ControlUnit, held: Held, pictures: UnitPictures, mask: Tensor | None
    ) -> UnitPart:
        adapter = held.network
        with ExitStack() as brief:
            # It is read once, and need not stay for the steps.
            encoder = open_encoder(adapter, self.denoising, self.context, brief)
            brief.enter_context(encoder.using())
            seen = [encoder.network.read(to_rgb(image)) for image in pictures.images()]
            nothing = encoder.network.read_nothing()
        with held.using():
            prompts = torch.cat([adapter.project(features) for features in seen])
            negatives = adapter.project(nothing)
        attention = PictureAttention(adapter, self.rows, prompts, negatives, mask=mask)
        return AttachedPart(unit, attention, (held,))

    def _make_reference(self, unit: ControlUnit, pictures: UnitPictures) -> UnitPart:
        module = unit.module.lower()
        reference = Reference(
            self.rows,
            module != "reference_adain",
            module != "reference_only",
            fidelity=find_fidelity(unit),
            mask=self._region(pictures),
        )
        latents = pictures.latents(pictures.fitted())
        seeds = self.batch.seeds if len(latents) > 1 else self.batch.seeds[:1]
        noise = torch.stack([draw(latents.shape[1:], seed) for seed in seeds]).to(latents)
        return ReferencePart(unit, reference, (), latents, noise)


def draw(shape: torch.Size, seed: int) -> Tensor:
    """Noise of a shape, the same for the same seed on every machine."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed % 2**63))


def find_fidelity(unit: ControlUnit) -> float:
    """How much the negative rows of a reference unit stay as they are; to choose where it is balanced."""
    if unit.control_mode != BALANCED:
        return 0.0 if unit.control_mode == PROMPT else 1.0
    chosen = float(unit.threshold_a)
    return chosen if 0 <= chosen <= 1 else USUAL_FIDELITY


def find_task(unit: ControlUnit) -> str:
    """What kind of picture a union network is shown: as chosen, else by the preprocessor's name; empty if
    neither tells.
    """
    for text in (unit.control_type, unit.module.lower()):
        if not text:
            continue
        found = next((task for task in UNION_TASKS if task in text), None)
        if found is None:
            found = next((task for word, task in OTHER_TASK_NAMES.items() if word in text), None)
        if found is not None:
            return found
    return ""


OTHER_TASK_NAMES = {
    "hed": "softedge",
    "pidinet": "softedge",
    "teed": "softedge",
    "seg": "segmentation",
    "oneformer": "segmentation",
    "blur": "tile",
    "pose": "openpose",
    "invert": "lineart",
    "bae": "normal",
    "midas": "depth",
    "zoe": "depth",
    "leres": "depth",
}


def mode_weights(residuals: Residuals, mode: str, weight: float, family: str) -> float | list[float]:
    """What a unit of this control mode and weight multiplies its layers by."""
    if mode == BALANCED:
        return weight
    return [weight * factor for factor in soft_weights(residuals, family)]


def soft_weights(residuals: Residuals, family: str) -> list[float]:
    """Weights of the layers where the prompt is more important: the coarser, the nearer to 1."""
    count = len(residuals.down) + (residuals.mid is not None)
    most = MOST_LAYERS if family == SDXL else count
    weights = [SOFT_FACTOR ** (most - 1 - layer) for layer in range(count)]
    levels = len(residuals.intrablock)
    return weights + [SOFT_ADAPTER[max(0, level + len(SOFT_ADAPTER) - levels)] for level in range(levels)]


def join(parts: Sequence[Residuals]) -> Residuals:
    """Residuals of one batch that was evaluated in several calls."""
    if len(parts) == 1:
        return parts[0]
    mids = [part.mid for part in parts if part.mid is not None]
    return Residuals(
        tuple(torch.cat(layers) for layers in zip(*(part.down for part in parts), strict=True)),
        torch.cat(mids) if mids else None,
        tuple(torch.cat(layers) for layers in zip(*(part.intrablock for part in parts), strict=True)),
    )
