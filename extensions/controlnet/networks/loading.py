"""What the loaders of control networks share: filling modules, and the sentences of refusals."""

import re
from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor, nn

Shapes = Mapping[str, tuple[int, ...]]


class UnusableNetwork(ValueError):
    """A control network's file cannot be used; the message says why and what to do."""


def shapes_of(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    """Shapes by name."""
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def count(names: Iterable[str], pattern: str) -> int:
    """One more than the highest number that the pattern's group finds at the start of a name, else 0."""
    return max((int(match[1]) + 1 for name in names if (match := re.match(pattern, name))), default=0)


def build_empty(make: Callable[[], nn.Module], name: str) -> nn.Module:
    """A module without weights, on the meta device. Raises UnusableNetwork if its numbers do not fit."""
    try:
        with torch.device("meta"):
            return make()
    except (ValueError, TypeError, KeyError, IndexError, RuntimeError, ZeroDivisionError) as error:
        raise UnusableNetwork(
            f"{name} has an unknown architecture ({error}). It cannot be used here."
        ) from error


def fill(module: nn.Module, tensors: Mapping[str, Tensor], name: str, dtype: torch.dtype) -> None:
    """Put the tensors in place of a module's empty ones, in `dtype`; those that it does not know are left.

    `name` is the file's. Raises UnusableNetwork if one is missing or of another shape.
    """
    wanted = module.state_dict()
    missing = sorted(set(wanted) - set(tensors))
    if missing:
        shown = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
        raise UnusableNetwork(f"{name} is incomplete: {shown} missing. Download the file again.")
    for key, empty in wanted.items():
        if tensors[key].shape != empty.shape:
            raise UnusableNetwork(
                f"{name} has an unknown architecture: {key} is {tuple(tensors[key].shape)}, not "
                f"{tuple(empty.shape)}. It cannot be used here."
            )
    module.load_state_dict({key: tensors[key].to(dtype) for key in wanted}, assign=True)
    module.requires_grad_(False).eval()


def size_of(modules: Iterable[nn.Module]) -> int:
    """Bytes of the weights."""
    return sum(tensor.nbytes for module in modules for tensor in module.state_dict().values())
