# pyright: basic
"""The bodies of A1111's API."""

import importlib
import inspect
from collections import namedtuple
from typing import Any, Literal, Optional

from pydantic import BaseModel, ConfigDict, Field, create_model

from webui.compat.a1111.facades import api_bodies
from webui.compat.a1111.facades.stand_ins import absent

API_NOT_ALLOWED = [
    "self",
    "kwargs",
    "sd_model",
    "outpath_samples",
    "outpath_grids",
    "sampler_index",
    "extra_generation_params",
    "overlay_images",
    "do_not_reload_embeddings",
    "seed_enable_extras",
    "prompt_for_display",
    "sampler_noise_scheduler_override",
    "ddim_discretize",
]
ModelDef = namedtuple("ModelDef", ["field", "field_alias", "field_type", "field_value", "field_exclude"])
fields = {}
flags = {}
MODELS = api_bodies.make_models()
globals().update(MODELS)


class PydanticModelGenerator:
    """A1111 makes its two bodies of classes' signatures; so may extensions of theirs."""

    def __init__(self, model_name="Model", class_instance=None, additional_fields=None):
        self._model_name = model_name
        table = {}
        signature = inspect.signature(class_instance.__init__) if class_instance else None
        for name, parameter in signature.parameters.items() if signature else ():
            if name not in API_NOT_ALLOWED and parameter.kind not in (
                parameter.VAR_KEYWORD,
                parameter.VAR_POSITIONAL,
            ):
                default = None if parameter.default is parameter.empty else parameter.default
                table[name] = (Any, default)
        for extra in additional_fields or ():
            table[extra["key"]] = (extra.get("type") or Any, extra.get("default"))
        self._table = table

    def generate_model(self):
        """The model."""
        return api_bodies.make_model(self._model_name, self._table)


class OptionsModel(api_bodies.ApiModel):
    """Settings by key."""

    model_config = ConfigDict(extra="allow")


class FlagsModel(api_bodies.ApiModel):
    """Flags by name."""

    model_config = ConfigDict(extra="allow")


ELSEWHERE = {
    "sd_upscalers": "modules.shared",
    "opts": "modules.shared",
    "parser": "modules.shared",
    "StableDiffusionProcessingTxt2Img": "modules.processing",
    "StableDiffusionProcessingImg2Img": "modules.processing",
}
# Extensions import all of them with a star.
__all__ = [  # pyright: ignore[reportUnsupportedDunderAll]
    *MODELS,
    "API_NOT_ALLOWED",
    "Any",
    "BaseModel",
    "Field",
    "FlagsModel",
    "Literal",
    "ModelDef",
    "Optional",
    "OptionsModel",
    "PydanticModelGenerator",
    "create_model",
    "inspect",
]


def __getattr__(name):
    if name in ELSEWHERE:
        return getattr(importlib.import_module(ELSEWHERE[name]), name)
    absent("modules.api.models", name)
