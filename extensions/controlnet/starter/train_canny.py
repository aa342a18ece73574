"""Trains `starter_canny`, a ControlNet that makes the Starter follow drawn edges."""

import numpy as np
from diffusers import ControlNetModel, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from torch import Tensor, nn

from extensions.controlnet.starter.data import Examples
from extensions.controlnet.starter.training import Recipe, run

# The hint's own path, thinner than usual: edges are black and white.
HINT_CHANNELS = (8, 16, 32, 64)


def make_network(unet: UNet2DConditionModel) -> nn.Module:
    """A copy of the U-Net's encoder, whose outputs begin at zero (Zhang 2023)."""
    network = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=HINT_CHANNELS)
    network.set_attn_processor(AttnProcessor())
    # diffusers lets both the hint's path and the outputs begin at zero; with one of them the hint is felt from
    # the first step on, and nothing is changed yet.
    nn.init.kaiming_normal_(network.controlnet_cond_embedding.conv_out.weight)
    return network.requires_grad_(True)


def edge_hints(examples: Examples, rows: np.ndarray, rng: np.random.Generator) -> Tensor:
    """The pictures' own edges."""
    del rng
    return examples.edge_hints(rows)


def residuals(
    network: nn.Module, noisy: Tensor, timesteps: Tensor, crossattn: Tensor, hint: Tensor
) -> dict[str, object]:
    """For the skips and the middle."""
    down, mid = network(noisy, timesteps, crossattn, hint, return_dict=False)
    return {"down_block_additional_residuals": down, "mid_block_additional_residual": mid}


RECIPE = Recipe(
    "starter_canny",
    {"modelspec.title": "Starter canny", "modelspec.architecture": "stable-diffusion-v1/controlnet"},
    make_network,
    edge_hints,
    residuals,
    rate=4e-4,
    batch=8,
    noise_bias=0.25,
    new_parts=("controlnet_",),
)

if __name__ == "__main__":
    run(RECIPE, __doc__)
