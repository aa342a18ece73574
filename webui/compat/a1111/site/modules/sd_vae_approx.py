# pyright: basic
"""Latents as small pictures, without decoding."""

import torch

from webui.compat.a1111.facades.stand_ins import StandIn, absent
from webui.diffusion.latents import SD1_LATENTS, SDXL_LATENTS

sd_vae_approx_models = {}
model = StandIn(
    "modules.sd_vae_approx.model", "Previews are made by TAESD: put its files into models/VAE-approx."
)
VAEApprox = StandIn("modules.sd_vae_approx.VAEApprox", "Previews are made by TAESD.")


def cheap_approximation(sample):
    """A latent (4, h, w) as a picture (3, h, w) in [-1, 1]."""
    from modules import shared

    form = SDXL_LATENTS if getattr(shared.sd_model, "is_sdxl", False) else SD1_LATENTS
    colours = torch.tensor(form.colours, dtype=torch.float32, device=sample.device)
    ground = torch.tensor(form.ground, dtype=torch.float32, device=sample.device)
    return torch.einsum("chw,cr->rhw", sample.float(), colours) + ground[:, None, None]


def __getattr__(name):
    absent("modules.sd_vae_approx", name)
