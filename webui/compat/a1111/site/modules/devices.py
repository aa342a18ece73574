# pyright: basic
"""The device and its number formats; computing needs no help here, so most functions do little."""

import contextlib
import sys
from functools import lru_cache

import torch

from webui.compat.a1111.facades import number_formats, reaching
from webui.compat.a1111.facades.number_formats import NansException
from webui.compat.a1111.facades.stand_ins import absent

__all__ = ["NansException", "contextlib", "lru_cache", "sys", "torch"]

cpu = torch.device("cpu")
fp8 = False
force_fp16 = False
unet_needs_upcast = False

torch_gc = number_formats.free_memory
manual_cast = number_formats.as_they_are


def has_xpu() -> bool:
    return False


def has_mps() -> bool:
    return torch.backends.mps.is_available()


def cuda_no_autocast(device_id=None) -> bool:
    return False


def get_cuda_device_id():
    return number_formats.device().index or 0


def get_cuda_device_string() -> str:
    index = number_formats.device().index
    return "cuda" if index is None else f"cuda:{index}"


def get_optimal_device_name() -> str:
    chosen = number_formats.device()
    return get_cuda_device_string() if chosen.type == "cuda" else chosen.type


def get_optimal_device() -> torch.device:
    return number_formats.device()


def get_device_for(task) -> torch.device:
    """The processor where --use-cpu names the task, such as "interrogate"."""
    on_cpu = reaching.flags().use_cpu
    return cpu if task in on_cpu or "all" in on_cpu else number_formats.device()


def torch_npu_set_device() -> None:
    pass


def enable_tf32() -> None:
    pass


def cond_cast_unet(tensor):
    """A tensor in the number format of the network."""
    return tensor.to(network_dtype()) if tensor.is_floating_point() else tensor


def cond_cast_float(tensor):
    return tensor


def network_dtype() -> torch.dtype:
    return sys.modules[__name__].dtype_unet


def autocast(disable=False):
    return number_formats.autocast(disable=disable)


def without_autocast(disable=False):
    return number_formats.without_autocast(disable=disable)


def test_for_nans(x, where):
    """Raise NansException where all numbers are NaN, unless --disable-nan-check was given."""
    if not reaching.has_word("--disable-nan-check"):
        number_formats.check_numbers(x, where)


test_for_nans.__test__ = False


def first_time_calculation() -> None:
    pass


KNOWN = {
    "device": number_formats.device,
    "dtype": number_formats.network_dtype,
    "dtype_unet": number_formats.network_dtype,
    "dtype_inference": number_formats.network_dtype,
    "dtype_vae": number_formats.vae_dtype,
    "device_interrogate": lambda: get_device_for("interrogate"),
    "device_gfpgan": lambda: get_device_for("gfpgan"),
    "device_esrgan": lambda: get_device_for("esrgan"),
    "device_codeformer": lambda: get_device_for("codeformer"),
}


def __getattr__(name):
    """What depends on flags and settings, as they are when it is asked for; extensions may set it too."""
    if name in KNOWN:
        return KNOWN[name]()
    if name in ("shared", "errors", "npu_specific", "xpu_specific", "mac_specific"):
        import importlib

        return importlib.import_module(f"modules.{name}")
    absent("modules.devices", name)
