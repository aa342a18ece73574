"""Hires fix and refiner, between the fields of the form and the parts of a request."""

from collections.abc import Mapping
from typing import Any

from webui.core.errors import InvalidRequest
from webui.core.request import make_request
from webui.core.request_parts import DEFAULT_LATENT_UPSCALER, HiresFix, Refiner

LATENT_PIXELS = 8
# What the lists say where the second pass does as the first; A1111's words, which infotexts hold too.
SAME_CHECKPOINT = "Use same checkpoint"
SAME_SAMPLER = "Use same sampler"
SAME_SCHEDULE = "Use same scheduler"
# Fields of the form by the fields of the part.
HIRES_FIELDS = {
    "upscaler": "hires_upscaler",
    "scale": "hires_scale",
    "width": "hires_width",
    "height": "hires_height",
    "steps": "hires_steps",
    "model": "hires_model",
    "sampler": "hires_sampler",
    "schedule": "hires_schedule",
    "prompt": "hires_prompt",
    "negative_prompt": "hires_negative_prompt",
}
REFINER_FIELDS = {"model": "refiner_model", "switch_at": "refiner_switch_at"}
# What the form shows where the part of the request is empty.
SHOWN_FOR_EMPTY = {
    "hires_upscaler": DEFAULT_LATENT_UPSCALER,
    "hires_model": SAME_CHECKPOINT,
    "hires_sampler": SAME_SAMPLER,
    "hires_schedule": SAME_SCHEDULE,
}
PART_DEFAULTS: dict[str, Any] = {
    "hires": False,
    "hires_upscaler": DEFAULT_LATENT_UPSCALER,
    "hires_steps": 0,
    "hires_scale": 2,
    "hires_width": 0,
    "hires_height": 0,
    "hires_model": SAME_CHECKPOINT,
    "hires_sampler": SAME_SAMPLER,
    "hires_schedule": SAME_SCHEDULE,
    "hires_prompt": "",
    "hires_negative_prompt": "",
    "refiner": False,
    "refiner_model": "",
    "refiner_switch_at": 0.8,
}


def request_of_parts(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a new request for what the form has switched on. Raises InvalidRequest."""
    return hires_of(fields) | refiner_of(fields)


def hires_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The second pass, if it is switched on."""
    if not fields.get("hires"):
        return {}
    same = set(SHOWN_FOR_EMPTY.values()) - {DEFAULT_LATENT_UPSCALER}
    values = {name: fields[field] for name, field in HIRES_FIELDS.items() if field in fields}
    return {"hires": {name: "" if value in same else value for name, value in values.items()}}


def refiner_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The refiner, if it is switched on. Raises InvalidRequest where no checkpoint is chosen."""
    if not fields.get("refiner"):
        return {}
    values = {name: fields[field] for name, field in REFINER_FIELDS.items() if field in fields}
    if not values.get("model"):
        raise InvalidRequest(
            "The refiner is switched on, but no checkpoint is chosen for it. Choose one, or switch it off."
        )
    return {"refiner": values}


def fields_of_parts(found: Mapping[str, Any]) -> dict[str, Any]:
    """What the form shows for the `hires` and `refiner` among a request's fields, each a dict or None.

    A part that is not there is switched off, and its fields keep what they show.
    """
    hires, refiner = found.get("hires"), found.get("refiner")
    fields: dict[str, Any] = {"hires": bool(hires), "refiner": bool(refiner)}
    if hires:
        values = HiresFix().model_dump() | hires
        fields |= {
            field: values[name] or SHOWN_FOR_EMPTY.get(field, values[name])
            for name, field in HIRES_FIELDS.items()
        }
    if refiner:
        values = {"switch_at": Refiner.model_fields["switch_at"].default} | refiner
        fields |= {field: values[name] for name, field in REFINER_FIELDS.items()}
    return fields


def final_size(fields: Mapping[str, Any]) -> tuple[int, int] | None:
    """Width and height of what the second pass gives, pixels; None where it is off or fields are wrong."""
    try:
        wanted = hires_of(fields)
        request = make_request(width=fields["width"], height=fields["height"], **wanted)
    except InvalidRequest:
        return None
    if request.hires is None:
        return None
    covering = request.hires_size
    width, height = (
        own or side for own, side in zip((request.hires.width, request.hires.height), covering, strict=True)
    )
    # Latents have one pixel for eight; what is over is cut.
    return width // LATENT_PIXELS * LATENT_PIXELS, height // LATENT_PIXELS * LATENT_PIXELS
