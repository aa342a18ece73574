"""A1111's infotext, the text in a picture that tells how it was made: the meaning of its fields.

    <prompt, may be many lines>
    Negative prompt: <negative prompt, may be many lines>
    Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, Seed: 1, Size: 512x512, …

Fields are named as A1111 1.10.1 names them; what a text leaves out is filled in as it does.
"""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from webui.core.attention import BREAK, parse_attention
from webui.core.foreign.programs import infotext_of_text
from webui.core.infotext_layouts import split_infotext
from webui.core.infotext_syntax import TELLING_KEYS, Pairs, decode_value
from webui.core.infotext_versions import HIRES_STYLES_SINCE, add_backward_compatibility, parse_version

# Values are text as read, but numbers and booleans where a default was filled in, as in A1111.
Fields = dict[str, Any]
StyleExtractor = Callable[[str, str], tuple[tuple[str, ...], str, str]]
"""Takes prompt and negative prompt; gives the names of the styles found in them and both without these."""

_SIZE = re.compile(r"(\d+)x(\d+)")
_ADDED_MODEL = "AddNet Model "
_ADDED_NAME = re.compile(r"(?P<name>.*?)\s*(?:\((?P<hash>[0-9a-fA-F]+)\))?")
# Before A1111 had a size for the first pass of hires, it chose one of about this many pixels.
_FIRST_PASS_PIXELS = 512 * 512
# Longer numbers are no sizes of pictures.
_MOST_DIGITS = 6

# What other programs, and people who copy by hand, call A1111's fields, in small letters.
_OTHER_NAMES: Mapping[str, tuple[str, ...]] = {
    "Steps": ("sampling steps", "inference steps", "num inference steps"),
    "Sampler": ("sampling method", "sampler name", "sampler_name"),
    "Schedule type": ("scheduler", "schedule", "scheduler type"),
    "CFG scale": ("cfg", "cfg_scale", "guidance scale", "guidance_scale"),
    "Seed": (),
    "Size": ("resolution", "image size"),
    "Size-1": ("resolution-1", "image size-1", "width"),
    "Size-2": ("resolution-2", "image size-2", "height"),
    "Model": ("base model", "stable diffusion model", "checkpoint", "model name"),
    "Model hash": ("base model hash", "model_hash"),
    "VAE": ("vae model", "vae name"),
    "Clip skip": ("clip_skip", "clipskip"),
    "Denoising strength": ("denoise", "denoising"),
    "Hires upscale": ("hires scale",),
}
_KNOWN_NAMES = {other: name for name, others in _OTHER_NAMES.items() for other in (name.lower(), *others)}

DEFAULTS: Mapping[str, object] = {
    "Clip skip": "1",
    "Hires sampler": "Use same sampler",
    "Hires schedule type": "Use same scheduler",
    "Hires checkpoint": "Use same checkpoint",
    "Hires prompt": "",
    "Hires negative prompt": "",
    "Mask mode": "Inpaint masked",
    "Masked content": "original",
    "Inpaint area": "Whole picture",
    "Masked area padding": 32,
    "RNG": "GPU",
    "Schedule type": "Automatic",
    "Schedule max sigma": 0,
    "Schedule min sigma": 0,
    "Schedule rho": 0,
    "VAE Encoder": "Full",
    "VAE Decoder": "Full",
    "FP8 weight": "Disable",
    "Refiner switch by sampling steps": False,
}


def parse_fields(text: str, extract_styles: StyleExtractor | None = None) -> Fields:
    """Every field of an infotext, with A1111's defaults for those it leaves out and for its version.

    Sizes come as two fields: `Size: 512x768` as `Size-1` and `Size-2`. With `extract_styles`, styles are
    taken out of the prompts; their names are in `Styles array` if there are any.
    """
    prompt, negative_prompt, pairs = split_infotext(infotext_of_text(text) or text)
    fields = _read_values(pairs)
    _add_known_names(fields)
    prompt, negative_prompt = _take_styles(fields, prompt, negative_prompt, extract_styles or _no_styles)
    fields |= {"Prompt": prompt, "Negative prompt": negative_prompt}
    if (hypernetwork := fields.get("Hypernet")) is not None:
        fields["Prompt"] += f"<hypernet:{hypernetwork}:{fields.get('Hypernet strength', '1.0')}>"
    if added := additional_networks(fields):
        marks = "".join(f"<lora:{each.name}:{each.weight}>" for each in added)
        fields["Prompt"] += f"\n{marks}"
    _fill_defaults(fields, uses_emphasis=_uses_emphasis(prompt) or _uses_emphasis(negative_prompt))
    add_backward_compatibility(fields)
    return fields


