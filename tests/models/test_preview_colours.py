"""Previews show the colours that the VAE will make of the latent, whichever VAE it is."""

from pathlib import Path

import pytest
import torch
from PIL import Image
from torch.nn import functional
from torchvision.transforms.functional import to_tensor

from webui.diffusion.latents import SD1_LATENTS, LatentFormat
from webui.models.cpu.precision import EXACT
from webui.models.loader import build_vae_from, open_vae
from webui.models.vae.preview_colours import preview_format, with_colours

STARTER = Path(__file__).parents[2] / "models" / "starter"
CPU = torch.device("cpu")


@pytest.fixture(scope="module", params=["starter", "tiny-sd15"])
def vae(request, golden_models):
    """The bundled checkpoint's own VAE, and one whose weights are random."""
    folder = STARTER if request.param == "starter" else golden_models
    source = open_vae(folder / f"{request.param}.safetensors", SD1_LATENTS, EXACT, CPU)
    return build_vae_from(source, lambda text: None)


def error_of(latent_format: LatentFormat, latent, picture) -> float:
    """Mean distance of a preview from the decoded picture at its size, of 255."""
    small = functional.adaptive_avg_pool2d(picture, latent.shape[2:]).permute(0, 2, 3, 1) * 255
    return float((latent_format.preview(latent).float() - small).abs().mean())


def test_previews_are_nearer_to_the_picture_than_with_the_family_s_colours(vae):
    drawn = to_tensor(Image.open(STARTER / "grid.jpg").convert("RGB").crop((256, 0, 512, 256)))[None]
    latent = vae.encode(drawn)
    picture = vae.decode(latent)
    family, fitted = (error_of(each, latent, picture) for each in (SD1_LATENTS, preview_format(vae)))
    # Measured: 38 and 12 of 255 for the Starter, 59 and 28 for the random one.
    assert fitted < 0.6 * family


def test_the_colours_are_fitted_once(vae):
    assert preview_format(vae) is preview_format(vae)


def test_a_linear_decoder_is_found_out_exactly():
    generator = torch.Generator().manual_seed(0)
    latent = torch.randn(2, 4, 8, 8, generator=generator)
    colours, ground = torch.randn(4, 3, generator=generator) * 0.1, torch.tensor([0.1, 0.0, -0.2])
    small = torch.einsum("bchw,cr->brhw", latent, colours) + ground[:, None, None]
    picture = functional.interpolate((small + 1) / 2, scale_factor=8, mode="nearest")
    found = with_colours(SD1_LATENTS, latent, picture)
    torch.testing.assert_close(torch.tensor(found.colours), colours, atol=2e-3, rtol=0.02)
    torch.testing.assert_close(torch.tensor(found.ground), ground, atol=2e-3, rtol=0.02)
    assert (found.channels, found.scale, found.shift) == (4, SD1_LATENTS.scale, 0.0)


def test_a_vae_that_makes_no_numbers_keeps_the_family_s_colours():
    latent = torch.randn(1, 4, 8, 8)
    picture = torch.full((1, 3, 64, 64), torch.nan)
    assert with_colours(SD1_LATENTS, latent, picture) is SD1_LATENTS
