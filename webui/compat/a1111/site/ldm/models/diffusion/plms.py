# pyright: basic
"""Names of the original code, for annotations and isinstance: nothing here is made of it."""

from webui.compat.a1111.facades.original_code import absent, name_class

PLMSSampler = name_class("ldm.models.diffusion.plms.PLMSSampler")


def __getattr__(name):
    absent("ldm.models.diffusion.plms", name)
