# pyright: basic
"""Apple's devices: torch itself does what is needed."""

import torch

from webui.compat.a1111.facades.stand_ins import absent

has_mps = torch.backends.mps.is_available()


def check_for_mps() -> bool:
    return has_mps


def torch_mps_gc() -> None:
    if has_mps:
        torch.mps.empty_cache()


def __getattr__(name):
    absent("modules.mac_specific", name)
