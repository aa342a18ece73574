"""Recipes that are one JSON object with a value for each thing: most programs' way.

SwarmUI, Fooocus, InvokeAI, NovelAI, Easy Diffusion, Draw Things, TensorArt and Civitai's generator differ in
what they call things, and in little else.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, cast

from webui.core.foreign.recipe import NamedLora, Recipe, file_stem, read_sides
from webui.core.infotext_syntax import as_json_object

# What each thing is called, in small letters and digits alone; the first that is there counts.
NAMES: Mapping[str, tuple[str, ...]] = {
    "prompt": ("prompt", "positiveprompt", "positive", "c", "fullprompt"),
    "negative_prompt": ("negativeprompt", "negative", "uc", "undesiredcontent", "fullnegativeprompt"),
    "steps": ("steps", "numinferencesteps", "inferencesteps", "samplingsteps"),
    "sampler": ("sampler", "samplername", "samplingmethod"),
    "schedule": ("scheduler", "noiseschedule", "schedule", "scheduletype"),
    "cfg_scale": ("cfgscale", "guidancescale", "scale", "cfg", "guidance"),
    "seed": ("seed", "noiseseed"),
    "size": ("size", "resolution"),
    "width": ("width",),
    "height": ("height",),
    "model": ("modelweights", "model", "basemodel", "modelname", "usestablediffusionmodel", "checkpoint"),
    "model_hash": ("modelhash", "basemodelhash"),
    "denoising_strength": ("denoisingstrength", "strength", "promptstrength", "initimagecreativity"),
    "clip_skip": ("clipskip", "clipstopatlayer"),
}
_TELLING = ("prompt", "negative_prompt", "steps", "sampler", "cfg_scale", "seed")
FEWEST_TELLING = 3
FEWEST_WITHOUT_PROMPT = 4
# Fooocus names how well to work; these are the steps it means.
PERFORMANCE_STEPS = {"quality": 60, "speed": 30, "extreme speed": 8, "lightning": 4, "hyper-sd": 4}
LONGEST_VALUE = 200_000
MOST_LORAS = 100
_NOT_LETTERS = re.compile(r"[\W_]+")
_NUMBER = re.compile(r"[+-]?\d{1,30}(?:\.\d{1,30})?")
_SHORT_HASH = re.compile(r"[0-9a-fA-F]{8,64}")


def read_flat(data: Mapping[str, Any], program: str = "") -> Recipe | None:
    """The recipe in an object of any program; None if it has too little of one."""
    values = _squeeze_keys(data)
    named = [name for name in _TELLING if _first(values, name) is not None]
    if len(named) < (FEWEST_TELLING if "prompt" in named else FEWEST_WITHOUT_PROMPT):
        return None
    recipe = Recipe(program=program)
    recipe.prompt = _text(_first(values, "prompt"))
    recipe.negative_prompt = _text(_first(values, "negative_prompt")) or ""
    recipe.steps = read_number(_first(values, "steps")) or _performance_steps(values)
    recipe.sampler, recipe.schedule = _sampler(values)
    recipe.cfg_scale = read_number(_first(values, "cfg_scale"))
    recipe.seed = read_number(_first(values, "seed"))
    recipe.size = _size(values)
    recipe.model, recipe.model_hash = _model(values)
    strength = read_number(_first(values, "denoising_strength"))
    recipe.denoising_strength = strength if strength is not None and 0 < float(strength) < 1 else None
    recipe.clip_skip = _clip_skip(_first(values, "clip_skip"))
    recipe.loras = read_loras(values)
    return recipe


def read_number(value: object) -> int | float | None:
    """A number, or a text that is one; None for other values."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return value
    text = str(value).strip()
    if _NUMBER.fullmatch(text) is None:
        return None
    return float(text) if "." in text else int(text)


def _squeeze_keys(data: Mapping[str, Any]) -> dict[str, Any]:
    """The values by keys without capitals, spaces and marks; of equal ones the first."""
    values: dict[str, Any] = {}
    for key, value in data.items():
        values.setdefault(_NOT_LETTERS.sub("", key[:60]).lower(), value)
    return values


