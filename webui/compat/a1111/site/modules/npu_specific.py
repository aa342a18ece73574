# pyright: basic
"""Ascend's devices, which nothing here computes on."""

from webui.compat.a1111.facades.stand_ins import absent

has_npu = False


def check_for_npu() -> bool:
    return False


def get_npu_device_string() -> str:
    return "npu:0"


def torch_npu_gc() -> None:
    """Nothing to do."""


def __getattr__(name):
    absent("modules.npu_specific", name)
