# pyright: basic
"""Names of the original code, for annotations and isinstance: nothing here is made of it."""

from webui.compat.a1111.facades.original_code import absent, name_class, name_each

GeneralConditioner = name_class("sgm.modules.encoders.modules.GeneralConditioner")
FrozenCLIPEmbedder = name_class("sgm.modules.encoders.modules.FrozenCLIPEmbedder")
FrozenOpenCLIPEmbedder2 = name_class("sgm.modules.encoders.modules.FrozenOpenCLIPEmbedder2")
FrozenOpenCLIPEmbedder = name_class("sgm.modules.encoders.modules.FrozenOpenCLIPEmbedder")
ConcatTimestepEmbedderND = name_class("sgm.modules.encoders.modules.ConcatTimestepEmbedderND")
AbstractEmbModel = name_class("sgm.modules.encoders.modules.AbstractEmbModel")
globals().update(
    name_each(
        "sgm.modules.encoders.modules",
        classes=["ClassEmbedder", "FrozenT5Embedder", "InceptionV3", "LowScaleEncoder", "SpatialRescaler"],
        functions=[],
    )
)


def __getattr__(name):
    absent("sgm.modules.encoders.modules", name)
