"""Pictures whose edges fit together: convolutions see the other side past the edge (A1111's "Tiling")."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import nn

PaddingMode = Literal["zeros", "reflect", "replicate", "circular"]


@dataclass(frozen=True, slots=True)
class Tiling:
    """Makes every 2-D convolution of a network pad with the opposite edge."""

    fits_all_families: ClassVar[bool] = True

    @contextmanager
    def attach(self, network: nn.Module) -> Iterator[None]:
        """Change the padding while the context is open."""
        layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]
        kept: list[PaddingMode] = [layer.padding_mode for layer in layers]
        try:
            for layer in layers:
                layer.padding_mode = "circular"
            yield
        finally:
            for layer, mode in zip(layers, kept, strict=True):
                layer.padding_mode = mode
