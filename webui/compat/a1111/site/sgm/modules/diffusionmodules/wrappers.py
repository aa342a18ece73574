# pyright: basic
"""Names of the original code, for annotations and isinstance: nothing here is made of it."""

from webui.compat.a1111.facades.original_code import absent, name_class

OpenAIWrapper = name_class("sgm.modules.diffusionmodules.wrappers.OpenAIWrapper")
IdentityWrapper = name_class("sgm.modules.diffusionmodules.wrappers.IdentityWrapper")
# Where configurations look for it.
OPENAIUNETWRAPPER = "sgm.modules.diffusionmodules.wrappers.OpenAIWrapper"


def __getattr__(name):
    absent("sgm.modules.diffusionmodules.wrappers", name)
