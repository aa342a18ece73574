import torch

from webui.diffusion.latents import SD1_LATENTS, SDXL_LATENTS, LatentFormat


def test_scaling_for_the_network_is_undone_for_the_vae() -> None:
    latent = torch.randn(1, 16, 2, 2)
    shifted = LatentFormat(16, 0.36, shift=0.12)
    torch.testing.assert_close(shifted.encode(latent), (latent - 0.12) * 0.36)
    torch.testing.assert_close(shifted.decode(shifted.encode(latent)), latent)


def test_a_preview_has_a_pixel_for_each_latent_cell() -> None:
    preview = SD1_LATENTS.preview(torch.randn(3, 4, 5, 7))
    assert preview.shape == (3, 5, 7, 3)
    assert preview.dtype == torch.uint8
    assert preview.device.type == "cpu"


def test_an_empty_latent_is_mid_grey_and_a_channel_has_its_colour() -> None:
    assert SD1_LATENTS.preview(torch.zeros(1, 4, 1, 1)).flatten().tolist() == [127, 127, 127]
    latent = torch.zeros(1, 4, 1, 1)
    latent[0, 0] = 1.0
    colour = [int((value + 1) / 2 * 255) for value in SDXL_LATENTS.colours[0]]
    assert SDXL_LATENTS.preview(latent).flatten().tolist() == colour


def test_values_past_black_and_white_are_cut_off() -> None:
    latent = torch.full((1, 4, 1, 1), 0.0)
    latent[0, 0] = 50.0
    assert SD1_LATENTS.preview(latent).flatten().tolist() == [255, 255, 255]
    assert SD1_LATENTS.preview(-latent).flatten().tolist() == [0, 0, 0]
