"""How a preprocessor's network comes into memory, and how pictures go through it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel

from extensions.controlnet.preprocessors.inputs import PreprocessorInputs
from extensions.controlnet.preprocessors.pixels import Pixels, pad_to_multiple, resize
from webui.plugins import UnusableFile, open_tensors, without_bars

Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True, slots=True, eq=False)
class AnnotatorNetwork(Generic[Network]):
    """A network as the budget of all networks knows it."""

    network: Network

    def modules(self) -> list[nn.Module]:
        """Everything that holds weights."""
        return [self.network]

    @property
    def size_bytes(self) -> int:
        """Memory that the weights take."""
        return sum(tensor.numel() * tensor.element_size() for tensor in self.network.state_dict().values())


@contextmanager
def lease(inputs: PreprocessorInputs, make: Callable[[], Network], path: Path) -> Iterator[Network]:
    """The network that `make` builds, with the weights of a file, while the context is open.

    Raises UnusableFile, OutOfMemory.
    """

    def fill(tensors: Mapping[str, Tensor]) -> Network:
        network = make()
        load_weights(network, tensors, path.name)
        return network

    with lease_filled(inputs, fill, path, f"{make.__module__}.{make.__qualname__}") as network:
        yield network


@contextmanager
def lease_filled(
    inputs: PreprocessorInputs, fill: Callable[[Mapping[str, Tensor]], Network], path: Path, kind: str
) -> Iterator[Network]:
    """The network that `fill` makes of the tensors of a file, while the context is open.

    `kind` tells networks apart that are made of the same file. Raises UnusableFile, OutOfMemory.
    """

    def load(device: torch.device) -> AnnotatorNetwork[Network]:
        network = fill(open_tensors(path))
        return AnnotatorNetwork(network.float().eval().requires_grad_(False).to(device))

    key = ("preprocessor", kind, str(path), path.stat().st_mtime_ns)
    with inputs.context.lease(key, load, path.name, path.stat().st_size) as held:
        yield held.network


def load_weights(network: nn.Module, tensors: Mapping[str, Tensor], name: str) -> None:
    """Put tensors into a network that must have all of them. Raises UnusableFile."""
    wanted = network.state_dict()
    # A table with the weights in it, and what is put before names that were saved from several cards at once.
    for prefix in ("model.", "module."):
        if not wanted.keys() & tensors.keys():
            tensors = {key.removeprefix(prefix): tensor for key, tensor in tensors.items()}
    # OpenPose's file has the names of a program's modules before the layers' own.
    bare = {".".join(key.split(".")[-2:]): tensor for key, tensor in tensors.items()}
    fitting = {key: tensor for key, tensor in {**bare, **tensors}.items() if key in wanted}
    if len(fitting) < len(wanted) or any(wanted[key].shape != fitting[key].shape for key in wanted):
        raise UnusableFile(unfit(name))
    network.load_state_dict(fitting)


def make_of_transformers(
    kind: type[PreTrainedModel], config: PreTrainedConfig, tensors: Mapping[str, Tensor], name: str
) -> nn.Module:
    """A network of transformers with the tensors of a file, by today's names or those it was published with.

    Raises UnusableFile where the file, called `name`, lacks some or has some of other sizes.
    """
    with without_bars():
        # With information on the loading it gives two things.
        answer: Any = kind.from_pretrained(
            None,
            config=config,
            state_dict=dict(tensors),
            output_loading_info=True,
            ignore_mismatched_sizes=True,
            dtype=torch.float32,
        )
    network, report = answer
    if report["missing_keys"] or report["mismatched_keys"]:
        raise UnusableFile(unfit(name))
    return network


def unfit(name: str) -> str:
    """What to say of a file that lacks weights."""
    return f"{name} does not hold the weights that this preprocessor needs. Download it again."


def device_of(network: nn.Module) -> torch.device:
    """Where its weights are."""
    return next(network.parameters()).device


@torch.no_grad()
def run_padded(
    inputs: PreprocessorInputs, network: nn.Module, compute: Callable[[Tensor], Any], scale: float = 1.0
) -> tuple[Any, tuple[int, int]]:
    """What `compute` makes of the picture (1, 3, H, W) at its resolution, sides padded to multiples of 64;
    and the height and width without the padding. `scale` is what a value of 255 becomes divided by 255.
    """
    pixels = resize(inputs.pixels, inputs.resolution)
    height, width = pixels.shape[:2]
    tensor = torch.from_numpy(np.ascontiguousarray(pad_to_multiple(pixels))).permute(2, 0, 1)[None]
    return compute(tensor.to(device_of(network), torch.float32) * scale), (height, width)


def to_grey(values: Tensor, size: tuple[int, int]) -> Pixels:
    """Values (1, 1, H, W) in 0…1 as grey (height, width) of the given size, what is beyond cut off."""
    array: NDArray[np.float32] = values[0, 0, : size[0], : size[1]].float().cpu().numpy()
    return np.clip(array * 255, 0, 255).astype(np.uint8)
