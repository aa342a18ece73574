# pyright: basic
"""Contexts in which A1111 builds networks faster: here they change nothing."""

import contextlib

from webui.compat.a1111.facades.stand_ins import absent


class ReplaceHelper:
    def __init__(self, *args, **kwargs):
        self.replaced = []

    def __enter__(self):
        return self

    def __exit__(self, exc_type, exc_val, exc_tb):
        self.restore()

    def replace(self, obj, field, func):
        """Put a function in another's place until `restore`; what was there, or None."""
        original = getattr(obj, field, None)
        if original is not None:
            self.replaced.append((obj, field, original))
            setattr(obj, field, func)
        return original

    def restore(self):
        for obj, field, original in self.replaced:
            setattr(obj, field, original)
        self.replaced.clear()


class DisableInitialization(ReplaceHelper):
    pass


class InitializeOnMeta(ReplaceHelper):
    pass


class LoadStateDictOnMeta(ReplaceHelper):
    pass


__all__ = ["DisableInitialization", "InitializeOnMeta", "LoadStateDictOnMeta", "ReplaceHelper", "contextlib"]


def __getattr__(name):
    absent("modules.sd_disable_initialization", name)