def _first(values: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 - JSON
    return next((values[key] for key in NAMES[name] if values.get(key) not in (None, "", [])), None)


def _text(value: object) -> str | None:
    """A text; lists of texts, as some programs hold prompts, with a space between."""
    if isinstance(value, list):
        parts = [_text(part) for part in cast(list[object], value)[:MOST_LORAS]]
        value = " ".join(part for part in parts if part)
    if isinstance(value, dict):
        value = cast(dict[str, object], value).get("prompt")
    return value.strip()[:LONGEST_VALUE] if isinstance(value, str) else None


def _sampler(values: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Sampler and schedule; where only a "scheduler" is named, that is the sampler (diffusers' word)."""
    sampler, schedule = _text(_first(values, "sampler")), _text(_first(values, "schedule"))
    return (sampler, schedule) if sampler else (schedule, None)


def _size(values: Mapping[str, Any]) -> tuple[int, int] | None:
    width, height = read_number(_first(values, "width")), read_number(_first(values, "height"))
    if width and height:
        return int(width), int(height)
    return read_sides(_first(values, "size"))


def _model(values: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Name and hash of the checkpoint, which is a name, a path, or an object with either."""
    model, model_hash = _first(values, "model"), _first(values, "model_hash")
    if isinstance(model, dict):
        inner = _squeeze_keys(cast(dict[str, Any], model))
        model = next((inner[key] for key in ("name", "modelname", "label", "key") if inner.get(key)), None)
        model_hash = model_hash or inner.get("hash")
    name = file_stem(model)[:200] if isinstance(model, str) else None
    known = isinstance(model_hash, str) and _SHORT_HASH.fullmatch(model_hash)
    return name, str(model_hash)[:10] if known else None


def _performance_steps(values: Mapping[str, Any]) -> int | None:
    return PERFORMANCE_STEPS.get(str(values.get("performance", "")).lower())


def _clip_skip(value: object) -> int | None:
    """A1111's count: 1 is no skip. SwarmUI counts from the end, -1; Easy Diffusion has a switch."""
    if value is True:
        return 2
    layers = read_number(value)
    return abs(int(layers)) if layers is not None and abs(layers) > 1 else None


def read_loras(values: Mapping[str, Any]) -> list[NamedLora]:
    """LoRAs from a list of names, pairs or objects, weights beside it, or Fooocus' numbered keys."""
    listed = next((values[key] for key in ("loras", "lora", "useloramodel") if values.get(key)), None)
    weights = next((values[key] for key in ("loraweights", "loraalpha") if values.get(key)), None)
    entries = _as_list(listed)
    beside = _as_list(weights)
    found = [_lora(entry, beside[at] if at < len(beside) else None) for at, entry in enumerate(entries)]
    for key, value in values.items():
        if key.startswith("loracombined") and isinstance(value, str):
            name, _, weight = value.rpartition(" : ")
            found.append(_lora(name or value, weight or None))
    return [lora for lora in found if lora is not None][:MOST_LORAS]


def _as_list(value: object) -> list[object]:
    if isinstance(value, str):
        parts: list[object] = [part.strip() for part in value.split(",") if part.strip()]
        return parts[:MOST_LORAS]
    if isinstance(value, int | float):
        return [value]
    return list(cast(Iterable[object], value))[:MOST_LORAS] if isinstance(value, list | tuple) else []


def _lora(entry: object, weight: object) -> NamedLora | None:
    """One LoRA out of a name, a list of name and weight, or an object with both."""
    if isinstance(entry, list) and entry:
        parts = cast(list[object], entry)
        entry, weight = parts[0], parts[1] if len(parts) > 1 else weight
    if isinstance(entry, dict):
        inner = _squeeze_keys(cast(dict[str, Any], entry))
        weight = next((inner[key] for key in ("weight", "strength") if key in inner), weight)
        entry = next(
            (inner[key] for key in ("model", "lora", "name", "modelname", "label") if key in inner), None
        )
        if isinstance(entry, dict):
            inner = _squeeze_keys(cast(dict[str, Any], entry))
            entry = inner.get("name") or inner.get("modelname")
    if not isinstance(entry, str) or not entry.strip() or entry == "None":
        return None
    number = read_number(weight)
    return NamedLora(file_stem(entry)[:200], 1 if number is None else number)


def read_swarmui(data: Mapping[str, Any]) -> Recipe | None:
    """SwarmUI and StableSwarmUI; noise is ComfyUI's, from the processor."""
    inner = data.get("sui_image_params")
    if not isinstance(inner, dict):
        return None
    values = cast(dict[str, Any], inner)
    recipe = read_flat(values, f"SwarmUI {str(values.get('swarm_version', '')).strip()[:20]}".strip())
    if recipe is not None:
        recipe.others["RNG"] = "CPU"
    return recipe


def read_novelai(data: Mapping[str, Any]) -> Recipe | None:
    """NovelAI's texts: its `Comment` is a JSON text. Clip skip and ENSD are those it works with."""
    comment = data.get("Comment")
    inner = as_json_object(comment) if isinstance(comment, str) else comment
    if comment is None and {"uc", "signed_hash"} <= data.keys():
        inner = data
    if not isinstance(inner, dict):
        return None
    values = cast(dict[str, Any], inner)
    if "uc" not in values and "steps" not in values:
        return None
    recipe = read_flat({"prompt": data.get("Description"), **values})
    if recipe is None:
        return None
    recipe.prompt = _text(data.get("Description")) or recipe.prompt
    recipe.prompt = _with_characters(recipe.prompt, values.get("v4_prompt"))
    recipe.negative_prompt = _with_characters(recipe.negative_prompt, values.get("v4_negative_prompt"))
    # The picture's own size is right; NovelAI's is that before it was enlarged.
    recipe.size = recipe.size if "Description" not in data else None
    recipe.clip_skip = None
    recipe.others |= {"Clip skip": 2, "ENSD": 31337}
    return recipe


def _with_characters(prompt: str | None, version4: object) -> str | None:
    """A prompt with those of its characters, which NovelAI 4 keeps apart, each on a line of its own."""
    caption = _member(version4, "caption")
    characters = _member(caption, "char_captions")
    texts = [_member(each, "char_caption") for each in _as_list(characters)]
    whole = [prompt or _member(caption, "base_caption"), *texts]
    lines = [text for text in whole if isinstance(text, str) and text]
    return "\n".join(lines) if lines else prompt


def _member(value: object, key: str) -> object:
    return cast(dict[str, object], value).get(key) if isinstance(value, dict) else None
