"""Regions by their predictions: each prompt is evaluated for the whole picture, and counts in its region."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from webui.plugins import Row, combine

Combine = Callable[[Tensor, tuple[Row, ...], float], Tensor]


class Blending:
    """Stands in place of the formula that mixes prompt and negative."""

    def __init__(self, shares: Tensor, places: list[list[tuple[int, float]]], base: Combine | None) -> None:
        """`shares` (K, h, w) sum to 1; `places` tells for each image's parts the share and their weight."""
        self._shares, self._places, self._base = shares, places, base or combine

    def __call__(self, result: Tensor, rows: tuple[Row, ...], scale: float) -> Tensor:
        """Results (N, C, h, w), prompts first, then one negative for each image, to (B, C, h, w)."""
        prompts = [row for row in rows if row.is_prompt]
        counts = [sum(row.image == image for row in prompts) for image in range(len(self._places))]
        if counts != [len(parts) for parts in self._places]:
            # A refiner took over, which has prompts of its own.
            return self._base(result, rows, scale)
        negative = result[len(prompts) :]
        blended, shares = negative.clone(), self._shares.to(result.device)
        for value, row in zip(result, prompts, strict=False):
            number, weight = self._places[row.image][row.part]
            blended[row.image] += (value - negative[row.image]) * (shares[number] * weight)
        images = range(len(negative))
        merged = (*(Row(image, True) for image in images), *(Row(image, False) for image in images))
        return self._base(torch.cat([blended, negative]), merged, scale)
