"""What the loaders of control networks share: filling modules, and the sentences of refusals."""

import re
from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor, nn

from webui.plugins import UnusableFile, fill_module

Shapes = Mapping[str, tuple[int, ...]]


def count(names: Iterable[str], pattern: str) -> int:
    """One more than the highest number that the pattern's group finds at the start of a name, else 0."""
    return max((int(match[1]) + 1 for name in names if (match := re.match(pattern, name))), default=0)


def build_empty(make: Callable[[], nn.Module], name: str) -> nn.Module:
    """A module without weights, on the meta device. Raises UnusableFile if its numbers do not fit."""
    try:
        with torch.device("meta"):
            return make()
    except (ValueError, TypeError, KeyError, IndexError, RuntimeError, ZeroDivisionError) as error:
        raise UnusableFile(
            f"{name} has an unknown architecture ({error}). It cannot be used here."
        ) from error


def fill(module: nn.Module, tensors: Mapping[str, Tensor], name: str, dtype: torch.dtype) -> None:
    """Put the tensors in place of a module's empty ones, on the CPU; those that it does not know are left.

    `name` is the file's. Raises UnusableFile if one is missing or of another shape.
    """
    fill_module(module, tensors, name, dtype=dtype, device=torch.device("cpu"))
    module.eval()


def size_of(modules: Iterable[nn.Module]) -> int:
    """Bytes of the weights."""
    return sum(tensor.nbytes for module in modules for tensor in module.state_dict().values())
