"""Pictures made with the networks that are being trained: samples, and pictures of a class."""

import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from webui.core.model_file import Family
from webui.core.work.training_run import TrainingRun
from webui.diffusion.conditioning import Conditioning, EncodedPart, PromptEmbedding, ScheduledEmbedding
from webui.diffusion.denoising import Denoising
from webui.diffusion.guidance import Guidance, NetworkInput
from webui.diffusion.noise import ImageNoise, NoiseOptions
from webui.store.files.atomic import write_atomically
from webui.training.data.batch import ShownSize, TrainingBatch
from webui.training.facts import SMALL_NETWORK
from webui.training.methods.trainable import Trainable
from webui.training.networks import SIZE_NUMBERS, TextInput, TrainingNetworks

SAMPLER, SCHEDULE, STEPS = "DPM++ 2M", "Karras", 20
# Networks of the published sizes, and small ones, are drawn with best at these.
CFG_SCALE, SMALL_CFG_SCALE = 7.0, 4.0
FOR_EVER = 1 << 30
# Sides of samples are multiples of this, as latents are halved three times.
CELL = 64
QUALITY = 90
USUAL_SIDE, MOST_SIDE, MOST_SAMPLE_STEPS = 512, 2048, 150
OPTION = re.compile(r"(?:^|\s)--([nwhdls])(?=\s)")


@dataclass(frozen=True, slots=True)
class SamplePicture:
    """What to draw. `width` and `height` in pixels. `shown` is what a ControlNet is shown."""

    prompt: str
    seed: int
    width: int
    height: int
    cfg_scale: float = CFG_SCALE
    negative: str = ""
    steps: int = STEPS
    shown: TrainingBatch | None = None


def draw(
    picture: SamplePicture, networks: TrainingNetworks, trainable: Trainable | None, clip_skip: int
) -> Image.Image:
    """A picture with the networks as they are now, drawn from generators of its own."""
    cond = read_prompt(picture.prompt, picture, networks, trainable, clip_skip)
    uncond = read_prompt(picture.negative, picture, networks, trainable, clip_skip, is_negative=True)
    model = networks.model
    shape = (model.latent_format.channels, *model.latent_size(picture.width, picture.height))
    denoising = Denoising(
        network=model.network,
        prediction=networks.prediction,
        cond=cond,
        uncond=uncond,
        noise=ImageNoise(shape, [picture.seed], NoiseOptions("CPU"), networks.device),
        family=networks.family.value,
        sampler=SAMPLER,
        schedule=SCHEDULE,
        steps=picture.steps,
        guidance=Guidance(cfg_scale=picture.cfg_scale),
    )
    if trainable is not None and picture.shown is not None:
        denoising.before_network.append(ShownHint(trainable, picture.shown))
    # There is at least one step.
    last = deque(denoising.run(), maxlen=1)[0]
    decoded = model.vae.decode(last.latent)[0]
    return Image.fromarray((decoded * 255).round().byte().permute(1, 2, 0).numpy())


OPTIONS: Mapping[str, tuple[str, Callable[[str], object]]] = MappingProxyType(
    {
        "n": ("negative", str),
        "w": ("width", lambda value: in_cells(int(value))),
        "h": ("height", lambda value: in_cells(int(value))),
        "d": ("seed", lambda value: int(value) % 2**32),
        "l": ("cfg_scale", lambda value: min(max(float(value), 1.0), 100.0)),
        "s": ("steps", lambda value: min(max(int(value), 1), MOST_SAMPLE_STEPS)),
    }
)


@torch.no_grad()
def read_prompt(
    prompt: str,
    picture: SamplePicture,
    networks: TrainingNetworks,
    trainable: Trainable | None,
    clip_skip: int,
    *,
    is_negative: bool = False,
) -> Conditioning:
    """A prompt as trainers read captions: without weights in parentheses."""
    text = networks.encode_text([trainable.read_caption(prompt) if trainable else prompt], clip_skip)
    if is_negative and not prompt and networks.family is Family.SDXL:
        text = without_words(text, networks)
    width, height = picture.width, picture.height
    text = networks.tell_sizes(text, [ShownSize(width, height, 0, 0, width, height)])
    vector = None if text.vector is None else text.vector[0]
    part = EncodedPart(1.0, (ScheduledEmbedding(FOR_EVER, PromptEmbedding(text.crossattn[0], vector)),))
    return Conditioning(((part,),))


