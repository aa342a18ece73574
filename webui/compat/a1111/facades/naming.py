"""File names of A1111's `save_image` and `FilenameGenerator`, made by the program's own patterns."""

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from PIL import Image

from webui.core.errors import WebuiError
from webui.core.image_options import ImageOptions
from webui.core.request import GenerationRequest
from webui.core.sampling import find_sampler, find_schedule
from webui.core.settings import Saving
from webui.store.pictures.filenames import NameFacts, Naming, expand, name_part

# Fields of A1111's processing object, and those of our request, that the patterns tell of.
FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "prompt": "prompt",
        "negative_prompt": "negative_prompt",
        "steps": "steps",
        "cfg_scale": "cfg_scale",
        "width": "width",
        "height": "height",
        "batch_size": "batch_size",
        "n_iter": "batch_count",
    }
)


def request_of(p: Any, prompt: str | None) -> GenerationRequest | None:  # noqa: ANN401 - A1111's processing object, or None
    """What a processing object asks for, as far as names tell of it; None where nothing is known.

    Extensions put anything into its fields: nothing is checked.
    """
    if p is None and prompt is None:
        return None
    values: dict[str, Any] = {
        ours: value for name, ours in FIELDS.items() if (value := getattr(p, name, None)) is not None
    }
    if prompt is not None:
        values["prompt"] = prompt
    seeds = getattr(p, "all_seeds", None)
    seed = seeds[0] if seeds else getattr(p, "seed", 0)
    values["seed"] = seed if isinstance(seed, int) else 0
    values["sampler"] = known_label(find_sampler, getattr(p, "sampler_name", None)) or "Euler"
    values["schedule"] = known_label(find_schedule, getattr(p, "scheduler", None)) or "Automatic"
    values["options"] = ImageOptions.model_construct(clip_skip=getattr(p, "clip_skip", None) or 1)
    return GenerationRequest.model_construct(**values)


def known_label(find: Any, name: object) -> str | None:  # noqa: ANN401 - find_sampler or find_schedule
    """The label of a sampler or schedule; None of a name that there is none of."""
    try:
        return cast(str, find(name).label) if isinstance(name, str) and name else None
    except WebuiError:
        return None


def facts_of(p: Any, seed: object, prompt: str | None) -> NameFacts:  # noqa: ANN401 - A1111's processing object, or None
    """What the patterns may tell of a picture that belongs to a processing object (None: to none)."""
    batch_size, iteration = getattr(p, "batch_size", 1) or 1, getattr(p, "iteration", 0) or 0
    styles = getattr(p, "styles", None) or ()
    strength = getattr(p, "denoising_strength", None)
    return NameFacts(
        request=request_of(p, prompt),
        seed=whole_number(seed),
        index=iteration * batch_size + (getattr(p, "batch_index", 0) or 0),
        model_name=text_or_none(getattr(p, "sd_model_name", None)),
        model_hash=text_or_none(getattr(p, "sd_model_hash", None)),
        vae_name=text_or_none(getattr(p, "sd_vae_name", None)),
        denoising_strength=strength if isinstance(strength, int | float) else None,
        styles=tuple(style for style in styles if isinstance(style, str)),
        user=text_or_none(getattr(p, "user", None)),
    )


def text_or_none(value: object) -> str | None:
    """A text; None for anything else, and for empty text."""
    return value if isinstance(value, str) and value else None


def whole_number(value: object) -> int | None:
    """A seed as it is given: a number, or one as text; None where there is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return int(value)
    except (ValueError, OverflowError):
        return None


def name_of_picture(facts: NameFacts, image: Image.Image, saving: Saving, pattern: str | None = None) -> str:
    """What a pattern gives, fit for a file's name; without one the pattern of the settings."""
    usual = "[seed]" if saving.save_to_dirs else "[seed]-[prompt_spaces]"
    naming = Naming(facts, image, saving.directories_max_prompt_words)
    return name_part(
        expand(pattern or saving.samples_filename_pattern or usual, naming)
        .replace("/", "_")
        .replace("\\", "_")
    )


def now() -> datetime:
    """With a time zone."""
    return datetime.now().astimezone()


def next_sequence_number(folder: str | os.PathLike[str], basename: str) -> int:
    """The number that the next file of a folder gets; 0 where there is no folder yet."""
    # Only here: counting locks folders, which the other functions have no use for.
    from webui.store.pictures.numbering import next_number

    path = Path(folder)
    return next_number(path, basename) if path.is_dir() else 0
