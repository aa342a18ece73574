# pyright: basic
"""DAT networks: files of our upscaler folders."""

from webui.compat.a1111.facades.stand_ins import absent
from webui.compat.a1111.facades.upscaler_classes import FileUpscaler


class UpscalerDAT(FileUpscaler):
    pass


def __getattr__(name):
    absent("modules.dat_model", name)
