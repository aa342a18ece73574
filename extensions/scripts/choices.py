"""What may be chosen on an axis of the X/Y/Z plot, and what refuses a name that there is none of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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


@dataclass(frozen=True, slots=True)
class Offered:
    """Where the names on axes come from: the catalog of models, and the prompt presets as they are now."""

    catalog: Any  # an object of a floor below, which extensions have no name for
    styles: Callable[[], Sequence[str]]


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


def list_checkpoints(offered: Offered) -> list[str]:
    """The titles of all checkpoints."""
    return sorted((file.title for file in offered.catalog.files(ModelKind.CHECKPOINT)), key=str.casefold)


def list_refiners(offered: Offered) -> list[str]:
    """The same, and none."""
    return ["None", *list_checkpoints(offered)]


def list_vaes(offered: Offered) -> list[str]:
    """The names of all VAE files, and what needs no file."""
    return ["Automatic", "None", *(file.name for file in offered.catalog.files(ModelKind.VAE))]


def list_samplers(offered: Offered) -> list[str]:
    """The labels of all samplers."""
    return [sampler.label for sampler in all_samplers()]


def list_schedules(offered: Offered) -> list[str]:
    """The labels of all schedules."""
    return [schedule.label for schedule in all_schedules()]


def list_upscalers(offered: Offered) -> list[str]:
    """Of the second pass: of latents, then of pictures."""
    return [*LATENT_UPSCALERS, *upscaler_names(offered.catalog)]


def look_up_upscaler(context: Context, name: str) -> object:
    """Raises NotFound for an upscaler that there is none of."""
    return None if name in LATENT_UPSCALERS else find_upscaler(context.models.catalog, name)


def words(*choices: str) -> Callable[[Offered], Sequence[str]]:
    """Choices that are always the same."""
    return lambda offered: choices


BOTH_WAYS = words("False", "True")
