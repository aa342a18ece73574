# pyright: basic
"""Names of the original code, for annotations and isinstance: nothing here is made of it."""

from webui.compat.a1111.facades.original_code import absent, name_class

LegacyDDPMDiscretization = name_class("sgm.modules.diffusionmodules.discretizer.LegacyDDPMDiscretization")
Discretization = name_class("sgm.modules.diffusionmodules.discretizer.Discretization")
EDMDiscretization = name_class("sgm.modules.diffusionmodules.discretizer.EDMDiscretization")


def __getattr__(name):
    absent("sgm.modules.diffusionmodules.discretizer", name)
