"""First weights for the autoencoder with which it already stores an eight times smaller copy of the picture.

Random first weights need a thousand steps to find the colours; from here training only adds the details.
"""

import torch
from diffusers import AutoencoderKL
from torch import Tensor, nn

COLOURS = 3
# Undoes the squeezing of the last normalisation.
GAIN = 1.3
# Latent noise starts at deviation exp(-3): at 1 it would drown everything.
LOG_VARIANCE = -6.0


def plus(colour: int, channels: int) -> int:
    """Where a colour travels among so many channels: first of its normalisation group (32 groups)."""
    return colour * max(2, channels // 32)


def carry(layer: nn.Conv2d, tap: Tensor) -> None:
    """Make a layer hand each colour and its negative on through `tap` (k, k)."""
    outgoing, incoming = layer.weight.shape[:2]
    for colour in range(COLOURS):
        for sign in range(2):
            row = plus(colour, outgoing) + sign
            layer.weight[row] = 0
            layer.weight[row, plus(colour, incoming) + sign] = tap
            layer.bias[row] = 0


def centre(size: int) -> Tensor:
    """A kernel (size, size) that copies."""
    tap = torch.zeros(size, size)
    tap[size // 2, size // 2] = 1
    return tap


def spread_colours(layer: nn.Conv2d) -> None:
    """Put input channels 0..2 and their negatives where `carry` expects them."""
    outgoing = layer.weight.shape[0]
    for colour in range(COLOURS):
        for sign, factor in enumerate((1.0, -1.0)):
            row = plus(colour, outgoing) + sign
            layer.weight[row] = 0
            layer.weight[row, colour] = centre(3) * factor
            layer.bias[row] = 0


def gather_colours(layer: nn.Conv2d, gain: float) -> None:
    """Read each colour as the difference of its two channels: silu(x) - silu(-x) = x."""
    incoming = layer.weight.shape[1]
    layer.weight[:COLOURS] = 0
    layer.bias[:COLOURS] = 0
    for colour in range(COLOURS):
        layer.weight[colour, plus(colour, incoming)] = centre(3) * gain
        layer.weight[colour, plus(colour, incoming) + 1] = -centre(3) * gain


@torch.no_grad()
def start_from_thumbnails(vae: AutoencoderKL) -> None:
    """Set the first weights; all residual branches start at zero."""
    # SD1's downsampling pads right and below: the window begins at the cell's own first pixel.
    average = torch.zeros(3, 3)
    average[:2, :2] = 0.25
    for name, module in vae.named_modules():
        if not isinstance(module, nn.Conv2d | nn.Linear):
            continue
        if name.endswith(("conv2", "to_out.0")):
            nn.init.zeros_(module.weight)
            nn.init.zeros_(module.bias)
        elif name.endswith("conv_shortcut"):
            carry(module, centre(1))
        elif ".upsamplers." in name:
            carry(module, centre(3))
        elif ".downsamplers." in name:
            carry(module, average)
    spread_colours(vae.encoder.conv_in)
    gather_colours(vae.encoder.conv_out, 1.0)
    spread_colours(vae.decoder.conv_in)
    gather_colours(vae.decoder.conv_out, GAIN)
    for layer in (vae.quant_conv, vae.post_quant_conv):
        layer.weight.copy_(torch.eye(layer.weight.shape[0])[:, :, None, None])
        nn.init.zeros_(layer.bias)
    nn.init.constant_(vae.quant_conv.bias[4:], LOG_VARIANCE)
