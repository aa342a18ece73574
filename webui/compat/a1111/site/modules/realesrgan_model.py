# pyright: basic
"""Real-ESRGAN networks: files of our upscaler folders."""

from webui.compat.a1111.facades.stand_ins import absent
from webui.compat.a1111.facades.upscaler_classes import FileUpscaler


class UpscalerRealESRGAN(FileUpscaler):
    pass


def get_realesrgan_models(scaler):
    """The choices among our upscalers whose names say Real-ESRGAN."""
    return [choice for choice in FileUpscaler().scalers if choice.name.startswith("R-ESRGAN")]


def __getattr__(name):
    absent("modules.realesrgan_model", name)
