"""Noise that extensions draw without a seed: it follows the picture's, so that a run can be repeated."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

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


class SeededTorch:
    """Torch, but that `randn_like` draws the noise of a run."""

    def __init__(self, draw: Callable[[Tensor], Tensor]) -> None:
        self._draw = draw

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever torch has
        """All else of torch."""
        return getattr(torch, name)

    def randn_like(self, x: Tensor, **_kind: Any) -> Tensor:  # noqa: ANN401 - as torch's
        """The next noise, of that shape."""
        return self._draw(x)


def lend_torch(draw: Callable[[Tensor], Tensor] | None) -> None:
    """Let k-diffusion, where it is loaded, draw so, as A1111 does; None gives it torch back.

    Extensions draw with `k_diffusion.sampling.torch.randn_like`, and their pictures can be made again.
    """
    sampling = sys.modules.get("k_diffusion.sampling")
    if sampling is not None:
        setattr(sampling, "torch", torch if draw is None else SeededTorch(draw))  # noqa: B010 - not k-diffusion's name


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
