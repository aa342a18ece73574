"""Straight lines by M-LSD (Gu et al. 2022; Apache-2.0), with the names of the file that ControlNet knows."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from extensions.controlnet.preprocessors.inputs import PreprocessorInputs
from extensions.controlnet.preprocessors.networks.leased import device_of, lease
from extensions.controlnet.preprocessors.pixels import Pixels, resize, resize_to

# MobileNet V2 (Sandler et al. 2018) up to its fifth scale: expansion, channels, blocks, and stride.
MOBILE = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1))
WIDE, OUTPUTS, FIRST_OUTPUT = 64, 16, 7
# Of the merges from the coarsest: number of the block, channels of the finer and of the coarser features.
MERGES = ((15, 64, 96), (17, 32, 64), (19, 24, 64), (21, 16, 64))
MOST_LINES, PEAK = 200, 3
# The map has half the sides of what the network sees, and that are multiples of this.
HALF, MULTIPLE = 2, 64

Lines = NDArray[np.float32]


def conv(before: int, after: int, kernel: int, dilation: int = 1) -> nn.Sequential:
    """A convolution with its norm; the size stays."""
    padding = dilation if dilation > 1 else kernel // 2
    layer = nn.Conv2d(before, after, kernel, padding=padding, dilation=dilation)
    return nn.Sequential(layer, nn.BatchNorm2d(after), nn.ReLU())


class MobileConv(nn.Sequential):
    """MobileNet's: a stride of 2 looks beyond the right and lower border alone."""

    def __init__(self, before: int, after: int, kernel: int = 3, stride: int = 1, groups: int = 1) -> None:
        padding = 0 if stride == HALF else kernel // 2
        layer = nn.Conv2d(before, after, kernel, stride, padding, groups=groups, bias=False)
        super().__init__(layer, nn.BatchNorm2d(after), nn.ReLU6())
        self.halves = stride == HALF

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, h, w) to (B, D, h, w) or (B, D, h / 2, w / 2)."""
        return super().forward(functional.pad(input, (0, 1, 0, 1)) if self.halves else input)


class MobileBlock(nn.Module):
    """Wide in the middle."""

    def __init__(self, before: int, after: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = before * expansion
        widen = [MobileConv(before, wide, 1)] if expansion > 1 else []
        narrow = [nn.Conv2d(wide, after, 1, bias=False), nn.BatchNorm2d(after)]
        self.conv = nn.Sequential(*widen, MobileConv(wide, wide, 3, stride, wide), *narrow)
        self.goes_straight = stride == 1 and before == after

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, h, w) to (B, D, h, w) or (B, D, h / 2, w / 2)."""
        changed = self.conv(features)
        return features + changed if self.goes_straight else changed


class MobileNet(nn.Module):
    """Features at five scales, from half of the sides."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [MobileConv(4, 32, stride=2)]
        before = 32
        self.ends: list[int] = []
        for expansion, channels, count, stride in MOBILE:
            for number in range(count):
                layers.append(MobileBlock(before, channels, 1 if number else stride, expansion))
                before = channels
            self.ends.append(len(layers) - 1)
        self.features = nn.Sequential(*layers)

    def forward(self, image: Tensor) -> list[Tensor]:
        """(B, 4, H, W) to features, the finest first."""
        features, found = image, []
        for number, layer in enumerate(self.features):
            features = layer(features)
            if number in self.ends:
                found.append(features)
        return found


class Merge(nn.Module):
    """Fine features beside coarse ones made as large."""

    def __init__(self, fine: int, coarse: int, *, enlarges: bool) -> None:
        super().__init__()
        self.conv1, self.conv2 = conv(coarse, WIDE, 1), conv(fine, WIDE, 1)
        self.enlarges = enlarges

    def forward(self, fine: Tensor, coarse: Tensor) -> Tensor:
        """(B, C, h, w) and (B, D, h / 2, w / 2), or as large, to (B, 128, h, w)."""
        coarse = self.conv1(coarse)
        if self.enlarges:
            coarse = functional.interpolate(coarse, scale_factor=2.0, mode="bilinear", align_corners=True)
        return torch.cat([self.conv2(fine), coarse], 1)


class Mix(nn.Module):
    """Two convolutions, the first beside a straight way."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = conv(2 * WIDE, 2 * WIDE, 3), conv(2 * WIDE, WIDE, 3)

    def forward(self, features: Tensor) -> Tensor:
        """(B, 128, h, w) to (B, 64, h, w)."""
        return self.conv2(self.conv1(features) + features)


