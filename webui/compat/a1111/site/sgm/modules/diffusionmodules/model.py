# pyright: basic
"""Names of the original code, for annotations and isinstance: nothing here is made of it."""

from webui.compat.a1111.facades.original_code import absent, name_class, name_each

Encoder = name_class("sgm.modules.diffusionmodules.model.Encoder")
Decoder = name_class("sgm.modules.diffusionmodules.model.Decoder")
AttnBlock = name_class("sgm.modules.diffusionmodules.model.AttnBlock")
ResnetBlock = name_class("sgm.modules.diffusionmodules.model.ResnetBlock")
Upsample = name_class("sgm.modules.diffusionmodules.model.Upsample")
Downsample = name_class("sgm.modules.diffusionmodules.model.Downsample")
globals().update(
    name_each(
        "sgm.modules.diffusionmodules.model",
        classes=["LinAttnBlock", "MemoryEfficientAttnBlock", "MemoryEfficientCrossAttentionWrapper", "Model"],
        functions=["Normalize", "get_timestep_embedding", "make_attn", "nonlinearity"],
    )
)


def __getattr__(name):
    absent("sgm.modules.diffusionmodules.model", name)
