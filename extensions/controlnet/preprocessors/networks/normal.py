"""Which way surfaces face, by the network of Bae et al. 2021, with the names of the file scannet.pt.

An EfficientNet B5 (Tan and Le 2019) reads the picture; a decoder refines the normals from coarse to fine.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from extensions.controlnet.preprocessors.inputs import PreprocessorInputs
from extensions.controlnet.preprocessors.networks.leased import lease, run_padded
from extensions.controlnet.preprocessors.pixels import Pixels

STEM, HEAD = 48, 2048
# Of each stage: how many blocks, side of the kernel, stride, expansion, and channels.
STAGES = (
    (3, 3, 1, 1, 24), (5, 3, 2, 6, 40), (5, 5, 2, 6, 64), (7, 3, 2, 6, 128), (7, 5, 1, 6, 176),
    (9, 5, 2, 6, 304), (3, 3, 1, 6, 512),
)  # fmt: skip
# TensorFlow's, whose weights these once were.
NORM_EPSILON = 1e-3
SQUEEZE = 4
# Which stages the decoder reads besides the head, from the finest.
SKIPS = (0, 1, 2, 4)
UP = (1024, 512, 256, 128)
WIDE, NUMBERS = 128, 4
LEAST_KAPPA = 0.01
MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class SameConv(nn.Conv2d):
    """A convolution that pads as TensorFlow does: the odd pixel goes to the right and below."""

    def __init__(
        self, before: int, after: int, kernel: int, stride: int = 1, groups: int = 1, *, bias: bool = False
    ) -> None:
        super().__init__(before, after, kernel, stride, groups=groups, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, h, w) to (B, D, h / stride, w / stride), rounded up."""
        edges: list[int] = []
        for side, kernel, stride in zip(
            (input.shape[-1], input.shape[-2]), reversed(self.kernel_size), reversed(self.stride), strict=True
        ):
            missing = max((-(-side // stride) - 1) * stride + kernel - side, 0)
            edges += [missing // 2, missing - missing // 2]
        return super().forward(functional.pad(input, edges))


def norm(channels: int) -> nn.BatchNorm2d:
    """A norm of the reader."""
    return nn.BatchNorm2d(channels, eps=NORM_EPSILON)


class Squeeze(nn.Module):
    """Weighs channels by what they are over the whole picture (Hu et al. 2018)."""

    def __init__(self, channels: int, narrow: int) -> None:
        super().__init__()
        self.conv_reduce = nn.Conv2d(channels, narrow, 1)
        self.conv_expand = nn.Conv2d(narrow, channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, h, w) to the same."""
        means = features.mean((2, 3), keepdim=True)
        return features * self.conv_expand(functional.silu(self.conv_reduce(means))).sigmoid()


class PlainBlock(nn.Module):
    """A block without expansion."""

    def __init__(self, before: int, after: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.conv_dw, self.bn1 = SameConv(before, before, kernel, stride, before), norm(before)
        self.se = Squeeze(before, before // SQUEEZE)
        self.conv_pw, self.bn2 = SameConv(before, after, 1), norm(after)
        self.goes_straight = stride == 1 and before == after

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, h, w) to (B, D, h / stride, w / stride)."""
        changed = self.se(functional.silu(self.bn1(self.conv_dw(features))))
        changed = self.bn2(self.conv_pw(changed))
        return features + changed if self.goes_straight else changed


class WideBlock(nn.Module):
    """A block that is wide in the middle."""

    def __init__(self, before: int, after: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = before * expansion
        self.conv_pw, self.bn1 = SameConv(before, wide, 1), norm(wide)
        self.conv_dw, self.bn2 = SameConv(wide, wide, kernel, stride, wide), norm(wide)
        self.se = Squeeze(wide, before // SQUEEZE)
        self.conv_pwl, self.bn3 = SameConv(wide, after, 1), norm(after)
        self.goes_straight = stride == 1 and before == after

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, h, w) to (B, D, h / stride, w / stride)."""
        changed = functional.silu(self.bn1(self.conv_pw(features)))
        changed = self.se(functional.silu(self.bn2(self.conv_dw(changed))))
        changed = self.bn3(self.conv_pwl(changed))
        return features + changed if self.goes_straight else changed


def make_stage(before: int, count: int, kernel: int, stride: int, expansion: int, after: int) -> nn.Module:
    """Blocks of one size, of which the first has the stride."""
    blocks: list[nn.Module] = []
    for number in range(count):
        given, step = (after, 1) if number else (before, stride)
        if expansion == 1:
            blocks.append(PlainBlock(given, after, kernel, step))
        else:
            blocks.append(WideBlock(given, after, kernel, step, expansion))
    return nn.Sequential(*blocks)


class EfficientNet(nn.Module):
    """EfficientNet B5 without what classifies."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_stem, self.bn1 = SameConv(3, STEM, 3, 2), norm(STEM)
        stages: list[nn.Module] = []
        before = STEM
        for count, kernel, stride, expansion, channels in STAGES:
            stages.append(make_stage(before, count, kernel, stride, expansion, channels))
            before = channels
        self.blocks = nn.Sequential(*stages)
        self.conv_head = SameConv(before, HEAD, 1)

    def forward(self, image: Tensor) -> tuple[list[Tensor], Tensor]:
        """(B, 3, H, W) to features of each stage, and of the head (B, 2048, H / 32, W / 32)."""
        state = functional.silu(self.bn1(self.conv_stem(image)))
        found: list[Tensor] = []
        for stage in self.blocks:
            state = stage(state)
            found.append(state)
        return found, self.conv_head(state)


class Reader(nn.Module):
    """The network that reads, under the name that the file has."""

    def __init__(self) -> None:
        super().__init__()
        self.original_model = EfficientNet()

    def forward(self, image: Tensor) -> tuple[list[Tensor], Tensor]:
        """As `EfficientNet`."""
        return self.original_model(image)


class Up(nn.Module):
    """Coarse features made as large as finer ones, and mixed with them."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self._net = nn.Sequential(
            nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.LeakyReLU(),
            nn.Conv2d(after, after, 3, padding=1), nn.BatchNorm2d(after), nn.LeakyReLU(),
        )  # fmt: skip

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """(B, C, h / 2, w / 2) and (B, D, h, w) to (B, E, h, w)."""
        return self._net(torch.cat([enlarge(coarse, fine.shape[-2:]), fine], 1))


def enlarge(values: Tensor, size: Sequence[int]) -> Tensor:
    """Values (B, C, h, w) at another size."""
    return functional.interpolate(values, list(size), mode="bilinear", align_corners=True)


def pixel_layers(before: int) -> nn.Sequential:
    """Layers that look at each pixel by itself."""
    layers: list[nn.Module] = []
    for given in (before, WIDE, WIDE):
        layers += [nn.Conv1d(given, WIDE, 1), nn.ReLU()]
    return nn.Sequential(*layers, nn.Conv1d(WIDE, NUMBERS, 1))


class Decoder(nn.Module):
    """Normals and how certain they are, from an eighth of the picture's sides to all of them."""

    def __init__(self) -> None:
        super().__init__()
        self.conv2 = nn.Conv2d(HEAD, HEAD, 1)
        before = HEAD
        for number, (after, skip) in enumerate(zip(UP, reversed(SKIPS), strict=True), start=1):
            self.add_module(f"up{number}", Up(before + STAGES[skip][-1], after))
            before = after
        self.out_conv_res8 = nn.Conv2d(UP[1], NUMBERS, 3, padding=1)
        self.out_conv_res4 = pixel_layers(UP[1] + NUMBERS)
        self.out_conv_res2 = pixel_layers(UP[2] + NUMBERS)
        self.out_conv_res1 = pixel_layers(UP[3] + NUMBERS)

    def forward(self, stages: list[Tensor], head: Tensor) -> Tensor:
        """Features to x, y, z and certainty (B, 4, H, W)."""
        state, found = self.conv2(head), []
        for number, skip in enumerate(reversed(SKIPS), start=1):
            state = self.get_submodule(f"up{number}")(state, stages[skip])
            found.append(state)
        _, *features = found
        normals = normalize(self.out_conv_res8(features[0]))
        layers = (self.out_conv_res4, self.out_conv_res2, self.out_conv_res1)
        for each, read in zip(features, layers, strict=True):
            size = [2 * side for side in each.shape[-2:]]
            both = torch.cat([enlarge(each, size), enlarge(normals, size)], 1)
            normals = normalize(read(both.flatten(2)).unflatten(2, size))
        return normals


def normalize(values: Tensor) -> Tensor:
    """Directions of length 1, and certainties above 0."""
    way, certainty = values[:, :3], values[:, 3:]
    length = way.square().sum(1, keepdim=True).sqrt() + 1e-10
    return torch.cat([way / length, functional.elu(certainty) + 1 + LEAST_KAPPA], 1)


class NormalNetwork(nn.Module):
    """A picture to its normals."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = Reader(), Decoder()

    def forward(self, image: Tensor) -> Tensor:
        """RGB (B, 3, H, W), as ImageNet's, sides multiples of 32, to (B, 4, H, W)."""
        return self.decoder(*self.encoder(image))


def normals(inputs: PreprocessorInputs) -> Pixels:
    """Red is how far a surface faces right, green how far up, blue how far towards the camera."""
    with lease(inputs, NormalNetwork, inputs.weights[0]) as network:

        def compute(image: Tensor) -> Tensor:
            mean, spread = (torch.tensor(each).view(1, 3, 1, 1).to(image) for each in (MEAN, SPREAD))
            return network((image - mean) / spread)

        found, (height, width) = run_padded(inputs, network, compute, 1 / 255)
    ways = found[0, :3, :height, :width].permute(1, 2, 0).float().cpu().numpy()
    return np.clip((ways + 1) * 127.5, 0, 255).astype(np.uint8)
