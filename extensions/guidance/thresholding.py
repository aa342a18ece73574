"""Dynamic thresholding as the community knows it: the range of values that a lower CFG scale would give.

After Saharia et al. 2022, on latents, with what sd-dynamic-thresholding tells in its README: a mimic scale,
schedules of both scales, and two measures of a picture's range. Each picture is measured by itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from extensions.guidance.formula import Thresholding
from extensions.guidance.parts import DynamicThresholding
from webui.plugins import NetworkInput, Row, combine

# From the share of the steps that is done, and the scheduler's value, to the share of the scale.
CURVES: dict[str, Callable[[float, float], float]] = {
    "Constant": lambda done, value: 1.0,
    "Linear Down": lambda done, value: 1 - done,
    "Cosine Down": lambda done, value: math.cos(done * math.pi / 2),
    "Half Cosine Down": lambda done, value: math.cos(done),
    "Linear Up": lambda done, value: done,
    "Cosine Up": lambda done, value: 1 - math.cos(done * math.pi / 2),
    "Half Cosine Up": lambda done, value: 1 - math.cos(done),
    "Power Up": lambda done, value: done**value,
    "Power Down": lambda done, value: 1 - done**value,
    "Linear Repeating": lambda done, value: abs(done * value % 1 - 0.5) * 2,
    "Cosine Repeating": lambda done, value: math.cos(done * 2 * math.pi * value) * 0.5 + 0.5,
    "Sawtooth": lambda done, value: done * value % 1,
}


def threshold(part: DynamicThresholding) -> Thresholding:
    """The formula for one pass."""

    def apply(result: Tensor, rows: tuple[Row, ...], scale: float, batch: NetworkInput) -> Tensor:
        done = min(1.0, batch.evaluation / max(1, batch.total_evaluations - 1))
        mimic = scheduled(part.mimic_scale, part.mimic_scale_min, part.mimic_mode, done, part)
        cfg = scheduled(scale, part.cfg_scale_min, part.cfg_mode, done, part)
        target = combine(result, rows, cfg)
        if mimic == cfg and (part.startpoint == "MEAN" or part.measure == "STD"):
            # They have the same range.
            return target
        limited = fit_range(target, combine(result, rows, mimic), part)
        return limited if part.phi == 1 else limited * part.phi + target * (1 - part.phi)

    return apply


def scheduled(scale: float, least: float, curve: str, done: float, part: DynamicThresholding) -> float:
    """A scale at a share of the steps, never below its minimum."""
    return (scale - least) * CURVES[curve](done, part.scheduler_value) + least


def fit_range(target: Tensor, mimic: Tensor, part: DynamicThresholding) -> Tensor:
    """`target` (B, C, h, w) brought into the range of values of `mimic`."""
    flat, mimic_flat = target.flatten(2), mimic.flatten(2)
    mean = flat.mean(dim=2, keepdim=True)
    centred, mimic_centred = flat - mean, mimic_flat - mimic_flat.mean(dim=2, keepdim=True)
    own, wanted = spread(centred, part, part.percentile / 100), spread(mimic_centred, part, 1.0)
    if part.startpoint == "ZERO":
        fitted = flat * (wanted / own)
    elif part.measure == "STD":
        fitted = centred / own * wanted + mean
    else:
        most = torch.maximum(own, wanted)
        fitted = centred.clamp(-most, most) / most * wanted + mean
    return fitted.reshape(target.shape)


def spread(centred: Tensor, part: DynamicThresholding, share: float) -> Tensor:
    """How far values (B, C, h · w) go from 0: (B, C, 1), or of all channels together (B, 1, 1)."""
    values = centred if part.separate_channels else centred.flatten(1)[:, None]
    if part.measure == "STD":
        return values.std(dim=2, keepdim=True)
    return torch.quantile(values.abs(), share, dim=2, keepdim=True)
