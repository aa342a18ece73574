# pyright: basic
"""HAT networks: files of our upscaler folders."""

from webui.compat.a1111.facades.stand_ins import absent
from webui.compat.a1111.facades.upscaler_classes import FileUpscaler


class UpscalerHAT(FileUpscaler):
    pass


def __getattr__(name):
    absent("modules.hat_model", name)
