"""What perturbed-attention, skip-layer and self-attention guidance add to the guided result."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from extensions.guidance.attention import AttentionRecorder
from extensions.guidance.parts import SelfAttention
from webui.plugins import NetworkInput, NetworkOutput, Row, TimestepPreconditioning

BLUR_KERNEL = 9


class Switch(Protocol):
    """A change to the network that is there while it is switched on."""

    def switched_on(self) -> AbstractContextManager[None]:
        """On while the context is open."""
        ...


@dataclass(frozen=True, slots=True)
class DifferenceTerm:
    """The prompts' results less those of a weakened network, times the scale."""

    scale: float
    holds: Callable[[float], bool]
    weakened: Switch

    def __call__(self, output: NetworkOutput) -> Tensor | None:
        """(B, C, h, w) from one more evaluation of the prompts, or None outside its steps."""
        batch = output.input
        if not self.holds(batch.share_done):
            return None
        count = len(batch.cond)
        with self.weakened.switched_on():
            weak = output.evaluate(batch.select(list(range(count))))
        return sum_parts(output.result[:count] - weak, batch.rows[:count]) * self.scale


def sum_parts(values: Tensor, rows: tuple[Row, ...]) -> Tensor:
    """Values of AND parts (N, C, h, w) summed by their weights: (B, C, h, w)."""
    total = values.new_zeros(rows[-1].image + 1, *values.shape[1:])
    for value, row in zip(values, rows, strict=True):
        total[row.image] += value * row.weight
    return total


@dataclass(frozen=True, slots=True)
class AttentionTerm:
    """Away from the picture blurred where the network looks, seen through the negative prompt.

    Where the negative prompt is left out, through the first part of the prompt.
    """

    part: SelfAttention
    recorder: AttentionRecorder

    def __call__(self, output: NetworkOutput) -> Tensor | None:
        """(B, C, h, w) from one more evaluation."""
        batch = output.input
        rows = [index for index, row in enumerate(batch.rows) if not row.is_prompt]
        rows = rows or [index for index, row in enumerate(batch.rows) if not row.part]
        attention = self.recorder.take(len(batch.rows))
        if attention is None:
            return None
        chosen, result = batch.select(rows), output.result[rows]
        clean = batch.preconditioning.denoised(chosen.latent, result, chosen.level)
        mask = functional.interpolate((attention[rows] > self.part.threshold).to(clean), clean.shape[-2:])
        degraded = blur(clean, self.part.blur_sigma) * mask + clean * (1 - mask)
        # The same noise in it as before.
        shares = signal_of(chosen)
        noisy = chosen.latent + (1 if shares is None else shares) * (degraded - clean)
        seen = output.evaluate(replace(chosen, latent=noisy))
        # Results are noise for timestep samplers, and clean latents for the others.
        return (degraded - seen if shares is None else result - seen) * self.part.scale


def signal_of(batch: NetworkInput) -> Tensor | None:
    """How much of a clean latent is in the sampler's, (N, 1, 1, 1); None where it is all of it."""
    preconditioning = batch.preconditioning
    if not isinstance(preconditioning, TimestepPreconditioning):
        return None
    alphas = preconditioning.prediction.alphas_cumprod.to(batch.level.device)
    return alphas[batch.level.long()].sqrt()[:, None, None, None]


def blur(latent: Tensor, sigma: float) -> Tensor:
    """(N, C, h, w) blurred by a Gaussian of 9 x 9, mirrored at the edges."""
    height, width = latent.shape[-2:]
    for axis, side in ((2, height), (3, width)):
        reach = min(BLUR_KERNEL // 2, side - 1)
        places = torch.arange(-reach, reach + 1, device=latent.device, dtype=latent.dtype)
        kernel = torch.exp(-0.5 * (places / sigma) ** 2)
        shape = (1, 1, -1, 1) if axis == 2 else (1, 1, 1, -1)
        weight = (kernel / kernel.sum()).reshape(shape).expand(latent.shape[1], 1, -1, -1 if axis == 3 else 1)
        padding = (0, 0, reach, reach) if axis == 2 else (reach, reach, 0, 0)
        padded = functional.pad(latent, padding, mode="reflect")
        latent = functional.conv2d(padded, weight.contiguous(), groups=latent.shape[1])
    return latent
