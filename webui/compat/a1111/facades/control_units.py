"""Units of A1111's ControlNet extension, over our own part of a request."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import Enum
from typing import Any

import numpy as np
from PIL import Image

from extensions.controlnet.listing import list_models, title_of
from extensions.controlnet.preprocessors import PREPROCESSORS
from extensions.controlnet.units import ControlNetPart, ControlUnit
from webui.compat.a1111.facades import base64_pictures, reaching, running_context
from webui.compat.a1111.facades.running_context import NATIVE_EXTRAS
from webui.compat.a1111.running.inner import inner_of

PICTURES = ("image", "mask", "effective_region_mask")
GREY = 2
# Attributes of a processing object by which scripts set units, and the fields they set: a list has one value
# a unit, None leaves it as it is; one value alone is for all units, and to enable for the first.
ATTRIBUTES = {
    "control_net_enabled": "enabled",
    "control_net_module": "module",
    "control_net_model": "model",
    "control_net_weight": "weight",
    "control_net_image": "image",
    "control_net_input_image": "image",
    "control_net_resize_mode": "resize_mode",
    "control_net_lowvram": "low_vram",
    "control_net_pres": "processor_res",
    "control_net_pthr_a": "threshold_a",
    "control_net_pthr_b": "threshold_b",
    "control_net_guidance_start": "guidance_start",
    "control_net_guidance_end": "guidance_end",
    "control_net_control_mode": "control_mode",
    "control_net_pixel_perfect": "pixel_perfect",
}


class ControlMode(Enum):
    """Which of prompt and unit counts more."""

    BALANCED = "Balanced"
    PROMPT = "My prompt is more important"
    CONTROL = "ControlNet is more important"


class ResizeMode(Enum):
    """How the unit's picture is brought to the size of the run."""

    RESIZE = "Just Resize"
    INNER_FIT = "Crop and Resize"
    OUTER_FIT = "Resize and Fill"

    def int_value(self) -> int:
        """Its place in pickers."""
        return list(ResizeMode).index(self)


class HiResFixOption(Enum):
    """In which passes of hires fix a unit acts."""

    BOTH = "Both"
    LOW_RES_ONLY = "Low res only"
    HIGH_RES_ONLY = "High res only"

    @staticmethod
    def from_value(value: Any) -> "HiResFixOption":  # noqa: ANN401 - a name, a number or itself
        """Of any spelling."""
        return choice_of(value, HiResFixOption)


# Any: A1111's clients give names, numbers or members of the enums above.
@dataclass(kw_only=False)
class ControlNetUnit:
    """One unit, with the community's names of its fields; further fields may be given and are kept."""

    enabled: bool = True
    module: str = "none"
    model: str = "None"
    weight: float = 1.0
    image: Any = None
    resize_mode: Any = ResizeMode.INNER_FIT
    low_vram: bool = False
    processor_res: int = -1
    threshold_a: float = -1
    threshold_b: float = -1
    guidance_start: float = 0.0
    guidance_end: float = 1.0
    pixel_perfect: bool = False
    control_mode: Any = ControlMode.BALANCED
    inpaint_crop_input_image: bool = True
    hr_option: Any = HiResFixOption.BOTH
    save_detected_map: bool = True
    advanced_weighting: Any = None
    effective_region_mask: Any = None
    mask: Any = None

    def __init__(self, *args: object, **kwargs: object) -> None:
        """Fields by place or by name."""
        names = [field.name for field in fields(self)]
        for field in fields(self):
            setattr(self, field.name, field.default)
        for name, value in (*zip(names, args, strict=False), *kwargs.items()):
            setattr(self, name, value)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ControlNetUnit":
        """Of a table."""
        return cls(**dict(values))


def choice_of(value: Any, kind: type[Any]) -> Any:  # noqa: ANN401 - a member of `kind`
    """A member by itself, its value, its place or its name. Raises ValueError."""
    if isinstance(value, kind):
        return value
    members = list(kind.__members__.values())
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(members):
        return members[value]
    return kind(getattr(value, "value", value))


def as_unit(given: Any) -> ControlNetUnit:  # noqa: ANN401 - a unit or a table
    """A unit as the community's class has it."""
    return given if isinstance(given, ControlNetUnit) else ControlNetUnit(**dict(given))


