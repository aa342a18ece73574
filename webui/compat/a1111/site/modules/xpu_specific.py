# pyright: basic
"""Intel's devices, which nothing here computes on."""

from webui.compat.a1111.facades.stand_ins import absent

has_xpu = False
has_ipex = False


def get_xpu_device_string() -> str:
    return "xpu"


def torch_xpu_gc() -> None:
    """Nothing to do."""


def __getattr__(name):
    absent("modules.xpu_specific", name)
