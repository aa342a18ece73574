"""What may be chosen on an axis of the X/Y/Z plot, and what refuses a name that there is none of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from extensions.scripts.changes import NONE_WORDS
from webui.plugins import (
    LATENT_UPSCALERS,
    ModelKind,
    all_samplers,
    all_schedules,
    find_upscaler,
    upscaler_names,
)

if TYPE_CHECKING:
    from webui.plugins import Context


def look_up_vae(context: Context, name: str) -> object:
    """Raises NotFound for a name that no file has."""
    known = name.strip().lower() in ("auto", "automatic", "none")
    return None if known else context.models.catalog.find_vae(name)


def look_up_checkpoint(context: Context, name: str) -> object:
    """Raises NotFound for a name that no file has."""
    return context.models.catalog.find_checkpoint(name)


def look_up_refiner(context: Context, name: str) -> object:
    """The same; "None" is no refiner."""
    return None if name.strip().lower() in NONE_WORDS else look_up_checkpoint(context, name)


def list_checkpoints(context: Context) -> list[str]:
    """The titles of all checkpoints."""
    return sorted(
        (file.title for file in context.models.catalog.files(ModelKind.CHECKPOINT)), key=str.casefold
    )


def list_refiners(context: Context) -> list[str]:
    """The same, and none."""
    return ["None", *list_checkpoints(context)]


def list_vaes(context: Context) -> list[str]:
    """The names of all VAE files, and what needs no file."""
    return ["Automatic", "None", *(file.name for file in context.models.catalog.files(ModelKind.VAE))]


def list_samplers(context: Context) -> list[str]:
    """The labels of all samplers."""
    return [sampler.label for sampler in all_samplers()]


def list_schedules(context: Context) -> list[str]:
    """The labels of all schedules."""
    return [schedule.label for schedule in all_schedules()]


def list_upscalers(context: Context) -> list[str]:
    """Of the second pass: of latents, then of pictures."""
    return [*LATENT_UPSCALERS, *upscaler_names(context.models.catalog)]


def look_up_upscaler(context: Context, name: str) -> object:
    """Raises NotFound for an upscaler that there is none of."""
    return None if name in LATENT_UPSCALERS else find_upscaler(context.models.catalog, name)


def words(*choices: str) -> Callable[[Context], Sequence[str]]:
    """Choices that are always the same."""
    return lambda context: choices


BOTH_WAYS = words("False", "True")
