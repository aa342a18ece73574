"""Further kinds of guidance, each off until it is switched on; see README.md for what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extensions.guidance.parts import (
    CfgRescale,
    DynamicThresholding,
    FreeU,
    PerturbedAttention,
    SelfAttention,
    SkipLayer,
)
from webui.plugins import RequestPart, hookimpl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from webui.plugins import Batch, Denoising


@hookimpl
def register_request_part() -> Sequence[type[RequestPart]]:
    """One part for each kind, in the order in which they act."""
    return (FreeU, DynamicThresholding, PerturbedAttention, SelfAttention, SkipLayer, CfgRescale)


@hookimpl
def prepare_denoising(denoising: Denoising, batch: Batch) -> None:
    """Install what the request asks for."""
    kinds = (FreeU, DynamicThresholding, PerturbedAttention, SelfAttention, SkipLayer, CfgRescale)
    # Torch is imported only where something is asked for.
    if any(kind.of(batch.request) for kind in kinds):
        from extensions.guidance.install import install

        install(denoising, batch.request)
