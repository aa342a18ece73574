"""The device and the number formats that extensions compute with."""

import contextlib
import gc
import threading
from collections.abc import Generator

import torch
from torch import Tensor

from webui.compat.a1111.facades import reaching
from webui.models.choosing_device import choose_device


class NansException(Exception):
    """A tensor is NaN from end to end."""


def device() -> torch.device:
    """What pictures are made on."""
    return choose_device(reaching.flags())


def is_exact() -> bool:
    """Whether everything computes in 32 bits: on a processor, or because flags or settings say so."""
    wants_exact = reaching.flags().is_exact or reaching.settings().numbers.precision == "exact"
    return wants_exact or device().type == "cpu"


def network_dtype() -> torch.dtype:
    """In which extensions make tensors for the network; whatever they pass in is converted again."""
    return torch.float32 if is_exact() else torch.float16


def vae_dtype() -> torch.dtype:
    """The same for the VAE."""
    return torch.float32 if is_exact() or reaching.flags().no_half_vae else torch.float16


def free_memory() -> None:
    """Give back what Python and torch hold without need. On any thread."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.ipc_collect()
    elif torch.backends.mps.is_available():
        torch.mps.empty_cache()


def autocast(*, disable: bool = False) -> contextlib.AbstractContextManager[object]:
    """Where networks of extensions compute in mixed formats; our own need none."""
    chosen = device()
    if disable or is_exact() or chosen.type != "cuda":
        return contextlib.nullcontext()
    return torch.autocast("cuda")


def without_autocast(*, disable: bool = False) -> contextlib.AbstractContextManager[object]:
    """The opposite."""
    if disable or not torch.is_autocast_enabled():
        return contextlib.nullcontext()
    return torch.autocast("cuda", enabled=False)


@contextlib.contextmanager
def as_they_are(dtype: torch.dtype) -> Generator[None]:
    """A1111 casts layers by hand here; ours have their formats already."""
    del dtype
    yield


def check_numbers(tensor: Tensor, where: str) -> None:
    """Raise NansException if a tensor is NaN from end to end. `where` is "unet" or "vae"."""
    if tensor.numel() == 0 or not torch.isnan(tensor.flatten()[0]) or not bool(torch.isnan(tensor).all()):
        return
    part = {"unet": "the U-Net", "vae": "the VAE"}.get(where, where)
    raise NansException(
        f"All numbers that {part} gave are NaN. Choose the exact precision (Settings, Precision), or start "
        "with --no-half."
    )


class MemoryUse(threading.Thread):
    """A1111's MemUsageMonitor: the most memory of a card that was used since `monitor`, in bytes."""

    def __init__(self, name: str, watched: torch.device, opts: object) -> None:
        """Starts no thread: torch itself keeps the peak."""
        super().__init__(daemon=True)
        self.name, self.device, self.opts = name, watched, opts
        self.disabled = watched.type != "cuda"
        self.data: dict[str, int] = {}

    def run(self) -> None:
        """Nothing to do."""

    def cuda_mem_get_info(self) -> tuple[int, int]:
        """Free and whole memory of the card."""
        return torch.cuda.mem_get_info(self.device.index or 0)

    def monitor(self) -> None:
        """Begin to look at the peak."""
        if not self.disabled:
            torch.cuda.reset_peak_memory_stats(self.device)

    def read(self) -> dict[str, int]:
        """What is known now."""
        if not self.disabled:
            free, total = self.cuda_mem_get_info()
            stats = torch.cuda.memory_stats(self.device)
            self.data |= {
                "free": free,
                "total": total,
                "active": stats.get("active.all.current", 0),
                "active_peak": stats.get("active_bytes.all.peak", 0),
                "reserved": stats.get("reserved_bytes.all.current", 0),
                "reserved_peak": stats.get("reserved_bytes.all.peak", 0),
                "system_peak": total - free,
            }
        return self.data

    def stop(self) -> dict[str, int]:
        """The same, at the end."""
        return self.read()
