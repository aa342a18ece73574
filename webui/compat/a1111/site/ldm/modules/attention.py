# pyright: basic
"""Names of the original code, for annotations and isinstance: nothing here is made of it."""

from webui.compat.a1111.facades.original_code import absent, name_class, name_each, name_function

CrossAttention = name_class("ldm.modules.attention.CrossAttention")
MemoryEfficientCrossAttention = name_class("ldm.modules.attention.MemoryEfficientCrossAttention")
BasicTransformerBlock = name_class("ldm.modules.attention.BasicTransformerBlock")
SpatialTransformer = name_class("ldm.modules.attention.SpatialTransformer")
FeedForward = name_class("ldm.modules.attention.FeedForward")
GEGLU = name_class("ldm.modules.attention.GEGLU")
LinearAttention = name_class("ldm.modules.attention.LinearAttention")
SpatialSelfAttention = name_class("ldm.modules.attention.SpatialSelfAttention")
default = name_function("ldm.modules.attention.default")
exists = name_function("ldm.modules.attention.exists")
checkpoint = name_function("ldm.modules.attention.checkpoint")
Normalize = name_class("ldm.modules.attention.Normalize")
zero_module = name_function("ldm.modules.attention.zero_module")
globals().update(
    name_each(
        "ldm.modules.attention",
        classes=[],
        functions=["init_", "max_neg_value", "uniq"],
    )
)


def __getattr__(name):
    absent("ldm.modules.attention", name)
