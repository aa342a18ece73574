"""Hypernetworks."""
# Where A1111 runs, they are all imported before the first extension.
# pyright: basic


def __getattr__(name):
    from importlib import import_module
    from importlib.util import find_spec

    full = f"{__name__}.{name}"
    if name.startswith("__") or find_spec(full) is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(full)
