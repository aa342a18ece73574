"""From an infotext's fields to those of a request: what can be read is filled, what cannot is said."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, cast

from pydantic import BaseModel, ValidationError

from webui.core.errors import InvalidRequest
from webui.core.image_options import INFOTEXT_FIELDS, ImageOptions
from webui.core.infotext_syntax import NOT_READ
from webui.core.request import GenerationRequest, explain
from webui.core.request_parts import SIDES, HiresFix, Inpainting, Outpainting, Refiner, SoftInpainting
from webui.core.sampler_names import SamplerNames, translate_sampler
from webui.core.sampling import AUTOMATIC
from webui.core.sizes import round_down_side

# A text that names none of these does not tell how a picture was made.
TELLING_FIELDS = ("steps", "sampler", "seed", "width", "cfg_scale", "model")
SAME_AS_FIRST = ("Use same sampler", "Use same scheduler", "Use same checkpoint")
LONGEST_SHOWN = 60
CIVITAI_RESOURCES = "Civitai resources"
MOST_RESOURCES = 20
# What may follow a number without changing it, such as "20 (of 30)".
_LEADING_NUMBER = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*(?:[ (].*)?", re.DOTALL)
_TWO_SIDES = re.compile(r"\D{0,3}(\d{1,6})\s{0,3}[x\xd7X*,]\s{0,3}(\d{1,6})\D{0,3}")
_IMAGE_SIDES = ("width", "height")

SOFT_INPAINTING_FIELDS = {
    "Soft inpainting schedule bias": "schedule_bias",
    "Soft inpainting preservation strength": "preservation_strength",
    "Soft inpainting transition contrast boost": "transition_contrast_boost",
    "Soft inpainting mask influence": "mask_influence",
    "Soft inpainting difference threshold": "difference_threshold",
    "Soft inpainting difference contrast": "difference_contrast",
}


class InfotextReading(NamedTuple):
    """Valid fields for a request (`options`, `hires` and `refiner` as dicts within), and a sentence for each
    value that could not be used or became another."""

    fields: dict[str, Any]
    problems: tuple[str, ...]

    @property
    def tells_how(self) -> bool:
        """Whether the text tells how a picture was made, and is not only a prompt."""
        return any(name in self.fields for name in TELLING_FIELDS)


def read_fields(fields: Mapping[str, Any]) -> InfotextReading:
    """Request fields from the fields that `parse_fields` gives."""
    problems: list[str] = []
    found = _convert(FIELDS, fields, problems)
    found |= _read_size(fields, found, problems)
    found = _keep_valid(GenerationRequest, found, problems)
    names = _read_sampler(fields, problems)
    found |= {name: value for name in ("sampler", "schedule") if (value := getattr(names, name)) is not None}
    fields = {**names.options, **fields}
    model, model_hash = fields.get("Model"), fields.get("Model hash")
    if model or model_hash:
        found["model"] = f"{model} [{model_hash}]" if model and model_hash else model or model_hash
    options = {
        name: as_option(fields[key])
        for key, name in INFOTEXT_FIELDS.items()
        if fields.get(key) not in (None, "")
    }
    if options.pop("face_restoration_model", None):
        found["restore_faces"] = True
        options["face_restoration_model"] = str(fields["Face restoration"])
    found |= _read_parts(fields, problems) | {"options": _keep_valid(ImageOptions, options, problems)}
    problems += _say_resources(fields)
    return InfotextReading(_without_unread(found, fields, problems), tuple(problems))


def read_inpainting(fields: Mapping[str, Any]) -> dict[str, Any]:
    """How a picture was inpainted, without its mask, which no infotext holds; empty if it was not."""
    if not fields.get("Mask blur") and fields.get("Soft inpainting enabled") is None:
        return {}
    found = {
        "invert": fields.get("Mask mode") == "Inpaint not masked",
        "only_masked": fields.get("Inpaint area") == "Only masked",
    } | _convert(INPAINTING_FIELDS, fields, [])
    if "mask_blur_x" in found:
        found["mask_blur_y"] = found["mask_blur_x"]
    found = _keep_valid(Inpainting, found, [])
    if fields.get("Soft inpainting enabled"):
        soft = {key: (name, number) for key, name in SOFT_INPAINTING_FIELDS.items()}
        found["soft"] = _keep_valid(SoftInpainting, _convert(soft, fields, []), [])
    return found


def read_outpainting(fields: Mapping[str, Any]) -> dict[str, Any]:
    """How a canvas was extended; empty if it was not."""
    found = _keep_valid(Outpainting, _convert(OUTPAINTING_FIELDS, fields, []), [])
    return found if any(found.get(side) for side in SIDES) else {}


def number(value: object) -> int | float:
    """A number in the form it was written. Raises ValueError where there is none."""
    text = str(value)
    if (leading := _LEADING_NUMBER.fullmatch(text.strip())) is not None:
        text = leading[1]
    return int(text) if text.lstrip("+-").isdecimal() else float(text)


def as_option(value: object) -> object:
    """True, False or a number where the text is one."""
    text = str(value)
    if text in ("True", "False"):
        return text == "True"
    try:
        return int(text) if text.lstrip("+-").isdecimal() else float(text)
    except ValueError:
        return text


def shorten(value: object) -> str:
    """A value of any length as a sentence shows it, in quotes."""
    text = repr(value if isinstance(value, str) else str(value))
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 3]}..."


Conversions = Mapping[str, tuple[str, Callable[[Any], Any]]]


def _convert(conversions: Conversions, fields: Mapping[str, Any], problems: list[str]) -> dict[str, Any]:
    """Values under the names of request fields; a prompt that is missing is empty, others are left out."""
    found: dict[str, Any] = {}
    for key, (name, convert) in conversions.items():
        value = fields.get(key)
        if value in (None, "", *SAME_AS_FIRST) and key not in ("Prompt", "Negative prompt"):
            continue
        try:
            found[name] = convert("" if value is None else value)
        except ValueError:
            problems.append(f"{key} is {shorten(value)}, which is no number. It stays as it was.")
    return found


def _keep_valid(model: type[BaseModel], values: dict[str, Any], problems: list[str]) -> dict[str, Any]:
    """Those of a part's values that it takes, each by itself."""
    kept: dict[str, Any] = {}
    for name, value in values.items():
        try:
            model.model_validate({name: value})
        except ValidationError as error:
            problems.append(f"{explain(error)} It stays as it was.")
        except InvalidRequest as error:
            problems.append(f"{error} It stays as it was.")
        else:
            kept[name] = value
    return kept


