"""Tiled diffusion: each evaluation goes over overlapping tiles of the latent, whatever the sampler.

And tiled VAE: pictures are encoded and decoded in tiles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from extensions.tiled_diffusion.part import TiledDiffusion, TiledVae
from webui.plugins import RequestPart, hookimpl

if TYPE_CHECKING:
    from webui.plugins import Batch, Denoising, GenerationRequest


@hookimpl
def register_request_part() -> list[type[RequestPart]]:
    """The tiles' size and how they are weighed, and the VAE's tiles."""
    return [TiledDiffusion, TiledVae]


@hookimpl
def change_request(request: GenerationRequest) -> GenerationRequest | None:
    """Tell the VAE of its tiles."""
    part = TiledVae.of(request)
    return part and part.change(request)


@hookimpl
def prepare_denoising(denoising: Denoising, batch: Batch) -> None:
    """Put the tiles around the network."""
    part = TiledDiffusion.of(batch.request)
    if part is not None:
        # Torch is imported only where something is asked for.
        from extensions.tiled_diffusion.tiles import TiledNetwork

        denoising.around_network.append(TiledNetwork(part))
