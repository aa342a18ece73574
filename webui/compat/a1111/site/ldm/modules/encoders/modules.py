# pyright: basic
"""Names of the original code, for annotations and isinstance: nothing here is made of it."""

from webui.compat.a1111.facades.original_code import absent, name_class, name_each

FrozenCLIPEmbedder = name_class("ldm.modules.encoders.modules.FrozenCLIPEmbedder")
FrozenOpenCLIPEmbedder = name_class("ldm.modules.encoders.modules.FrozenOpenCLIPEmbedder")
FrozenCLIPT5Encoder = name_class("ldm.modules.encoders.modules.FrozenCLIPT5Encoder")
FrozenT5Embedder = name_class("ldm.modules.encoders.modules.FrozenT5Embedder")
AbstractEncoder = name_class("ldm.modules.encoders.modules.AbstractEncoder")
ClassEmbedder = name_class("ldm.modules.encoders.modules.ClassEmbedder")
IdentityEncoder = name_class("ldm.modules.encoders.modules.IdentityEncoder")
globals().update(
    name_each(
        "ldm.modules.encoders.modules",
        classes=["FrozenCLIPImageEmbedder"],
        functions=[],
    )
)


def __getattr__(name):
    absent("ldm.modules.encoders.modules", name)