def _read_size(
    fields: Mapping[str, Any], found: dict[str, Any], problems: list[str]
) -> dict[str, int | float]:
    """Sides rounded down to what a picture can have; also where the size is written in another way."""
    written = str(fields.get("Size", ""))
    if "width" not in found and (sides := _TWO_SIDES.fullmatch(written)) is not None:
        found |= {"width": int(sides[1]), "height": int(sides[2])}
    elif written:
        problems.append(f"Size is {shorten(written)}, which is no size. It stays as it was.")
    given = {name: found[name] for name in _IMAGE_SIDES if name in found}
    sizes = {name: round_down_side(side) if side >= 1 else side for name, side in given.items()}
    if sizes != given:
        before, after = ("x".join(str(side) for side in each.values()) for each in (given, sizes))
        problems.append(f"The size {before} became {after}, because sides are multiples of 8.")
    return sizes


def _read_sampler(fields: Mapping[str, Any], problems: list[str]) -> SamplerNames:
    """Sampler and schedule, each None where the form's stays; a schedule that is not here is Automatic."""
    written, schedule = str(fields.get("Sampler") or ""), str(fields.get("Schedule type") or "")
    names = translate_sampler(written, schedule)
    if names.schedule is None:
        problems.append(f"There is no schedule {shorten(schedule or written)} here. Automatic is chosen.")
        names = names._replace(schedule=AUTOMATIC)
    elif names.sampler is None and names.schedule == AUTOMATIC:
        # The default of a text that names no schedule.
        names = names._replace(schedule=None)
    if written and names.sampler is None:
        problems.append(f"There is no sampler {shorten(written)} here. The sampler stays as it was.")
    return names


def _read_parts(fields: Mapping[str, Any], problems: list[str]) -> dict[str, Any]:
    """Hires fix and refiner, each a dict within, where an infotext has them."""
    found: dict[str, Any] = {}
    if fields.get("Hires upscale") or any(
        fields.get(f"Hires resize-{i}") not in (None, "", 0, "0") for i in (1, 2)
    ):
        part = _convert(HIRES_FIELDS, fields, problems)
        found["hires"] = _keep_valid(HiresFix, _with_known_sampler(part, problems), problems)
    if fields.get("Refiner") not in (None, "", "None"):
        model = {"model": str(fields["Refiner"])}
        part = _convert({"Refiner switch at": ("switch_at", number)}, fields, problems)
        try:
            Refiner.model_validate(model | part)
        except ValidationError as error:
            problems.append(f"{explain(error)} It stays as it was.")
            part = {}
        found["refiner"] = model | part
    return found