def to_native(unit: Any) -> dict[str, Any]:  # noqa: ANN401 - a unit or a table
    """A unit as our part of a request has it: pictures are kept, and named by their references."""
    values = dict(vars(unit)) if not isinstance(unit, Mapping) else dict(unit)
    pictures = dict(values.pop("image")) if isinstance(values.get("image"), Mapping) else {}
    values |= {name: value for name, value in pictures.items() if name in PICTURES}
    for name in PICTURES:
        values[name] = keep_picture(values.get(name))
    plain = {name: getattr(value, "value", value) for name, value in values.items()}
    known = {name: value for name, value in plain.items() if name in ControlUnit.model_fields}
    return ControlUnit.model_validate(known).model_dump(mode="json")


def from_native(values: Mapping[str, Any]) -> ControlNetUnit:
    """The other way round: pictures are opened."""
    found = {name: value for name, value in values.items() if name not in PICTURES}
    images = {name: open_kept(values.get(name)) for name in PICTURES}
    modes = {
        "resize_mode": choice_of(found.get("resize_mode", "Crop and Resize"), ResizeMode),
        "control_mode": choice_of(found.get("control_mode", "Balanced"), ControlMode),
        "hr_option": choice_of(found.get("hr_option", "Both"), HiResFixOption),
    }
    return ControlNetUnit(**(found | images | modes))


def keep_picture(value: Any) -> str | None:  # noqa: ANN401 - an array, a PIL picture, base64 or a reference
    """The reference of a picture; None without one. Raises InvalidRequest, UnusableFile."""
    if value is None or (isinstance(value, str) and not value):
        return None
    inputs = running_context.ready_services().inputs
    if isinstance(value, str):
        return value if len(value) == 64 else inputs.add_image(base64_pictures.decode(value))
    if isinstance(value, Image.Image):
        return inputs.add_image(value)
    array = np.asarray(value)
    return inputs.add_image(Image.fromarray(array.astype(np.uint8)))


def open_kept(reference: Any) -> Any:  # noqa: ANN401 - an array (H, W, 3), or None
    """The pixels of a kept picture."""
    if not isinstance(reference, str) or not reference:
        return None
    return np.asarray(running_context.ready_services().inputs.open(reference).convert("RGB"))


def extras_of(p: Any) -> dict[str, Any]:  # noqa: ANN401 - A1111's processing object
    """What its request holds for our own extensions."""
    own = getattr(p, NATIVE_EXTRAS, None)
    if own is not None:
        return dict(own)
    made_of = inner_of(p).get("made_of")
    return dict(made_of.extras) if made_of is not None else {}


def units_of(p: Any) -> list[ControlNetUnit]:  # noqa: ANN401 - A1111's processing object
    """The units of a processing object; none without ControlNet."""
    part = extras_of(p).get(ControlNetPart.key) or {}
    return [from_native(unit) for unit in part.get("units", ())]


def set_units(p: Any, units: list[Any]) -> None:  # noqa: ANN401 - A1111's processing object, units or tables
    """Give a processing object these units and no others. Raises InvalidRequest for what cannot be one."""
    part = {"units": [to_native(unit) for unit in units]}
    setattr(p, NATIVE_EXTRAS, extras_of(p) | {ControlNetPart.key: part})


def take_attributes(p: Any) -> None:  # noqa: ANN401 - A1111's processing object
    """Give a processing object the units that its `control_net_*` attributes tell of, over those that it has.

    Raises InvalidRequest for what cannot be one.
    """
    given = {name: value for name in ATTRIBUTES if (value := getattr(p, name, None)) is not None}
    if not given:
        return
    units = units_of(p)
    most = max((len(value) for value in given.values() if isinstance(value, list)), default=1)
    units += [ControlNetUnit(enabled=False) for _ in range(most - len(units))]
    for name, value in given.items():
        for number, unit in enumerate(units):
            if isinstance(value, list):
                own = value[number] if number < len(value) else None
            else:
                own = value if number == 0 or name != "control_net_enabled" else None
            if own is not None:
                setattr(unit, ATTRIBUTES[name], own)
    if any(unit.enabled for unit in units) or units_of(p):
        set_units(p, units)


def model_titles() -> list[str]:
    """None, then every model of ours."""
    services = reaching.services()
    return ["None", *(title_of(model) for model in list_models(services.catalog))] if services else ["None"]


def module_names(*, by_alias: bool) -> list[str]:
    """Our preprocessors; by their short names where wanted."""
    if not by_alias:
        return list(PREPROCESSORS)
    short = [(name, entry.aliases) for name, entry in PREPROCESSORS.items()]
    return [aliases[0] if aliases and aliases[0] != "None" else name for name, aliases in short]
