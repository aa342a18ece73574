"""The Starter checkpoint's networks, their places in the SD1 layout, and the file itself."""

from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from models.starter import networks
from models.starter.thumbnails import start_from_thumbnails
from models.starter.train_vae import SOFT_EPSILON, USUAL_EPSILON, move_epsilon, rescale

CHECKPOINT = Path(networks.__file__).parent / "starter.safetensors"
PREFIXES = ("model.diffusion_model.", "first_stage_model.", "cond_stage_model.transformer.text_model.")
# As CompVis named them; one of each sort of module.
KNOWN_KEYS = (
    "model.diffusion_model.time_embed.0.weight",
    "model.diffusion_model.input_blocks.0.0.weight",
    "model.diffusion_model.input_blocks.1.0.in_layers.0.weight",
    "model.diffusion_model.input_blocks.2.0.op.weight",
    "model.diffusion_model.input_blocks.3.1.transformer_blocks.0.attn2.to_k.weight",
    "model.diffusion_model.middle_block.1.proj_in.weight",
    "model.diffusion_model.output_blocks.1.1.conv.weight",
    "model.diffusion_model.output_blocks.3.2.conv.weight",
    "model.diffusion_model.output_blocks.7.0.skip_connection.weight",
    "model.diffusion_model.out.2.bias",
    "first_stage_model.encoder.down.0.downsample.conv.weight",
    "first_stage_model.encoder.mid.attn_1.q.weight",
    "first_stage_model.decoder.up.3.upsample.conv.weight",
    "first_stage_model.decoder.up.0.block.1.conv2.bias",
    "first_stage_model.quant_conv.weight",
    "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight",
    "cond_stage_model.transformer.text_model.encoder.layers.0.mlp.fc1.weight",
    "cond_stage_model.transformer.text_model.final_layer_norm.bias",
)


@pytest.fixture(scope="module")
def single_file() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    parts = (networks.make_unet(), networks.make_vae(), networks.make_text_encoder())
    return networks.to_single_file(*(part.state_dict() for part in parts))


def test_names_are_those_of_the_original_layout(single_file: dict[str, torch.Tensor]) -> None:
    assert set(KNOWN_KEYS) <= set(single_file)
    assert all(name.startswith(PREFIXES) for name in single_file)
    leftovers = ("resnets", "down_blocks", "up_blocks", "mid_block", "samplers", "to_q.bias", "group_norm")
    assert not [name for name in single_file if any(word in name for word in leftovers)]


def test_a_single_file_gives_the_same_networks_back(single_file: dict[str, torch.Tensor]) -> None:
    again = networks.to_single_file(*(part.state_dict() for part in networks.from_single_file(single_file)))
    assert again.keys() == single_file.keys()
    assert all(torch.equal(again[name], tensor) for name, tensor in single_file.items())


def test_moving_the_epsilon_into_the_weights_changes_no_picture() -> None:
    torch.manual_seed(0)
    vae = networks.make_vae()
    move_epsilon(vae, SOFT_EPSILON)
    picture = torch.rand(1, 3, 64, 64) * 2 - 1
    with torch.no_grad():
        latent = vae.encode(picture).latent_dist.mean
        decoded = vae.decode(latent).sample
        move_epsilon(vae, USUAL_EPSILON)
        assert (vae.encode(picture).latent_dist.mean - latent).abs().max() < 1e-5
        assert (vae.decode(latent).sample - decoded).abs().max() < 1e-5


def test_rescaled_latents_have_unit_deviation_and_decode_alike() -> None:
    torch.manual_seed(0)
    vae = networks.make_vae()
    start_from_thumbnails(vae)
    pictures = torch.nn.functional.interpolate(torch.rand(4, 3, 8, 8) * 2 - 1, 64)
    with torch.no_grad():
        before = vae.decode(vae.encode(pictures).latent_dist.mean).sample
        rescale(vae, pictures)
        latent = vae.encode(pictures).latent_dist.mean
        assert torch.allclose(latent.std((0, 2, 3)) * networks.SCALE_FACTOR, torch.ones(4), atol=1e-3)
        assert (vae.decode(latent).sample - before).abs().max() < 1e-3


def test_the_checkpoint_is_a_small_half_precision_sd1_file(single_file: dict[str, torch.Tensor]) -> None:
    assert CHECKPOINT.stat().st_size <= 45_000_000
    with safe_open(CHECKPOINT, "pt") as file:
        shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 - not a dict
        assert {file.get_slice(name).get_dtype() for name in shapes} == {"F16"}
    assert shapes == {name: tuple(tensor.shape) for name, tensor in single_file.items()}
