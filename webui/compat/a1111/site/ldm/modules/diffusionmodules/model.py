# pyright: basic
"""Names of the original code, for annotations and isinstance: nothing here is made of it."""

from webui.compat.a1111.facades.original_code import absent, name_class, name_each, name_function

Encoder = name_class("ldm.modules.diffusionmodules.model.Encoder")
Decoder = name_class("ldm.modules.diffusionmodules.model.Decoder")
AttnBlock = name_class("ldm.modules.diffusionmodules.model.AttnBlock")
MemoryEfficientAttnBlock = name_class("ldm.modules.diffusionmodules.model.MemoryEfficientAttnBlock")
ResnetBlock = name_class("ldm.modules.diffusionmodules.model.ResnetBlock")
Model = name_class("ldm.modules.diffusionmodules.model.Model")
Upsample = name_class("ldm.modules.diffusionmodules.model.Upsample")
Downsample = name_class("ldm.modules.diffusionmodules.model.Downsample")
Normalize = name_class("ldm.modules.diffusionmodules.model.Normalize")
nonlinearity = name_function("ldm.modules.diffusionmodules.model.nonlinearity")
make_attn = name_function("ldm.modules.diffusionmodules.model.make_attn")
globals().update(
    name_each(
        "ldm.modules.diffusionmodules.model",
        classes=["LatentRescaler", "LinearAttention", "MemoryEfficientCrossAttentionWrapper"],
        functions=["get_timestep_embedding"],
    )
)


def __getattr__(name):
    absent("ldm.modules.diffusionmodules.model", name)
