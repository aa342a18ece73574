"""Lines of drawings by a U-Net after pix2pix (Isola et al. 2017), with the names of the file netG.pth."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from extensions.controlnet.preprocessors.inputs import PreprocessorInputs
from extensions.controlnet.preprocessors.networks.leased import device_of, lease
from extensions.controlnet.preprocessors.pixels import Pixels, resize, resize_to

# Channels of each level, from the picture inwards; each has half the sides of the one before.
LEVELS = (64, 128, 256, 512, 512, 512, 512, 512)
# The innermost level must have a pixel.
SIDE = 2 ** len(LEVELS)


class Level(nn.Module):
    """Half the sides, the levels further in, twice the sides; what came in stands beside it."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        outer, inner = LEVELS[depth - 1] if depth else 3, LEVELS[depth]
        is_innermost = depth == len(LEVELS) - 1
        down = nn.Conv2d(outer, inner, 4, stride=2, padding=1)
        up = nn.ConvTranspose2d(
            inner if is_innermost else 2 * inner, outer if depth else 1, 4, stride=2, padding=1
        )
        if not depth:
            parts = [down, Level(1), nn.ReLU(), up, nn.Tanh()]
        elif is_innermost:
            parts = [nn.LeakyReLU(0.2), down, nn.ReLU(), up, nn.InstanceNorm2d(outer)]
        else:
            parts = [
                nn.LeakyReLU(0.2), down, nn.InstanceNorm2d(inner), Level(depth + 1),
                nn.ReLU(), up, nn.InstanceNorm2d(outer),
            ]  # fmt: skip
        self.depth = depth
        self.model = nn.Sequential(*parts)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, h, w) to (B, 2C, h, w); of the outermost (B, 1, h, w)."""
        if not self.depth:
            return self.model(features)
        # Where the innermost has one pixel, its own norm has nothing to compare; torch refuses that only in
        # training.
        return torch.cat([features, self.model(features)], 1)


class LineNetwork(nn.Module):
    """A picture to the drawing of it."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Level(0)

    def forward(self, image: Tensor) -> Tensor:
        """RGB (B, 3, H, W) in -1…1, sides multiples of 256, to dark lines (B, 1, H, W) in -1…1."""
        return self.model(image)


def lineart(inputs: PreprocessorInputs) -> Pixels:
    """The drawing, white lines on black."""
    pixels = resize(inputs.pixels, inputs.resolution)
    height, width = pixels.shape[:2]
    sides = [-(-side // SIDE) * SIDE for side in (width, height)]
    given = np.ascontiguousarray(resize_to(pixels, (sides[0], sides[1])))
    with lease(inputs, LineNetwork, inputs.weights[0]) as network, torch.no_grad():
        image = torch.from_numpy(given).permute(2, 0, 1)[None].to(device_of(network), torch.float32)
        drawn = network(image / 127.5 - 1)[0, 0].float().cpu().numpy()
    paper = np.clip(drawn * 127.5 + 127.5, 0, 255).astype(np.uint8)
    return 255 - resize_to(paper, (width, height))
