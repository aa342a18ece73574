"""Which parts of the loaded models are on the device, and which wait in the processor's memory.

A part (text encoders, U-Net, VAE) is brought to the device when it is used. As a rule it stays there. With
--medvram one part is there at a time, with --lowvram also of the U-Net one layer group at a time; and where
memory runs out, parts that nobody uses at the moment wait outside.
"""

import logging
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import torch
from torch import Tensor, nn

from webui.core.errors import OutOfMemory
from webui.models.out_of_memory import LOWER, MemoryLadder, attempt, free_nothing

logger = logging.getLogger(__name__)
CPU = torch.device("cpu")


class Offloading(StrEnum):
    """What waits in the processor's memory, so that the device needs less of its own."""

    NONE = "none"
    # One part of one model at a time: --medvram.
    PARTS = "parts"
    # Of the U-Net also one group of layers at a time: --lowvram.
    LAYERS = "layers"


class Resident(Protocol):
    """Something that is on the device while it is used."""

    def using(self) -> AbstractContextManager[None]:
        """It is on the device while the context is open. Raises OutOfMemory."""
        ...


class Mover(Protocol):
    """Moves weights; layers keep their parameter objects."""

    def are_on_device(self, tensors: Sequence[Tensor]) -> bool:
        """Whether all of them are on the device now."""
        ...

    def to_device(self, tensors: Sequence[Tensor]) -> "list[HostCopy]":
        """Bring weights to the device; gives what is needed to bring them back."""
        ...

    def to_host(self, tensors: Sequence[Tensor], copies: "Sequence[HostCopy]") -> None:
        """Bring weights back to the processor's memory."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class HostCopy:
    """Where a weight was before it went to the device, and what it was there at first."""

    weight: "weakref.ref[Tensor]"
    data: Tensor
    address: int
    version: int

    def is_of(self, weight: Tensor) -> bool:
        """Whether the weight on the device is still the same numbers."""
        return (
            self.weight() is weight and weight.data_ptr() == self.address and weight._version == self.version
        )


class DeviceMover:
    """Moves weights between the processor's memory and a device."""

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def is_there(self, tensor: Tensor) -> bool:
        """Whether a weight is on the device."""
        return tensor.device.type == self.device.type

    def send(self, data: Tensor) -> Tensor:
        """The same numbers on the device. Raises what torch raises where there is no room."""
        return data.to(self.device)

    def fetch(self, data: Tensor) -> Tensor:
        """The same numbers in the processor's memory."""
        return data.to(CPU)

    def are_on_device(self, tensors: Sequence[Tensor]) -> bool:
        """Whether all of them are on the device now."""
        return all(map(self.is_there, tensors))

    def to_device(self, tensors: Sequence[Tensor]) -> list[HostCopy]:
        """Raises what torch raises where there is no room; all weights are where they were then."""
        copies: list[HostCopy] = []
        try:
            for tensor in tensors:
                if not self.is_there(tensor):
                    data = tensor.data
                    tensor.data = self.send(data)
                    copies.append(HostCopy(weakref.ref(tensor), data, tensor.data_ptr(), tensor._version))
        except BaseException:
            self.to_host([tensor for copy in copies if (tensor := copy.weight()) is not None], copies)
            raise
        return copies

    def to_host(self, tensors: Sequence[Tensor], copies: Sequence[HostCopy]) -> None:
        """What did not change on the device is not copied back: its numbers never left."""
        unchanged = {
            id(weight): copy
            for copy in copies
            if (weight := copy.weight()) is not None and copy.is_of(weight)
        }
        for tensor in tensors:
            copy = unchanged.get(id(tensor))
            tensor.data = self.fetch(tensor.data) if copy is None else copy.data


class Part:
    """Modules that go to the device together, without those in `apart`, which go by themselves."""

    def __init__(
        self, residency: "Residency", modules: Sequence[nn.Module], apart: Sequence[nn.Module]
    ) -> None:
        self._residency, self._modules, self._apart = residency, tuple(modules), tuple(apart)
        self.is_on_device = True
        self.users = 0
        self.copies: list[HostCopy] = []

    def using(self) -> AbstractContextManager[None]:
        """It is on the device while the context is open. Raises OutOfMemory."""
        return self._residency.using(self)

    def tensors(self) -> list[Tensor]:
        """Its weights and buffers as they are now: adapters may have put others in their place."""
        excluded = {id(tensor) for module in self._apart for tensor in all_tensors(module)}
        found = {id(tensor): tensor for module in self._modules for tensor in all_tensors(module)}
        return [tensor for key, tensor in found.items() if key not in excluded]