def _with_known_sampler(part: dict[str, Any], problems: list[str]) -> dict[str, Any]:
    """The second pass with names of ours; those that are not here are left out."""
    found = {name: value for name, value in part.items() if name not in ("sampler", "schedule")}
    sampler, schedule = part.get("sampler", ""), part.get("schedule", "")
    if sampler or schedule:
        names = translate_sampler(sampler, schedule)
        known = {"sampler": names.sampler if sampler else None, "schedule": names.schedule}
        if not schedule and known["schedule"] == AUTOMATIC:
            del known["schedule"]
        for name, value in known.items():
            if value is not None:
                found[name] = value
            elif part.get(name):
                problems.append(f"There is no {name} {shorten(part[name])} here for hires fix.")
    return found


def _say_resources(fields: Mapping[str, Any]) -> list[str]:
    """A sentence about models that Civitai's generator names by their titles there, not by files."""
    try:
        listed = json.loads(str(fields.get(CIVITAI_RESOURCES) or "[]"))
    except (ValueError, RecursionError):
        return []
    entries = cast(list[object], listed) if isinstance(listed, list) else []
    named = [cast(dict[str, object], entry) for entry in entries[:MOST_RESOURCES] if isinstance(entry, dict)]
    # A checkpoint that the text names by its file is no news.
    news = [entry for entry in named if entry.get("type") != "checkpoint" or not fields.get("Model")]
    titles = [_title_of_resource(entry) for entry in news if entry.get("modelName")]
    return [f"Civitai's own names for what it was made with: {', '.join(titles)}."] if titles else []


def _title_of_resource(entry: Mapping[str, object]) -> str:
    words = [str(entry.get(key) or "")[:LONGEST_SHOWN] for key in ("type", "modelName", "modelVersionName")]
    weight = f"({entry['weight']})" if isinstance(entry.get("weight"), int | float) else ""
    return " ".join(word for word in (*words, weight) if word)


def _without_unread(found: dict[str, Any], fields: Mapping[str, Any], problems: list[str]) -> dict[str, Any]:
    """Without prompts that are empty only because what their picture holds is not understood."""
    unread = [part.strip() for part in str(fields.get(NOT_READ) or "").split(",") if part.strip()]
    if not unread:
        return found
    problems.append(f"Not understood in the picture, and left aside: {', '.join(unread)}.")
    return {name: value for name, value in found.items() if name.replace("_", " ") not in unread}


FIELDS: Conversions = {
    "Prompt": ("prompt", str),
    "Negative prompt": ("negative_prompt", str),
    "Steps": ("steps", number),
    "CFG scale": ("cfg_scale", number),
    "Seed": ("seed", number),
    "Size-1": ("width", number),
    "Size-2": ("height", number),
    "VAE": ("vae", str),
    "Variation seed": ("variation_seed", number),
    "Variation seed strength": ("variation_strength", number),
    "Seed resize from-1": ("seed_resize_width", number),
    "Seed resize from-2": ("seed_resize_height", number),
    "Tiling": ("tiling", as_option),
    "Denoising strength": ("denoising_strength", number),
}
HIRES_FIELDS: Conversions = {
    "Hires upscaler": ("upscaler", str),
    "Hires upscale": ("scale", number),
    "Hires resize-1": ("width", number),
    "Hires resize-2": ("height", number),
    "Hires steps": ("steps", number),
    "Hires checkpoint": ("model", str),
    "Hires sampler": ("sampler", str),
    "Hires schedule type": ("schedule", str),
    "Hires prompt": ("prompt", str),
    "Hires negative prompt": ("negative_prompt", str),
}
OUTPAINTING_FIELDS: Conversions = {
    "Outpaint left": ("left", number),
    "Outpaint right": ("right", number),
    "Outpaint up": ("up", number),
    "Outpaint down": ("down", number),
    "Outpaint fill": ("fill", str),
    "Outpaint blend": ("blend", number),
    "Outpaint fall-off": ("fall_off", number),
    "Outpaint colour variation": ("colour_variation", number),
    "Outpaint scale": ("scale", number),
}
INPAINTING_FIELDS: Conversions = {
    "Masked content": ("masked_content", str),
    "Masked area padding": ("padding", number),
    "Mask blur": ("mask_blur_x", number),
}
