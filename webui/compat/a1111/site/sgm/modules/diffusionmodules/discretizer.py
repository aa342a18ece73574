# pyright: basic
"""Names of the original code, for annotations and isinstance: nothing here is made of it."""

from webui.compat.a1111.facades.original_code import absent, name_class, name_each

LegacyDDPMDiscretization = name_class("sgm.modules.diffusionmodules.discretizer.LegacyDDPMDiscretization")
Discretization = name_class("sgm.modules.diffusionmodules.discretizer.Discretization")
EDMDiscretization = name_class("sgm.modules.diffusionmodules.discretizer.EDMDiscretization")
globals().update(
    name_each(
        "sgm.modules.diffusionmodules.discretizer",
        classes=[],
        functions=["generate_roughly_equally_spaced_steps"],
    )
)


def __getattr__(name):
    absent("sgm.modules.diffusionmodules.discretizer", name)