def all_tensors(module: nn.Module) -> Iterator[Tensor]:
    """Parameters and buffers of a module and all below it."""
    yield from module.parameters()
    yield from module.buffers()


class Residency:
    """Brings parts to the device when they are used. Belongs to the device thread."""

    def __init__(
        self, mover: Mover | None, storage: torch.device, offloading: Offloading = Offloading.NONE
    ) -> None:
        """`mover` None: there is no other memory, and parts stay where they are. `storage` is where weights
        are loaded to.
        """
        self._mover, self.storage, self.offloading = mover, storage, offloading
        self._parts: weakref.WeakSet[Part] = weakref.WeakSet()

    @classmethod
    def of_device(cls, device: torch.device, offloading: Offloading = Offloading.NONE) -> "Residency":
        """For a device; a processor has no other memory to save."""
        if device.type == "cpu":
            return cls(None, device)
        return cls(DeviceMover(device), device if offloading is Offloading.NONE else CPU, offloading)

    @property
    def can_move(self) -> bool:
        """Whether there is a place where parts can wait."""
        return self._mover is not None

    def add(self, modules: Sequence[nn.Module], apart: Sequence[nn.Module] = ()) -> Part:
        """A part of modules, wherever they are, without those in `apart`, which go by themselves."""
        part = Part(self, modules, apart)
        part.is_on_device = self._mover is None or self._mover.are_on_device(part.tensors())
        self._parts.add(part)
        return part

    def add_network(self, network: nn.Module, groups: Sequence[nn.Module]) -> "Resident":
        """A network, as one part; with --lowvram its groups of layers one at a time."""
        if self._mover is None or self.offloading is not Offloading.LAYERS:
            return self.add([network])
        return SplitNetwork(self, network, groups)

    @contextmanager
    def using(self, part: Part) -> Iterator[None]:
        """The part is on the device while the context is open. Raises OutOfMemory."""
        self._bring(part)
        part.users += 1
        try:
            yield
        finally:
            part.users -= 1

    def offload_idle(self) -> bool:
        """Move all parts that nobody uses now off the device; whether there were any."""
        idle = [part for part in self._parts if part.is_on_device and not part.users]
        if self._mover is None or not idle:
            return False
        for part in idle:
            self._mover.to_host(part.tensors(), part.copies)
            part.copies, part.is_on_device = [], False
        return True

    def prepare_room(self) -> None:
        """Before something else goes to the device: where memory is saved, nothing idle stays there."""
        if self.offloading is not Offloading.NONE:
            self.offload_idle()

    def _bring(self, part: Part) -> None:
        if part.is_on_device or self._mover is None:
            return
        self.prepare_room()
        found = attempt(lambda: self._move_in(part))
        if found is None and self.offload_idle():
            found = attempt(lambda: self._move_in(part))
        if found is None:
            raise OutOfMemory(f"The device has too little memory for a part of the model. {LOWER}")

    def _move_in(self, part: Part) -> None:
        assert self._mover is not None, "there is another memory"
        part.copies = self._mover.to_device(part.tensors())
        part.is_on_device = True


class SplitNetwork:
    """A network whose groups of layers go to the device one after the other, each when it is called."""

    def __init__(self, residency: Residency, network: nn.Module, groups: Sequence[nn.Module]) -> None:
        """What is in no group goes as one part of its own."""
        self._groups = {group: residency.add([group]) for group in groups}
        self._rest = residency.add([network], apart=groups)

    @contextmanager
    def using(self) -> Iterator[None]:
        """Listen at the groups while the context is open."""
        with ExitStack() as stack:
            stack.enter_context(self._rest.using())
            for group in self._groups:
                stack.callback(group.register_forward_pre_hook(self._before).remove)
            yield

    def _before(self, group: nn.Module, _: object) -> None:
        with self._groups[group].using():
            pass


@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """What loaders need to know of a device's memory: where parts wait, and how others are let go."""

    residency: Residency
    free: Callable[[], bool] = free_nothing

    @classmethod
    def of_device(cls, device: torch.device) -> "DeviceMemory":
        """For networks that share the device with no others."""
        return cls(Residency.of_device(device))

    def ladder(self) -> MemoryLadder:
        """What to go through where memory runs out."""
        return MemoryLadder(self.free)
