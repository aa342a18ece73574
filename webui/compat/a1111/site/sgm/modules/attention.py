# pyright: basic
"""Names of the original code, for annotations and isinstance: nothing here is made of it."""

from webui.compat.a1111.facades.original_code import absent, name_class, name_each, name_function

CrossAttention = name_class("sgm.modules.attention.CrossAttention")
MemoryEfficientCrossAttention = name_class("sgm.modules.attention.MemoryEfficientCrossAttention")
BasicTransformerBlock = name_class("sgm.modules.attention.BasicTransformerBlock")
SpatialTransformer = name_class("sgm.modules.attention.SpatialTransformer")
FeedForward = name_class("sgm.modules.attention.FeedForward")
default = name_function("sgm.modules.attention.default")
exists = name_function("sgm.modules.attention.exists")
globals().update(
    name_each(
        "sgm.modules.attention",
        classes=["GEGLU", "LinearAttention", "SpatialSelfAttention", "SpatialTransformerSimple"],
        functions=["Normalize", "checkpoint", "init_", "max_neg_value", "uniq", "zero_module"],
    )
)


def __getattr__(name):
    absent("sgm.modules.attention", name)
