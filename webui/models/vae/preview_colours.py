"""Which colours the latents of a VAE stand for: fitted to the VAE itself, as each is trained to its own."""

import logging
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from webui.core.errors import WebuiError
from webui.diffusion.latents import LatentFormat
from webui.models.vae.vae import Vae

logger = logging.getLogger(__name__)
# Side of the chart, in latent pixels: there are five unknowns for each colour, and little work.
CHART = 8
# Fields of one colour are this many latent pixels wide, as VAEs see plain areas otherwise than noise.
FIELD = 2
SEED = 7
# Keeps the fit from following a channel that hardly varies over the chart.
RIDGE = 1e-3
COLOURS = 3


def preview_format(vae: Vae) -> LatentFormat:
    """What previews of the VAE's latents are made by; fitted once, when it is first asked for."""
    if vae.preview_format is None:
        vae.preview_format = fit_preview(vae)
    return vae.preview_format


def fit_preview(vae: Vae) -> LatentFormat:
    """The VAE's latent format with the colours that fit it best; the family's where it makes no numbers.

    A chart of colours goes through the VAE and back. Least squares tell which colour each channel adds.
    """
    try:
        latent = vae.encode(colour_chart(CHART * vae.latent_pixels, FIELD * vae.latent_pixels))
        picture = vae.decode(latent)
    except WebuiError:
        logger.debug(
            "No colours could be fitted to a VAE, so previews have those of its family", exc_info=True
        )
        return vae.latent_format
    return with_colours(vae.latent_format, latent.float().cpu(), picture)


def colour_chart(side: int, field: int) -> Tensor:
    """A picture (1, 3, side, side) in 0…1 of square fields: greys and colours of all kinds, mixed."""
    count = -(-side // field)
    generator = torch.Generator().manual_seed(SEED)
    colours = torch.rand(COLOURS, count, count, generator=generator)
    # Pictures have more grey than colours drawn by lot.
    grey = colours.mean(0, keepdim=True)
    strength = torch.rand(1, count, count, generator=generator)
    fields = grey + (colours - grey) * strength
    fields = (fields - 0.5) * 1.6 + 0.5
    return functional.interpolate(fields.clamp(0, 1)[None], scale_factor=field, mode="nearest")[
        :, :, :side, :side
    ]


def with_colours(latent_format: LatentFormat, latent: Tensor, picture: Tensor) -> LatentFormat:
    """The format with colours fitted to latents (B, C, h, w) and the pictures (B, 3, H, W) in 0…1 that the
    VAE makes of them.
    """
    small = functional.adaptive_avg_pool2d(picture, (latent.shape[2], latent.shape[3])) * 2 - 1
    channels = latent.permute(0, 2, 3, 1).reshape(-1, latent.shape[1]).double()
    wanted = small.permute(0, 2, 3, 1).reshape(-1, COLOURS).double()
    if not (channels.isfinite().all() and wanted.isfinite().all()):
        return latent_format
    known = torch.cat([channels, torch.ones_like(channels[:, :1])], dim=1)
    damping = RIDGE * len(known) * torch.eye(known.shape[1], dtype=known.dtype)
    solved = torch.linalg.solve(known.T @ known + damping, known.T @ wanted).tolist()
    *colours, ground = [(row[0], row[1], row[2]) for row in solved]
    return replace(latent_format, colours=tuple(colours), ground=ground)
