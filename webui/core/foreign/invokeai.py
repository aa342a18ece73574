"""InvokeAI's three ways to say how a picture was made: an object, an older object, and a command line."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from webui.core.foreign.flat import read_flat, read_number
from webui.core.foreign.recipe import Recipe

PROGRAM = "InvokeAI"
# Flags of the command line by what they mean.
_FLAGS = {
    "s": "steps",
    "S": "seed",
    "W": "width",
    "H": "height",
    "C": "cfgscale",
    "A": "sampler",
    "f": "strength",
}
_FLAG = re.compile(r"\s-([sSWHCAf])\s?([\w.+-]{1,60})")
_QUOTED = re.compile(r'\s*"((?:[^"\\]|\\.)*)"')


def read_invokeai(data: Mapping[str, Any]) -> Recipe | None:
    """`invokeai_metadata`, of version 3 and later."""
    recipe = read_flat(data, _program(data))
    if recipe is None:
        return None
    _add_styles(recipe, data)
    if str(data.get("rand_device", "cpu")) == "cpu":
        recipe.others["RNG"] = "CPU"
    skipped = read_number(data.get("clip_skip"))
    # InvokeAI counts the layers that are left out.
    recipe.clip_skip = int(skipped) + 1 if skipped else None
    return recipe


def read_sd_metadata(data: Mapping[str, Any]) -> Recipe | None:
    """`sd-metadata`, of version 2: the picture's values within, the model's without."""
    image = data.get("image")
    if not isinstance(image, dict):
        return None
    values = cast(dict[str, Any], image)
    recipe = read_flat({**data, **values}, _program(data))
    if recipe is not None:
        recipe.prompt, recipe.negative_prompt = split_brackets(recipe.prompt or "")
    return recipe


def read_dream(line: str) -> Recipe | None:
    """`Dream`, the command line of version 1: a prompt in quotes, the negative one in brackets, and flags."""
    quoted = _QUOTED.match(line)
    written, rest = (quoted[1], line[quoted.end() :]) if quoted else _split_at_flags(line)
    values: dict[str, Any] = {_FLAGS[flag]: value for flag, value in _FLAG.findall(rest)}
    recipe = read_flat(values | {"prompt": written}, PROGRAM)
    if recipe is not None:
        recipe.prompt, recipe.negative_prompt = split_brackets(written)
    return recipe


def split_brackets(prompt: str) -> tuple[str, str]:
    """Prompt and negative prompt, which is what stands in square brackets."""
    kept: list[str] = []
    negative: list[str] = []
    for text, is_inside in _bracketed(prompt):
        (negative if is_inside else kept).append(text.strip())
    return " ".join(part for part in kept if part), ", ".join(part for part in negative if part)


def _bracketed(text: str) -> Iterator[tuple[str, bool]]:
    """Pieces of a text, and whether each stands in brackets; an open one at the end counts as text."""
    position = 0
    while (start := text.find("[", position)) >= 0 and (end := text.find("]", start)) >= 0:
        yield text[position:start], False
        yield text[start + 1 : end], True
        position = end + 1
    yield text[position:], False


def _split_at_flags(line: str) -> tuple[str, str]:
    found = _FLAG.search(line)
    return (line[: found.start()], line[found.start() :]) if found else (line, "")


def _program(data: Mapping[str, Any]) -> str:
    return f"{PROGRAM} {str(data.get('app_version') or '').strip()[:20]}".strip()


def _add_styles(recipe: Recipe, data: Mapping[str, Any]) -> None:
    """The texts for SDXL's second encoder, where they say something else."""
    for name in ("positive", "negative"):
        style = data.get(f"{name}_style_prompt")
        attribute = "prompt" if name == "positive" else "negative_prompt"
        text = getattr(recipe, attribute) or ""
        if isinstance(style, str) and style.strip() and style.strip() != text:
            setattr(recipe, attribute, f"{text}, {style.strip()}" if text else style.strip())
