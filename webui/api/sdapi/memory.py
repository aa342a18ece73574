"""How much memory there is and is used, as A1111 tells it."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from webui.api.sdapi.answers import MemoryResponse

KILOBYTE = 1024
STATUS = Path("/proc/self/status")

# A1111's names for torch's counters.
COUNTERS = {
    "active": "active.all",
    "allocated": "allocated_bytes.all",
    "reserved": "reserved_bytes.all",
    "inactive": "inactive_split_bytes.all",
}


def measure_memory() -> MemoryResponse:
    """The machine's memory and the card's, bytes. What cannot be told is an `error`, as in A1111."""
    return MemoryResponse(ram=measure_ram(), cuda=measure_card())


def measure_ram() -> dict[str, Any]:
    """`total` of the machine, `used` by this process, and the rest as `free`."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        used = read_kilobytes(STATUS, "VmRSS") * KILOBYTE
    except (AttributeError, OSError, ValueError, KeyError):
        return {"error": "unavailable"}
    return {"free": total - used, "used": used, "total": float(total)}


def read_kilobytes(path: Path, name: str) -> int:
    """A number in a file of /proc. Raises OSError, KeyError, ValueError."""
    for line in path.read_text(encoding="ascii", errors="replace").splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return int(value.split()[0])
    raise KeyError(name)


def measure_card() -> dict[str, Any]:
    """What torch counts on the card since the start. Only asks torch where the device thread loaded it."""
    if "torch" not in sys.modules:
        return {"error": "unavailable"}
    # Loads nothing: the device thread loaded it before.
    import torch

    if not torch.cuda.is_available() or not torch.cuda.is_initialized():
        return {"error": "unavailable"}
    # Both read counters, without work on the card: other threads than the device's may do that.
    free, total = torch.cuda.mem_get_info()
    statistics: Mapping[str, int] = torch.cuda.memory_stats()
    counted = {
        name: {"current": statistics.get(f"{key}.current", 0), "peak": statistics.get(f"{key}.peak", 0)}
        for name, key in COUNTERS.items()
    }
    events = {"retries": statistics.get("num_alloc_retries", 0), "oom": statistics.get("num_ooms", 0)}
    return {"system": {"free": free, "used": total - free, "total": total}, **counted, "events": events}
