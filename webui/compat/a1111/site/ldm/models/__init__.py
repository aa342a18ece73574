# pyright: basic
"""Names of the original code, for annotations and isinstance: nothing here is made of it."""

from webui.compat.a1111.facades.original_code import absent


def __getattr__(name):
    absent("ldm.models", name)
