# pyright: basic
"""Units of ControlNet in processing objects."""

import base64
import io

import numpy as np

from lib_controlnet.script import ControlNetScript
from webui.compat.a1111.facades import base64_pictures, control_units
from webui.compat.a1111.facades.control_units import (
    ControlMode,
    ControlNetUnit,
    HiResFixOption,
    ResizeMode,
)
from webui.compat.a1111.facades.stand_ins import absent

__all__ = ["ControlMode", "ControlNetUnit", "HiResFixOption", "ResizeMode", "base64", "io"]

API_VERSION = 2
# As many as a request of ours may have.
MOST_UNITS = 32


def get_api_version():
    return API_VERSION


def resize_mode_from_value(value):
    return control_units.choice_of(value, ResizeMode)


def control_mode_from_value(value):
    return control_units.choice_of(value, ControlMode)


def get_all_units_in_processing(p):
    """The units of a processing object."""
    return control_units.units_of(p)


def get_all_units(script_runner=None, script_args=None):
    """None: units lie in processing objects, not in scripts' arguments."""
    return []


def get_all_units_from(script_args):
    """The units among arguments."""
    return [to_processing_unit(each) for each in script_args if isinstance(each, ControlNetUnit | dict)]


def get_single_unit_from(script_args, index=0):
    found = get_all_units_from(script_args)
    return found[index] if 0 <= index < len(found) else None


def update_cn_script_in_processing(p, cn_units, **kwargs) -> None:
    """Give a processing object these units and no others."""
    control_units.set_units(p, list(cn_units or ()))


def update_cn_script_in_place(script_runner, script_args, cn_units, **kwargs) -> None:
    from webui.compat.a1111.facades.stand_ins import refuse

    refuse(
        "external_code.update_cn_script_in_place",
        "Units lie in the processing object: call update_cn_script_in_processing(p, units).",
    )


def to_processing_unit(unit):
    """A unit of a table, or the unit itself."""
    return control_units.as_unit(unit)


def get_models(update=False):
    """None, then every model."""
    return control_units.model_titles()


def get_modules(alias_names=False):
    """The preprocessors."""
    return control_units.module_names(by_alias=alias_names)


def get_modules_detail(alias_names=False):
    """The preprocessors with their sliders."""
    from extensions.controlnet.listing import describe_module
    from extensions.controlnet.preprocessors import PREPROCESSORS

    names = get_modules(alias_names)
    return {name: describe_module(entry) for name, entry in zip(names, PREPROCESSORS.values(), strict=True)}


def get_max_models_num():
    """How many units a request may have; A1111's page shows three."""
    return MOST_UNITS


def is_cn_script(script):
    return isinstance(script, ControlNetScript) or str(script.title()).lower() == "controlnet"


def find_cn_script(script_runner=None):
    """What stands for the community's script in a runner; None where it is not."""
    own = getattr(script_runner, "scripts", None) or ()
    return next((script for script in own if is_cn_script(script)), None)


def find_cn_script_index(script_runner=None):
    own = getattr(script_runner, "scripts", None) or ()
    return next((index for index, script in enumerate(own) if is_cn_script(script)), None)


def to_base64_nparray(encoding: str):
    """The pixels (H, W, 3) of a picture in base64."""
    return np.asarray(base64_pictures.decode(encoding).convert("RGB"))


def pixel_perfect_resolution(image, target_H, target_W, resize_mode):
    """The preprocessor's resolution at which a picture keeps every pixel of the run's size."""
    height, width = np.asarray(image).shape[:2]
    ratios = target_H / height, target_W / width
    chosen = min(ratios) if resize_mode_from_value(resize_mode) is ResizeMode.OUTER_FIT else max(ratios)
    return int(np.round(chosen * min(height, width)))


def __getattr__(name):
    absent("lib_controlnet.external_code", name)
