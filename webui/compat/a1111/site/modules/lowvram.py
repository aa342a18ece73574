# pyright: basic
"""Memory is minded by the program: networks that no job needs leave the device by themselves."""

import torch

from webui.compat.a1111.facades import reaching
from webui.compat.a1111.facades.stand_ins import absent

cpu = torch.device("cpu")
module_in_gpu = None


def send_everything_to_cpu() -> None:
    """Nothing to do."""


def is_needed(sd_model) -> bool:
    """Whether --lowvram or --medvram was given."""
    return reaching.flags().lowvram or reaching.flags().wants_medvram


def is_enabled(sd_model) -> bool:
    return is_needed(sd_model)


def apply(sd_model) -> None:
    """Nothing to do."""


def setup_for_low_vram(sd_model, use_medvram) -> None:
    """Nothing to do."""


def __getattr__(name):
    if name in ("devices", "shared"):
        import importlib

        return importlib.import_module(f"modules.{name}")
    absent("modules.lowvram", name)
