"""Trains `starter_color`, a T2I-Adapter that makes the Starter paint in the colours of a coarse grid."""

import numpy as np
from diffusers import T2IAdapter, UNet2DConditionModel
from torch import Tensor, nn

from extensions.controlnet.starter.data import Examples
from extensions.controlnet.starter.training import Recipe, run

# Pixels of a cell and how often: the colour grid preprocessor makes cells of 64.
CELLS = {64: 0.5, 32: 0.3, 16: 0.2}
# The U-Net's first level leaves at half the latent's size, so features begin there.
FOLDING = 16
RESIDUAL_BLOCKS = 2


def make_network(unet: UNet2DConditionModel) -> nn.Module:
    """Features for the first three levels (Mou 2023); nothing is added at first."""
    network = T2IAdapter(
        channels=list(unet.config["block_out_channels"][:3]),
        num_res_blocks=RESIDUAL_BLOCKS,
        downscale_factor=FOLDING,
        adapter_type="full_adapter_xl",
    )
    # The whole of a first feature would drown what the U-Net knows.
    for name in ("weight", "bias"):
        nn.init.zeros_(network.get_parameter(f"adapter.conv_in.{name}"))
    return network


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


RECIPE = Recipe(
    "starter_color",
    {"modelspec.title": "Starter color", "modelspec.architecture": "stable-diffusion-v1/t2i-adapter"},
    make_network,
    colour_hints,
    residuals,
    rate=1e-3,
    batch=12,
    noise_bias=2.0,
)

if __name__ == "__main__":
    run(RECIPE, __doc__)
