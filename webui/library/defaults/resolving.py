"""A checkpoint's defaults: the artist's on its card, else what its file says, else its family's."""

import re
from collections.abc import Iterator
from typing import Literal

from pydantic import BaseModel, ConfigDict

from webui.core.checkpoint_defaults import CheckpointDefaults
from webui.core.model_file import Family, ModelFile
from webui.library.defaults.distilled import distilled_defaults
from webui.library.defaults.usage_hints import HINT, metadata_defaults
from webui.store.sidecars import CardText

Source = Literal["card", "file", "family"]

# Sides in pixels of the pictures that the families were trained on.
SIDES = {Family.SD1: 512, Family.SD2: 512, Family.SDXL: 1024, Family.SDXL_REFINER: 1024}
SD2_V_SIDE = 768
# What the form begins with where nothing says more: A1111's. Clip skip and VAE are then as the settings say.
USUAL = CheckpointDefaults(steps=20, cfg_scale=7, sampler="DPM++ 2M", schedule="Automatic")
# Names of SD2 files that were not trained further for 768 pixels: 512-base-ema, v2-1_512-nonema, sd2-base.
SMALL_SD2 = re.compile(r"(?<!\d)512(?!\d)|base", re.IGNORECASE)
# Where metadata tells what a file is called and was made of.
NAMING = ("modelspec.title", "modelspec.tags", HINT)


class ResolvedDefaults(BaseModel):
    """What the form begins with, and where each value comes from."""

    model_config = ConfigDict(frozen=True)

    values: CheckpointDefaults
    sources: dict[str, Source]


def resolve_defaults(file: ModelFile, card: CardText, prediction: str | None = None) -> ResolvedDefaults:
    """The defaults of a checkpoint. `prediction` is what the yaml beside it says: "eps", "v" or None."""
    levels: tuple[tuple[Source, CheckpointDefaults], ...] = (
        ("card", card_defaults(card)),
        ("file", metadata_defaults(file.metadata)),
        ("family", family_defaults(file, card, prediction)),
    )
    values, sources = CheckpointDefaults(), dict[str, Source]()
    for source, level in levels:
        for name in level.said():
            sources.setdefault(name, source)
        values = values.over(level)
    return ResolvedDefaults(values=values, sources=sources)


def card_defaults(card: CardText) -> CheckpointDefaults:
    """What the card says, its VAE included."""
    return card.defaults.over(CheckpointDefaults(vae=card.vae or None))


def family_defaults(file: ModelFile, card: CardText, prediction: str | None) -> CheckpointDefaults:
    """What checkpoints of the family, and of the way it was distilled, are used with."""
    side = native_side(file, prediction)
    by_family = CheckpointDefaults(width=side, height=side).over(USUAL)
    return distilled_defaults(names_of(file, card), file.family).over(by_family)


def native_side(file: ModelFile, prediction: str | None) -> int:
    """Side in pixels of the pictures that the family was trained on."""
    if file.family is not Family.SD2:
        return SIDES.get(file.family, 512)
    said = prediction or file.prediction
    is_large = said == "v" if said else not SMALL_SD2.search(file.stem)
    return SD2_V_SIDE if is_large else SIDES[Family.SD2]


def names_of(file: ModelFile, card: CardText) -> Iterator[str]:
    """What the checkpoint is called, the most trustworthy first."""
    yield card.base_model
    yield file.stem
    yield from (file.metadata.get(key, "") for key in NAMING)
