"""A device in the processor's own memory: what is sent there is copied, and what computes has to be there."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_pre_hook

from webui.models.residency import CPU, DeviceMover, Offloading, Residency


class CountingMover(DeviceMover):
    """Counts what goes to and fro, and refuses what is more than `room_bytes`."""

    def __init__(self, *, starts_there: bool, room_bytes: int = 10**12) -> None:
        super().__init__(CPU)
        self.starts_there, self.room_bytes = starts_there, room_bytes
        self.there: dict[int, Tensor] = {}
        self.sent = self.fetched = 0
        self.most_bytes = 0

    @property
    def used_bytes(self) -> int:
        return sum(each.numel() * each.element_size() for each in self.there.values())

    def is_there(self, tensor: Tensor) -> bool:
        if self.starts_there and tensor.data_ptr() not in self.there:
            self.there[tensor.data_ptr()] = tensor.data
        return tensor.data_ptr() in self.there

    def send(self, data: Tensor) -> Tensor:
        if self.used_bytes + data.numel() * data.element_size() > self.room_bytes:
            raise torch.OutOfMemoryError("no room")
        copy = data.clone()
        self.sent += 1
        self.there[copy.data_ptr()] = copy
        self.most_bytes = max(self.most_bytes, self.used_bytes)
        return copy

    def fetch(self, data: Tensor) -> Tensor:
        self.fetched += 1
        return data.clone()

    def to_device(self, tensors):
        self.starts_there = False
        return super().to_device(tensors)

    def to_host(self, tensors, copies):
        addresses = [tensor.data_ptr() for tensor in tensors]
        super().to_host(tensors, copies)
        for address in addresses:
            self.there.pop(address, None)


def residency_of(mover: CountingMover, offloading: Offloading = Offloading.PARTS) -> Residency:
    """Where models are loaded to beside the device."""
    return Residency(mover, CPU, offloading)


@contextmanager
def watched(mover: CountingMover) -> Iterator[list[str]]:
    """Names of layers that computed with weights that were not on the device."""
    astray: list[str] = []

    def look(module: nn.Module, _: object) -> None:
        weights = module.parameters(recurse=False)
        if any(weight.data_ptr() not in mover.there for weight in weights):
            astray.append(type(module).__name__)

    handle = register_module_forward_pre_hook(look)
    try:
        yield astray
    finally:
        handle.remove()
