"""Noise that extensions draw without a seed: it follows the picture's, so that a run can be repeated."""

from __future__ import annotations

import torch
from torch import Tensor

from webui.diffusion.noise import Generator, NoiseSourceName, make_generator

# Pixels of a cell of the latent.
CELL = 8
# Apart from the noise of the pictures themselves, which has the seeds as they are.
OWN_SEEDS = 0x0A11_1100_0000


class SharedNoise:
    """One stream for all who draw. Used on the device's thread."""

    def __init__(self) -> None:
        self._generator: Generator | None = None

    def seed(self, seed: int, source: NoiseSourceName, device: torch.device) -> None:
        """Begin anew."""
        self._generator = make_generator(source, seed + OWN_SEEDS, device)

    def draw(self, shape: tuple[int, ...], device: torch.device) -> Tensor:
        """The next noise."""
        if self._generator is None:
            return torch.randn(shape, device=device)
        return self._generator.randn(shape).to(device)


def make_source(value: object) -> NoiseSourceName:
    """A setting of A1111's as a source of noise."""
    match value:
        case "CPU":
            return "CPU"
        case "GPU":
            return "GPU"
        case _:
            return "NV"


def latent_size_of(height: int, width: int) -> tuple[int, int] | None:
    """Cells (h, w) of pixels; None where one is not given."""
    return (int(height) // CELL, int(width) // CELL) if height > 0 and width > 0 else None
