"""How a picture was made, as far as it is understood, and the infotext that says so."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import NamedTuple

from webui.core.infotext_syntax import NOT_READ, join_fields
from webui.core.sampler_names import translate_sampler
from webui.core.sampling import AUTOMATIC

MODEL_SUFFIXES = (".safetensors", ".sft", ".ckpt", ".pt", ".pth", ".bin", ".gguf")
_SIZE_MARKS = re.compile(r"\d{1,6}")


class NamedLora(NamedTuple):
    """A LoRA by the name of its file, without folder and suffix, and its weight."""

    name: str
    weight: float | str = 1


@dataclass(slots=True)
class Recipe:
    """What one picture tells, in the words of its program; None where it tells nothing that is understood."""

    program: str = ""
    prompt: str | None = None
    negative_prompt: str | None = None
    steps: object = None
    sampler: str | None = None
    schedule: str | None = None
    cfg_scale: object = None
    seed: object = None
    size: tuple[int, int] | None = None
    model: str | None = None
    model_hash: str | None = None
    denoising_strength: object = None
    clip_skip: object = None
    loras: list[NamedLora] = field(default_factory=list[NamedLora])
    # Further fields of infotext, and what is in the picture in a way that is not understood.
    others: dict[str, object] = field(default_factory=dict[str, object])
    not_read: list[str] = field(default_factory=list[str])

    @property
    def says_enough(self) -> bool:
        """Whether there is anything to fill in."""
        known = (self.prompt, self.steps, self.seed, self.sampler, self.model)
        return sum(value is not None for value in known) >= 2


def write_infotext(recipe: Recipe, size: tuple[int, int] | None = None) -> str:
    """The infotext of a recipe; `size` is the picture's own, pixels, where the recipe names none."""
    names = translate_sampler(recipe.sampler or "", recipe.schedule or "")
    is_schedule_said = bool(recipe.schedule) or names.schedule != AUTOMATIC
    schedule = (names.schedule or recipe.schedule) if is_schedule_said else None
    width, height = recipe.size or size or (None, None)
    missing = [
        name
        for name, value in (("prompt", recipe.prompt), ("negative prompt", recipe.negative_prompt))
        if value is None
    ]
    if recipe.prompt is None:
        # There is no prompt for them to stand in.
        missing += [f"LoRA {lora.name} ({lora.weight})" for lora in recipe.loras]
    fields: dict[str, object] = {
        "Steps": recipe.steps,
        "Sampler": names.sampler or recipe.sampler,
        "Schedule type": schedule,
        "CFG scale": recipe.cfg_scale,
        "Seed": recipe.seed,
        "Size": f"{width}x{height}" if width and height else None,
        "Model hash": recipe.model_hash,
        "Model": recipe.model,
        "Denoising strength": recipe.denoising_strength,
        "Clip skip": recipe.clip_skip,
    }
    fields |= {
        **names.options,
        **recipe.others,
        "Version": recipe.program or None,
        NOT_READ: ", ".join(missing + recipe.not_read) or None,
    }
    prompt = "" if recipe.prompt is None else add_loras(recipe.prompt, recipe.loras)
    return join_fields(prompt, recipe.negative_prompt or "", fields)


def add_loras(prompt: str, loras: Iterable[NamedLora]) -> str:
    """The prompt with its LoRAs in A1111's way, but for those that it names already."""
    marks = [f"<lora:{name}:{weight}>" for name, weight in loras if f"<lora:{name}:" not in prompt]
    return " ".join([*([prompt] if prompt else []), *marks])


def file_stem(name: str) -> str:
    """The name of a model's file without folders, on any system, and without its suffix."""
    path = PurePosixPath(name.strip().replace("\\", "/"))
    return path.stem if path.suffix.lower() in MODEL_SUFFIXES else path.name


def read_sides(value: object) -> tuple[int, int] | None:
    """Width and height out of "512x768", "(512, 768)" or [512, 768]; None for other values."""
    sides = _SIZE_MARKS.findall(str(value)[:60])
    return (int(sides[0]), int(sides[1])) if len(sides) == 2 else None
