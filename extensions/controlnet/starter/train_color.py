"""Trains `starter_color`, a T2I-Adapter that makes the Starter paint in the colours of a coarse grid."""

import numpy as np
import torch
from diffusers import T2IAdapter, UNet2DConditionModel
from torch import Tensor, nn

from extensions.controlnet.starter.data import DRAWN, RECOLOURED, Examples
from extensions.controlnet.starter.training import ControlRecipe, run

# Pixels of a cell and how often: the colour grid preprocessor makes cells of 64.
CELLS = {64: 0.5, 32: 0.3, 16: 0.2}
# The U-Net's first level leaves at half the latent's size, so features begin there.
FOLDING = 16
RESIDUAL_BLOCKS = 2
FAINT = 0.7


def make_network(unet: UNet2DConditionModel) -> nn.Module:
    """Features for the first three levels (Mou 2023)."""
    network = T2IAdapter(
        channels=list(unet.config["block_out_channels"][:3]),
        num_res_blocks=RESIDUAL_BLOCKS,
        downscale_factor=FOLDING,
        adapter_type="full_adapter_xl",
    )
    start_with_colours(network)
    return network


@torch.no_grad()
def start_with_colours(network: T2IAdapter) -> None:
    """Let the first layer pass on each place's mean colour, faintly, in random mixtures."""
    weight = network.get_parameter("adapter.conv_in.weight")
    mixtures = torch.randn(weight.shape[0], 3) * FAINT
    weight.zero_()
    weight[:, :, 1, 1] = (mixtures / FOLDING**2).repeat_interleave(FOLDING**2, 1)
    # Grey is nothing.
    network.get_parameter("adapter.conv_in.bias").copy_(-mixtures.sum(1) / 2)


def colour_hints(examples: Examples, rows: np.ndarray, rng: np.random.Generator) -> Tensor:
    """The pictures' own colours in cells of one of the sizes."""
    cell = int(rng.choice(list(CELLS), p=list(CELLS.values())))
    return examples.colour_hints(rows, cell)


def residuals(
    network: nn.Module, noisy: Tensor, timesteps: Tensor, crossattn: Tensor, hint: Tensor
) -> dict[str, object]:
    """For the levels of the encoder; the same at every noise level."""
    del noisy, timesteps, crossattn
    return {"down_intrablock_additional_residuals": network(hint)}


RECIPE = ControlRecipe(
    "starter_color",
    {"modelspec.title": "Starter color", "modelspec.architecture": "stable-diffusion-v1/t2i-adapter"},
    make_network,
    colour_hints,
    residuals,
    rate=5e-4,
    batch=8,
    noise_bias=2.0,
    # All 256 pixels of a place are mostly of one colour, so a step of this layer counts as often.
    apart=("adapter.conv_in.",),
    apart_share=0.03,
    coarse_weight=1.0,
    examples=(DRAWN, RECOLOURED),
)

if __name__ == "__main__":
    run(RECIPE, __doc__)
