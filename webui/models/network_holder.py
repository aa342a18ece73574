"""All networks of a device in one budget: checkpoints, VAEs, upscalers, detectors, hypernetworks.

Each is held under a key until its memory is needed for another; the longest unused goes first. What is leased
never goes.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, cast

import torch
from torch import nn

from webui.core.errors import OutOfMemory
from webui.models.module_weights import weight_bytes
from webui.models.out_of_memory import LOWER, attempt, release_unused
from webui.models.residency import CPU, DeviceMemory, Residency


class Holdable(Protocol):
    """Something with weights."""

    @property
    def size_bytes(self) -> int:
        """Memory that it takes now, in the formats that its weights are in."""
        ...

    def modules(self) -> list[nn.Module]:
        """Everything that holds weights."""
        ...


AnyNetwork = TypeVar("AnyNetwork", bound=Holdable)
AnyValue = TypeVar("AnyValue")
# Loads a network to where its weights shall be: the device, or the processor's memory.
Load = Callable[[torch.device], AnyNetwork]


@dataclass(frozen=True, slots=True, eq=False)
class SizedValue(Generic[AnyValue]):
    """Something to hold that does not know its own size: that of the modules it uses."""

    value: AnyValue
    used: tuple[nn.Module, ...]

    def modules(self) -> list[nn.Module]:
        """Everything that holds weights."""
        return list(self.used)

    @property
    def size_bytes(self) -> int:
        """Memory that the modules' weights take."""
        return weight_bytes(self.used)


@dataclass(frozen=True, slots=True)
class Loading:
    """How a network comes into memory: what it is called, and about how many bytes it will take there."""

    name: str
    estimated_bytes: int


@dataclass(slots=True, eq=False)
class HeldNetwork:
    """One of them, how many lease it, and whether it is to go when nobody does."""

    value: Holdable
    leases: int = 0
    is_dropped: bool = False


class NetworkHolder:
    """Holds networks in a budget. Belongs to the device thread."""

    def __init__(self, budget_bytes: int, residency: Residency) -> None:
        self.budget_bytes = budget_bytes
        self.residency = residency
        self._held: OrderedDict[Hashable, HeldNetwork] = OrderedDict()
        self._caches: list[Callable[[], None]] = []

    @property
    def memory(self) -> DeviceMemory:
        """The device's memory, as loaders see it."""
        return DeviceMemory(self.residency, self.free_unused)

    @contextmanager
    def lease(self, key: Hashable, load: Load[AnyNetwork], loading: Loading) -> Iterator[AnyNetwork]:
        """A network, loaded if it is not held; it stays while the context is open, whatever else is loaded.

        Raises OutOfMemory, and what `load` raises.
        """
        held = self._held.get(key)
        if held is None:
            held = HeldNetwork(self._load(load, loading))
            self._held[key] = held
        self._held.move_to_end(key)
        held.leases += 1
        try:
            self.make_room(0)
            # A key stands for one kind of network: whoever leases under it loads that kind.
            yield cast(AnyNetwork, held.value)
        finally:
            held.leases -= 1
            if held.is_dropped and not held.leases:
                self._remove(key, held)

    def add_cache(self, clear: Callable[[], None]) -> None:
        """Name something that may be emptied where memory runs out."""
        self._caches.append(clear)

    def make_room(self, needed_bytes: int) -> None:
        """Let the longest unused go until so many bytes more fit into the budget.

        Where leased ones leave too little room, their idle parts wait in the processor's memory.
        """
        for key, held in list(self._held.items()):
            if self.used_bytes + needed_bytes <= self.budget_bytes:
                return
            if not held.leases:
                self._remove(key, held)
        if needed_bytes and self.used_bytes + needed_bytes > self.budget_bytes:
            self.residency.offload_idle()

    def free_unused(self) -> bool:
        """Let everything go that nobody uses now; whether there was anything. For when memory ran out."""
        idle = [(key, held) for key, held in self._held.items() if not held.leases]
        for key, held in idle:
            self._remove(key, held)
        for clear in self._caches:
            clear()
        was_offloaded = self.residency.offload_idle()
        release_unused()
        return bool(idle) or was_offloaded

    def drop(self, key: Hashable) -> None:
        """Forget one; while it is leased, as soon as it is not."""
        held = self._held.get(key)
        if held is None:
            return
        held.is_dropped = True
        if not held.leases:
            self._remove(key, held)

    def clear(self) -> None:
        """Forget all; those that are leased, as soon as they are not."""
        for key in list(self._held):
            self.drop(key)
        for clear in self._caches:
            clear()
        release_unused()

    def values(self) -> list[Holdable]:
        """All that are held, the longest unused first."""
        return [held.value for held in self._held.values()]

    @property
    def used_bytes(self) -> int:
        """Bytes of all that are held."""
        return sum(held.value.size_bytes for held in self._held.values())

    def _load(self, load: Load[AnyNetwork], loading: Loading) -> AnyNetwork:
        storage = self.residency.storage
        self.residency.prepare_room()
        # A device's memory is made free before it is needed; a processor's is only touched page by page, so
        # there the networks of before stay until the new one is known to be sound.
        if self.residency.can_move:
            self.make_room(loading.estimated_bytes)
        found = attempt(lambda: load(storage))
        if found is None and self.free_unused():
            found = attempt(lambda: load(storage))
        if found is None and storage != CPU:
            # Too large as a whole; its parts may fit one after the other.
            found = attempt(lambda: load(CPU))
        if found is None:
            raise OutOfMemory(f"{loading.name} does not fit into the memory. Choose a smaller one. {LOWER}")
        return found[0]

    def _remove(self, key: Hashable, held: HeldNetwork) -> None:
        # Another may be held under the key by now.
        if self._held.get(key) is held:
            del self._held[key]


class NetworkLeases:
    """What one job leases besides its checkpoint; all of it stays until the job closes this."""

    def __init__(self, holder: NetworkHolder) -> None:
        self._holder = holder
        self._open = ExitStack()
        self._taken: dict[Hashable, Holdable] = {}

    def take(self, key: Hashable, load: Load[AnyNetwork], loading: Loading) -> AnyNetwork:
        """A network that stays until `close`. Raises as `NetworkHolder.lease`."""
        if key not in self._taken:
            self._taken[key] = self._open.enter_context(self._holder.lease(key, load, loading))
        # As in the holder, a key stands for one kind of network.
        return cast(AnyNetwork, self._taken[key])

    def close(self) -> None:
        """Give everything back."""
        self._taken.clear()
        self._open.close()
