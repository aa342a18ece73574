# pyright: basic
"""Names of the original code, for annotations and isinstance: nothing here is made of it."""

from webui.compat.a1111.facades.original_code import absent, name_class, name_each, name_function

UNetModel = name_class("sgm.modules.diffusionmodules.openaimodel.UNetModel")
TimestepBlock = name_class("sgm.modules.diffusionmodules.openaimodel.TimestepBlock")
TimestepEmbedSequential = name_class("sgm.modules.diffusionmodules.openaimodel.TimestepEmbedSequential")
ResBlock = name_class("sgm.modules.diffusionmodules.openaimodel.ResBlock")
Upsample = name_class("sgm.modules.diffusionmodules.openaimodel.Upsample")
Downsample = name_class("sgm.modules.diffusionmodules.openaimodel.Downsample")
timestep_embedding = name_function("sgm.modules.diffusionmodules.openaimodel.timestep_embedding")
globals().update(
    name_each(
        "sgm.modules.diffusionmodules.openaimodel",
        classes=[
            "AttentionBlock",
            "AttentionPool2d",
            "NoTimeUNetModel",
            "QKVAttention",
            "QKVAttentionLegacy",
            "SpatialTransformer",
            "Timestep",
            "TransposedUpsample",
        ],
        functions=[
            "avg_pool_nd",
            "checkpoint",
            "conv_nd",
            "convert_module_to_f16",
            "convert_module_to_f32",
            "count_flops_attn",
            "default",
            "exists",
            "linear",
            "normalization",
            "zero_module",
        ],
    )
)


def __getattr__(name):
    absent("sgm.modules.diffusionmodules.openaimodel", name)
