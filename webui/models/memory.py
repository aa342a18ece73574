"""How much memory models may take, and which of them have to go first."""

import os
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

import torch

Value = TypeVar("Value")
# Of the device's memory, this share is for models; activations and everything else need the rest.
MODEL_SHARE = 0.6
ASSUMED_MEMORY_BYTES = 16 * 2**30


class LeastRecentlyUsed(Generic[Value]):
    """Values by key, of which the longest unused go when all of them are larger than a budget."""

    def __init__(self, budget_bytes: int, size_of: Callable[[Value], int]) -> None:
        """`size_of` tells a value's bytes."""
        self.budget_bytes = budget_bytes
        self._size_of = size_of
        self._values: OrderedDict[Hashable, Value] = OrderedDict()

    def get(self, key: Hashable) -> Value | None:
        """The value, which becomes the most recently used; None if it is not there."""
        if key not in self._values:
            return None
        self._values.move_to_end(key)
        return self._values[key]

    def put(self, key: Hashable, value: Value) -> None:
        """Keep a value, then let the longest unused go; the value itself stays, however large."""
        self._values[key] = value
        self._values.move_to_end(key)
        self.shrink(keep=1)

    def make_room(self, needed_bytes: int, *, keep: int = 0) -> None:
        """Let the longest unused go until as much fits into the budget; the `keep` last used stay."""
        while len(self._values) > keep and self.used_bytes + needed_bytes > self.budget_bytes:
            self._values.popitem(last=False)

    def shrink(self, *, keep: int = 0) -> None:
        """Let the longest unused go until the budget holds; the `keep` last used stay."""
        self.make_room(0, keep=keep)

    def drop(self, key: Hashable) -> None:
        """Forget a value."""
        self._values.pop(key, None)

    def clear(self) -> None:
        """Forget everything."""
        self._values.clear()

    def values(self) -> list[Value]:
        """All values, the longest unused first."""
        return list(self._values.values())

    @property
    def used_bytes(self) -> int:
        """Bytes of all values."""
        return sum(self._size_of(value) for value in self._values.values())


def model_budget_bytes(device: torch.device) -> int:
    """What models may take on a device unless the settings say otherwise."""
    total = torch.cuda.mem_get_info(device)[1] if device.type == "cuda" else machine_memory_bytes()
    return int(total * MODEL_SHARE)


def machine_memory_bytes() -> int:
    """Memory of the machine."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        # Windows does not say it this way.
        return ASSUMED_MEMORY_BYTES
