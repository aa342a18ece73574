"""The formula that stands in place of plain CFG: thresholding, then what is added, then rescaling."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Protocol, cast

import torch
from torch import Tensor

from webui.plugins import NetworkInput, NetworkOutput, Row, combine

# Results, their rows, the CFG scale, and the evaluation they are of -> (B, C, h, w).
Thresholding = Callable[[Tensor, tuple[Row, ...], float, NetworkInput], Tensor]
# Results, their rows, the CFG scale -> (B, C, h, w).
Combine = Callable[[Tensor, tuple[Row, ...], float], Tensor]


class Term(Protocol):
    """Something that is added to the guided result."""

    def __call__(self, output: NetworkOutput, /) -> Tensor | None:
        """(B, C, h, w), or None where it does not act."""
        ...


class Formula:
    """Mixes prompt and negative. It is called after the network, and then mixes what the network gave."""

    fits_all_families: ClassVar[bool] = True

    def __init__(
        self,
        base: Combine | None,
        terms: Sequence[Term],
        thresholding: Thresholding | None,
        rescale: float,
    ) -> None:
        """`base` is the formula that was there before; `rescale` (0 to 1) is φ of Lin et al. 2023."""
        self._base, self._terms, self._rescale = base or combine, terms, rescale
        self._thresholding = thresholding
        self._output: NetworkOutput | None = None
        self._added: list[Tensor] = []

    def __call__(self, output: NetworkOutput) -> None:
        """After the network: evaluate what the terms need."""
        self._output = output
        self._added = [added for term in self._terms if (added := term(output)) is not None]

    def combine(self, result: Tensor, rows: tuple[Row, ...], scale: float) -> Tensor:
        """Results (N, C, h, w), prompts first, then one negative for each image, to (B, C, h, w)."""
        assert self._output is not None, "it is called after the network"
        batch = self._output.input
        if self._thresholding is None or batch.skips_uncond:
            mixed = self._base(result, rows, scale)
        else:
            mixed = self._thresholding(result, rows, scale, batch)
        for added in self._added:
            mixed = mixed + added
        if self._rescale and not batch.skips_uncond:
            mixed = rescale(mixed, combine(result, rows, 1.0), batch, self._rescale)
        return mixed


def rescale(guided: Tensor, prompt: Tensor, batch: NetworkInput, phi: float) -> Tensor:
    """Results (B, C, h, w) that deviate, read as v, as much as the prompt's own, as far as `phi`.

    The paper's networks predict v. Less deviation of eps would leave noise in the picture at low sigmas.
    """
    first = [
        next(i for i, row in enumerate(batch.rows) if row.image == image) for image in range(len(guided))
    ]
    chosen, known = batch.select(first), batch.preconditioning
    in_v: Any = replace(cast(Any, known), prediction=replace(known.prediction, kind="v"))
    # What the sampler reads is a line in v: result = base + slope · v.
    nothing = torch.zeros_like(guided)
    base = in_v.result(chosen.latent, nothing, chosen.level)
    slope = in_v.result(nothing, nothing + 1, chosen.level)
    output, own = (guided - base) / slope, (prompt - base) / slope
    axes = tuple(range(1, output.ndim))
    factor = own.std(dim=axes, keepdim=True) / output.std(dim=axes, keepdim=True)
    return base + slope * output * (phi * factor + (1 - phi))