class Ending(nn.Module):
    """Features to maps."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = conv(WIDE, WIDE, 3, dilation=5), conv(WIDE, WIDE, 3)
        self.conv3 = nn.Conv2d(WIDE, OUTPUTS, 1)

    def forward(self, features: Tensor) -> Tensor:
        """(B, 64, h, w) to (B, 16, h, w)."""
        return self.conv3(self.conv2(self.conv1(features)))


class LineSegments(nn.Module):
    """How surely a line's middle is at a place, and where its ends lie from there."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = MobileNet()
        for number, fine, coarse in MERGES:
            # The two coarsest scales are of one size.
            self.add_module(f"block{number}", Merge(fine, coarse, enlarges=number > MERGES[0][0]))
            self.add_module(f"block{number + 1}", Mix())
        self.block23 = Ending()

    def forward(self, image: Tensor) -> Tensor:
        """RGB and ones (B, 4, H, W), in -1…1, to (B, 9, H / 2, W / 2): first the middle, then the ends."""
        *finer, state = self.backbone(image)
        for (number, *_), fine in zip(MERGES, reversed(finer), strict=True):
            state = self.get_submodule(f"block{number + 1}")(
                self.get_submodule(f"block{number}")(fine, state)
            )
        return self.block23(state)[:, FIRST_OUTPUT:]


def read_lines(maps: Tensor, score: float, distance: float) -> Lines:
    """Ends of lines (N, 4: x, y, x, y), in the maps' pixels, from maps (1, 9, h, w).

    At most 200, whose middle is at least so sure and which are longer than a distance.
    """
    heat = maps[0, 0].sigmoid()
    peaks = functional.max_pool2d(heat[None], PEAK, 1, PEAK // 2)[0]
    flat = torch.where(peaks == heat, heat, 0).flatten()
    scores, places = flat.topk(min(MOST_LINES, flat.numel()))
    rows, columns = places // heat.shape[1], places % heat.shape[1]
    ends = maps[0, 1:5, rows, columns].T
    length = (ends[:, :2] - ends[:, 2:]).norm(dim=1)
    middles = torch.stack([columns, rows, columns, rows], 1)
    return (middles + ends)[(scores > score) & (length > distance)].float().cpu().numpy()


def lines(inputs: PreprocessorInputs) -> Pixels:
    """Lines in white on black; A is how sure one must be, B how long, in pixels."""
    pixels = resize(inputs.pixels, inputs.resolution)
    height, width = pixels.shape[:2]
    size = tuple(-(-side // MULTIPLE) * MULTIPLE for side in (width, height))
    coloured = resize_to(pixels, (size[0], size[1]))
    given = np.dstack([coloured, np.ones(coloured.shape[:2], np.uint8)])
    with lease(inputs, LineSegments, inputs.weights[0]) as network, torch.no_grad():
        image = torch.from_numpy(np.ascontiguousarray(given)).permute(2, 0, 1)[None].float() / 127.5 - 1
        found = read_lines(network(image.to(device_of(network))), inputs.threshold_a, inputs.threshold_b)
    canvas = np.zeros((height, width), np.uint8)
    scale = HALF * np.array([width / size[0], height / size[1]] * 2, np.float32)
    for x, y, far_x, far_y in (
        (found * scale).clip(-width - height, 2 * (width + height)).astype(int).tolist()
    ):
        cv2.line(canvas, (x, y), (far_x, far_y), 255, 1)
    return canvas
