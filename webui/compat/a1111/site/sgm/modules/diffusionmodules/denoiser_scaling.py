# pyright: basic
"""Names of the original code, for annotations and isinstance: nothing here is made of it."""

from webui.compat.a1111.facades.original_code import absent, name_class, name_each

VScaling = name_class("sgm.modules.diffusionmodules.denoiser_scaling.VScaling")
EpsScaling = name_class("sgm.modules.diffusionmodules.denoiser_scaling.EpsScaling")
EDMScaling = name_class("sgm.modules.diffusionmodules.denoiser_scaling.EDMScaling")
globals().update(
    name_each(
        "sgm.modules.diffusionmodules.denoiser_scaling",
        classes=["DenoiserScaling", "VScalingWithEDMcNoise"],
        functions=[],
    )
)


def __getattr__(name):
    absent("sgm.modules.diffusionmodules.denoiser_scaling", name)
