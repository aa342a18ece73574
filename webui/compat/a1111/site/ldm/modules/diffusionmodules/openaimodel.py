# pyright: basic
"""Names of the original code, for annotations and isinstance: nothing here is made of it."""

from webui.compat.a1111.facades.original_code import absent, name_class, name_each, name_function

UNetModel = name_class("ldm.modules.diffusionmodules.openaimodel.UNetModel")
TimestepBlock = name_class("ldm.modules.diffusionmodules.openaimodel.TimestepBlock")
TimestepEmbedSequential = name_class("ldm.modules.diffusionmodules.openaimodel.TimestepEmbedSequential")
ResBlock = name_class("ldm.modules.diffusionmodules.openaimodel.ResBlock")
Upsample = name_class("ldm.modules.diffusionmodules.openaimodel.Upsample")
Downsample = name_class("ldm.modules.diffusionmodules.openaimodel.Downsample")
AttentionBlock = name_class("ldm.modules.diffusionmodules.openaimodel.AttentionBlock")
QKVAttention = name_class("ldm.modules.diffusionmodules.openaimodel.QKVAttention")
convert_module_to_f16 = name_function("ldm.modules.diffusionmodules.openaimodel.convert_module_to_f16")
convert_module_to_f32 = name_function("ldm.modules.diffusionmodules.openaimodel.convert_module_to_f32")
timestep_embedding = name_function("ldm.modules.diffusionmodules.openaimodel.timestep_embedding")
globals().update(
    name_each(
        "ldm.modules.diffusionmodules.openaimodel",
        classes=[
            "AttentionPool2d",
            "EncoderUNetModel",
            "QKVAttentionLegacy",
            "SpatialTransformer",
            "Timestep",
            "TransposedUpsample",
        ],
        functions=[
            "avg_pool_nd",
            "checkpoint",
            "conv_nd",
            "count_flops_attn",
            "exists",
            "linear",
            "normalization",
            "zero_module",
        ],
    )
)


def __getattr__(name):
    absent("ldm.modules.diffusionmodules.openaimodel", name)
