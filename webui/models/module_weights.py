"""The weights of modules: how much memory they take, and how they compute in another format for a while."""

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import nn

from webui.library.files.headers import Header


def weight_bytes(modules: Iterable[nn.Module]) -> int:
    """Bytes of all parameters, in the formats that they are in."""
    return sum(weight.numel() * weight.element_size() for module in modules for weight in module.parameters())


def stored_numbers(header: Header, *prefixes: str) -> int:
    """How many numbers a file has below any of the prefixes; all of them without prefixes."""
    return sum(
        math.prod(info.shape)
        for name, info in header.tensors.items()
        if not prefixes or name.startswith(prefixes)
    )


@contextmanager
def recast(module: nn.Module, dtype: torch.dtype, device: torch.device | None = None) -> Iterator[None]:
    """A module's weights in another format, and on another device, while the context is open.

    The same tensors come back after it.
    """
    kept = [(tensor, tensor.data) for tensor in (*module.parameters(), *module.buffers())]
    try:
        for tensor, data in kept:
            tensor.data = data.to(device or data.device, dtype if data.is_floating_point() else data.dtype)
        yield
    finally:
        for tensor, data in kept:
            tensor.data = data
