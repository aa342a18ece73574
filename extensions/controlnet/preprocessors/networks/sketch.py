"""Line drawings by the generator of informative drawings (Chan, Durand and Isola 2022; MIT)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from extensions.controlnet.preprocessors.inputs import PreprocessorInputs
from extensions.controlnet.preprocessors.networks.leased import lease, run_padded, to_grey
from extensions.controlnet.preprocessors.pixels import Pixels

RESIDUAL_BLOCKS = 3


class Residual(nn.Module):
    """Two convolutions beside a straight way."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(
            nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3), nn.InstanceNorm2d(channels),
            nn.ReLU(), nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3), nn.InstanceNorm2d(channels),
        )  # fmt: skip

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, h, w) to the same."""
        return features + self.conv_block(features)


def halve(channels: int) -> list[nn.Module]:
    """Half the sides, twice the channels."""
    conv = nn.Conv2d(channels, 2 * channels, 3, stride=2, padding=1)
    return [conv, nn.InstanceNorm2d(2 * channels), nn.ReLU()]


def double(channels: int) -> list[nn.Module]:
    """Twice the sides, half the channels."""
    conv = nn.ConvTranspose2d(channels, channels // 2, 3, stride=2, padding=1, output_padding=1)
    return [conv, nn.InstanceNorm2d(channels // 2), nn.ReLU()]


class Sketcher(nn.Module):
    """A picture to the drawing of it."""

    def __init__(self) -> None:
        super().__init__()
        self.model0 = nn.Sequential(
            nn.ReflectionPad2d(3), nn.Conv2d(3, 64, 7), nn.InstanceNorm2d(64), nn.ReLU()
        )
        self.model1 = nn.Sequential(*halve(64), *halve(128))
        self.model2 = nn.Sequential(*(Residual(256) for _ in range(RESIDUAL_BLOCKS)))
        self.model3 = nn.Sequential(*double(256), *double(128))
        self.model4 = nn.Sequential(nn.ReflectionPad2d(3), nn.Conv2d(64, 1, 7), nn.Sigmoid())

    def forward(self, image: Tensor) -> Tensor:
        """RGB (B, 3, H, W) in 0…1 to dark lines on white paper (B, 1, H, W) in 0…1."""
        return self.model4(self.model3(self.model2(self.model1(self.model0(image)))))


def lineart(inputs: PreprocessorInputs) -> Pixels:
    """The drawing, white lines on black."""

    def draw(image: Tensor) -> Tensor:
        return 1 - network(image)

    with lease(inputs, Sketcher, inputs.weights[0]) as network, torch.no_grad():
        return to_grey(*run_padded(inputs, network, draw, 1 / 255))