class AdditionalNetwork(NamedTuple):
    """A LoRA as the extension Additional Networks wrote it: name, hash (empty if none) and weight."""

    name: str
    hash: str
    weight: str


def additional_networks(fields: Fields) -> list[AdditionalNetwork]:
    """The LoRAs of fields such as "AddNet Model 1", which pictures from before A1111 had its own carry."""
    found: list[AdditionalNetwork] = []
    for key, value in fields.items():
        number = key.removeprefix(_ADDED_MODEL)
        match = _ADDED_NAME.fullmatch(str(value)) if number != key else None
        if match is not None and fields.get(f"AddNet Module {number}") == "LoRA":
            weight = str(fields.get(f"AddNet Weight A {number}", "1.0"))
            found.append(AdditionalNetwork(match["name"], match["hash"] or "", weight))
    return found


def _read_values(pairs: Pairs) -> Fields:
    fields: Fields = {}
    for key, written in pairs:
        value = decode_value(written)
        if key.lower() in TELLING_KEYS:
            # These have one line; whatever follows was added to the text.
            value = value.partition("\n")[0]
        if size := _SIZE.fullmatch(value):
            fields[f"{key}-1"], fields[f"{key}-2"] = size.groups()
        elif written:
            fields[key] = value
    return fields


def _add_known_names(fields: Fields) -> None:
    """Give fields that other programs call otherwise A1111's names too."""
    for key in list(fields):
        known = _KNOWN_NAMES.get(key.strip().lower())
        if known is not None:
            fields.setdefault(known, fields[key])


def _no_styles(prompt: str, negative_prompt: str) -> tuple[tuple[str, ...], str, str]:
    return (), prompt, negative_prompt


def _take_styles(
    fields: Fields, prompt: str, negative_prompt: str, extract: StyleExtractor
) -> tuple[str, str]:
    """The prompts without styles. Styles are left in where the hires prompts have others."""
    names, bare, bare_negative = extract(prompt, negative_prompt)
    version = parse_version(fields.get("Version"))
    has_hires_prompt = "Hires prompt" in fields or "Hires negative prompt" in fields
    if has_hires_prompt and (version is None or version > HIRES_STYLES_SINCE):
        hires_names, hires, hires_negative = extract(
            fields.get("Hires prompt", prompt), fields.get("Hires negative prompt", negative_prompt)
        )
        if hires_names != names:
            return prompt, negative_prompt
        fields["Hires prompt"] = "" if hires == bare else hires
        fields["Hires negative prompt"] = "" if hires_negative == bare_negative else hires_negative
    if names:
        fields["Styles array"] = list(names)
    return bare, bare_negative


def _fill_defaults(fields: Fields, *, uses_emphasis: bool) -> None:
    if "Hires resize-1" not in fields:
        fields["Hires resize-1"] = fields["Hires resize-2"] = 0
    _restore_first_pass(fields)
    for key, value in DEFAULTS.items():
        fields.setdefault(key, value)
    if fields["FP8 weight"] != DEFAULTS["FP8 weight"]:
        fields.setdefault("Cache FP16 weight for LoRA", False)
    if uses_emphasis:
        fields.setdefault("Emphasis", "Original")


def _restore_first_pass(fields: Fields) -> None:
    """Old texts give the final size and the first pass's; newer ones the first pass's and the final one."""
    if "First pass size-1" not in fields or "First pass size-2" not in fields:
        return
    width, height = _pixels(fields.get("Size-1", "512")), _pixels(fields.get("Size-2", "512"))
    first_width, first_height = _pixels(fields["First pass size-1"]), _pixels(fields["First pass size-2"])
    if (first_width == 0 or first_height == 0) and width and height:
        scale = math.sqrt(_FIRST_PASS_PIXELS / (width * height))
        first_width, first_height = (math.ceil(scale * side / 64) * 64 for side in (width, height))
    fields |= {"Size-1": first_width, "Size-2": first_height}
    fields |= {"Hires resize-1": width, "Hires resize-2": height}


def _pixels(digits: str) -> int:
    return int(digits) if len(digits) <= _MOST_DIGITS else 0


def _uses_emphasis(prompt: str) -> bool:
    return any(run.weight != 1.0 and run.text != BREAK for run in parse_attention(prompt).runs)
