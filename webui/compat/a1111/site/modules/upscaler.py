# pyright: basic
"""Upscalers: classes to derive from, and the choices that there are."""

import os
from abc import abstractmethod

from PIL import Image

from webui.compat.a1111.facades import upscaler_classes
from webui.compat.a1111.facades.stand_ins import absent
from webui.compat.a1111.facades.upscaler_classes import (
    FileUpscaler,
    Upscaler,
    UpscalerData,
    UpscalerLanczos,
    UpscalerNearest,
    UpscalerNone,
)

__all__ = [
    "LANCZOS",
    "NEAREST",
    "FileUpscaler",
    "Image",
    "Upscaler",
    "UpscalerData",
    "UpscalerLanczos",
    "UpscalerNearest",
    "UpscalerNone",
    "abstractmethod",
    "os",
]  # fmt: skip

LANCZOS = Image.Resampling.LANCZOS
NEAREST = Image.Resampling.NEAREST


def find(name):
    """The choice of a name: an extension's, else ours; of unknown names one whose use raises the sentence."""
    from modules import shared

    choices = getattr(shared, "sd_upscalers", None) or upscaler_classes.native_choices()
    found = next((each for each in choices if each.name == name), None)
    return found or UpscalerData(name, name, FileUpscaler())


def __getattr__(name):
    if name in ("modelloader", "devices", "shared", "script_callbacks"):
        import importlib

        return importlib.import_module(f"modules.{name}")
    absent("modules.upscaler", name)
