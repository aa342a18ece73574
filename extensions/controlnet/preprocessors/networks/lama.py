"""What a mask covers, filled by LaMa (Suvorov et al. 2022): spandrel has the network."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from spandrel.architectures.LaMa import LaMaArch
from torch import Tensor, nn

from extensions.controlnet.preprocessors.colours import resize_mask
from extensions.controlnet.preprocessors.inputs import PreprocessorInputs
from extensions.controlnet.preprocessors.networks.leased import device_of, lease_filled, unfit
from extensions.controlnet.preprocessors.pixels import Pixels, pad_to_multiple, resize, resize_to
from webui.plugins import UnusableFile

# The shorter side that it was trained with; what it fills there is coarse, and only tells where colours go.
SIDE, MULTIPLE = 256, 8
# A tensor of the generator alone; what stands before it differs between files.
KNOWN_BY, GENERATOR = "model.1.bn_l.running_mean", "model."


def fill(inputs: PreprocessorInputs) -> Pixels:
    """The picture (H, W, 3), what the mask covers filled; without a mask as it is."""
    if inputs.mask is None:
        return inputs.pixels
    height, width = inputs.pixels.shape[:2]
    small = resize(inputs.pixels, SIDE)
    mask = (resize_mask(inputs.mask, (small.shape[1], small.shape[0])) > 127).astype(np.uint8)
    path = inputs.weights[0]
    with (
        lease_filled(inputs, lambda tensors: make(tensors, path.name), path, __name__) as network,
        torch.no_grad(),
    ):
        device = device_of(network)
        made = network(to_tensor(small).to(device) / 255, to_tensor(mask[..., None]).to(device))
    pixels = made[0, :, : small.shape[0], : small.shape[1]].clamp(0, 1).permute(1, 2, 0).float().cpu().numpy()
    large = resize_to(np.rint(pixels * 255).astype(np.uint8), (width, height))
    share = (resize_mask(inputs.mask, (width, height)) > 127)[..., None]
    return np.where(share, large, inputs.pixels)


def to_tensor(pixels: Pixels) -> Tensor:
    """Pixels (H, W, C) as (1, C, h, w), the sides multiples of 8."""
    padded = np.ascontiguousarray(pad_to_multiple(pixels, MULTIPLE))
    return torch.from_numpy(padded).permute(2, 0, 1)[None].float()


def make(tensors: Mapping[str, Tensor], name: str) -> nn.Module:
    """LaMa with the tensors of a file, however the program that wrote it called the generator.

    Raises UnusableFile.
    """
    known = next((key for key in tensors if key.endswith(KNOWN_BY)), None)
    if known is None:
        raise UnusableFile(unfit(name))
    prefix = known.removesuffix(KNOWN_BY)
    own = {
        f"model.{key.removeprefix(prefix)}": tensor
        for key, tensor in tensors.items()
        if key.startswith(f"{prefix}{GENERATOR}")
    }
    try:
        return LaMaArch().load(own).model
    except (KeyError, RuntimeError, IndexError) as error:
        raise UnusableFile(unfit(name)) from error
