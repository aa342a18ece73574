# pyright: basic
"""Names of the original code, for annotations and isinstance: nothing here is made of it."""

from webui.compat.a1111.facades.original_code import absent, name_class, name_each, name_function

timestep_embedding = name_function("sgm.modules.diffusionmodules.util.timestep_embedding")
checkpoint = name_function("sgm.modules.diffusionmodules.util.checkpoint")
conv_nd = name_function("sgm.modules.diffusionmodules.util.conv_nd")
linear = name_function("sgm.modules.diffusionmodules.util.linear")
zero_module = name_function("sgm.modules.diffusionmodules.util.zero_module")
normalization = name_function("sgm.modules.diffusionmodules.util.normalization")
avg_pool_nd = name_function("sgm.modules.diffusionmodules.util.avg_pool_nd")
GroupNorm32 = name_class("sgm.modules.diffusionmodules.util.GroupNorm32")
globals().update(
    name_each(
        "sgm.modules.diffusionmodules.util",
        classes=["AlphaBlender", "CheckpointFunction"],
        functions=[
            "extract_into_tensor",
            "make_beta_schedule",
            "mean_flat",
            "mixed_checkpoint",
            "scale_module",
            "update_ema",
        ],
    )
)


def __getattr__(name):
    absent("sgm.modules.diffusionmodules.util", name)
