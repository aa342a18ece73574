"""Tiled diffusion: each evaluation goes over overlapping tiles of the latent, whatever the sampler."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extensions.tiled_diffusion.part import TiledDiffusion
from webui.plugins import RequestPart, hookimpl

if TYPE_CHECKING:
    from webui.plugins import Batch, Denoising


@hookimpl
def register_request_part() -> type[RequestPart]:
    """The tiles' size and how they are weighed."""
    return TiledDiffusion


@hookimpl
def prepare_denoising(denoising: Denoising, batch: Batch) -> None:
    """Put the tiles around the network."""
    part = TiledDiffusion.of(batch.request)
    if part is not None:
        # Torch is imported only where something is asked for.
        from extensions.tiled_diffusion.tiles import TiledNetwork

        denoising.around_network.append(TiledNetwork(part))
