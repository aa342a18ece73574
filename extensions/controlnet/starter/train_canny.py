"""Trains `starter_canny`, a ControlNet that makes the Starter follow drawn edges."""

import numpy as np
import torch
from diffusers import ControlNetModel, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from torch import Tensor, nn

from extensions.controlnet.starter.data import Examples
from extensions.controlnet.starter.training import ControlRecipe, run

# The hint's own path, thinner than usual: edges are black and white.
HINT_CHANNELS = (8, 16, 32, 64)
# Of the pixels of a drawing.
EDGE_SHARE = 0.1
# Real edges are connected, which makes the output stronger; so it is about as strong as the latent's.
LAST_SHARE = 0.2


def make_network(unet: UNet2DConditionModel) -> nn.Module:
    """A copy of the U-Net's encoder, whose outputs begin at zero (Zhang 2023)."""
    network = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=HINT_CHANNELS)
    network.set_attn_processor(AttnProcessor())
    even_out(network.controlnet_cond_embedding)
    return network.requires_grad_(True)


@torch.no_grad()
def even_out(path: nn.Module) -> None:
    """Let a hint arrive at the end of its path as strong as what it is added to.

    As diffusers begins, each layer makes it weaker, and the last is zero besides: thousands of steps go by
    before it is felt. Nothing is changed yet, for the outputs begin at zero.
    """
    hint = (torch.rand(4, 3, 64, 64) < EDGE_SHARE).float()
    layers = [*path.get_submodule("blocks").children(), path.get_submodule("conv_out")]
    for layer in [path.get_submodule("conv_in"), *layers]:
        assert isinstance(layer, nn.Conv2d)
        nn.init.kaiming_normal_(layer.weight)
        nn.init.zeros_(layer.get_parameter("bias"))
        layer.weight /= layer(hint).std()
        hint = nn.functional.silu(layer(hint))
    layers[-1].get_parameter("weight").mul_(LAST_SHARE)


def edge_hints(examples: Examples, rows: np.ndarray, rng: np.random.Generator) -> Tensor:
    """The pictures' own edges, or their outlines."""
    return examples.edge_hints(rows, rng.integers(2, size=len(rows)))


def residuals(
    network: nn.Module, noisy: Tensor, timesteps: Tensor, crossattn: Tensor, hint: Tensor
) -> dict[str, object]:
    """For the skips and the middle."""
    down, mid = network(noisy, timesteps, crossattn, hint, return_dict=False)
    return {"down_block_additional_residuals": down, "mid_block_additional_residual": mid}


RECIPE = ControlRecipe(
    "starter_canny",
    {"modelspec.title": "Starter canny", "modelspec.architecture": "stable-diffusion-v1/controlnet"},
    make_network,
    edge_hints,
    residuals,
    rate=5e-4,
    batch=4,
    noise_bias=1.5,
    # What begins from nothing learns faster than what is copied.
    apart=("controlnet_",),
    apart_share=2.5,
)

if __name__ == "__main__":
    run(RECIPE, __doc__)