def without_words(text: TextInput, networks: TrainingNetworks) -> TextInput:
    """SDXL's empty negative prompt: zeros, and not the encoding of nothing."""
    rule = networks.model.text_encoder.vector
    assert text.vector is not None, "SDXL has a vector"
    assert rule is not None, "SDXL has a vector"
    vector = text.vector.clone()
    vector[:, : vector.shape[1] - SIZE_NUMBERS * rule.frequencies] = 0
    return replace(text, crossattn=torch.zeros_like(text.crossattn), vector=vector)


@dataclass(frozen=True, slots=True)
class ShownHint:
    """Adds a ControlNet's residuals to each evaluation, from the hint of one picture."""

    trainable: Trainable
    shown: TrainingBatch

    def __call__(self, given: NetworkInput) -> None:
        """See `Denoising.before_network`."""
        latent, timestep = given.network_latent()
        crossattn = torch.cat([given.cond.crossattn, given.uncond.crossattn])
        vectors = [each.vector for each in (given.cond, given.uncond) if each.vector is not None]
        text = TextInput(crossattn, torch.cat(vectors) if vectors else None)
        batch = repeat_first(self.shown, len(latent))
        given.residuals.update(self.trainable.residuals(latent, timestep, text, batch))


def repeat_first(batch: TrainingBatch, count: int) -> TrainingBatch:
    """The first picture of a batch, so many times."""

    def repeat(values: Tensor | None) -> Tensor | None:
        return None if values is None else values[:1].expand(count, *values.shape[1:])

    return TrainingBatch(
        latents=batch.latents[:1].expand(count, *batch.latents.shape[1:]),
        captions=batch.captions[:1] * count,
        sizes=batch.sizes[:1] * count,
        weights=batch.weights[:1].expand(count),
        names=batch.names[:1] * count,
        mask=repeat(batch.mask),
        hints=repeat(batch.hints),
    )


def first_pictures(batch: TrainingBatch) -> Sequence[TrainingBatch]:
    """Each picture of a batch as a batch of its own."""

    def row(values: Tensor | None, at: int) -> Tensor | None:
        return None if values is None else values[at : at + 1]

    return [
        TrainingBatch(
            latents=batch.latents[at : at + 1],
            captions=(batch.captions[at],),
            sizes=(batch.sizes[at],),
            weights=batch.weights[at : at + 1],
            names=(batch.names[at],),
            mask=row(batch.mask, at),
            hints=row(batch.hints, at),
        )
        for at in range(len(batch.captions))
    ]


def choose_size(run: TrainingRun) -> tuple[int, int]:
    """Width and height of a filled run's samples."""
    width = run.resolution or USUAL_SIDE
    height = width if run.bucketing else run.height or width
    return in_cells(width), in_cells(height)


def in_cells(side: float) -> int:
    """The nearest side that samples can have, in pixels."""
    return max(CELL, min(round(side / CELL) * CELL, MOST_SIDE))


def read_options(picture: SamplePicture) -> SamplePicture:
    """The picture with what kohya's options behind its prompt say: --n negative prompt, --w width,
    --h height, --d seed, --l CFG scale, --s steps. What is no such option stays in the prompt.
    """
    prompt, *options = OPTION.split(picture.prompt)
    changes: dict[str, Any] = {"prompt": prompt.strip()}
    for letter, value in zip(options[::2], options[1::2], strict=True):
        name, read = OPTIONS[letter]
        try:
            changes[name] = read(value.strip())
        except (ValueError, OverflowError):
            return picture
    return replace(picture, **changes)


def choose_scale(networks: TrainingNetworks) -> float:
    """The CFG scale that networks of this size are drawn with best."""
    count = sum(parameter.numel() for parameter in networks.unet.parameters())
    return SMALL_CFG_SCALE if count < SMALL_NETWORK else CFG_SCALE


def save_webp(path: Path, image: Image.Image, *, lossless: bool = False) -> None:
    """Raises StorageError."""
    data = BytesIO()
    image.save(data, "webp", quality=QUALITY, lossless=lossless)
    write_atomically(path, data.getvalue())
