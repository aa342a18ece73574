"""PiDiNet (Su et al. 2021): edges by differences of pixels, with the names of its makers' file.

The file was published for research; as all weights it comes from the artist.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from extensions.controlnet.preprocessors.inputs import PreprocessorInputs
from extensions.controlnet.preprocessors.lines import thin
from extensions.controlnet.preprocessors.networks.hed import SAFE_STEPS
from extensions.controlnet.preprocessors.networks.leased import lease, run_padded, to_grey
from extensions.controlnet.preprocessors.pixels import Pixels

# Of each stage: channels, and how many blocks.
STAGES = ((60, 3), (120, 4), (240, 4), (240, 4))
# What the convolutions compare, in turn: the centre, neighbours around it, rings around it, nothing.
KINDS = ("centre", "angle", "ring", "plain")
DILATIONS = (5, 7, 9, 11)
NARROW, ATTENTION = 24, 4
# Neighbours of a 3x3 kernel, each turned by an eighth of the circle; and the rings in a 5x5 kernel.
TURNED = [3, 0, 1, 6, 4, 2, 7, 8, 5]
OUTER, INNER = [0, 2, 4, 10, 14, 20, 22, 24], [6, 7, 8, 11, 13, 16, 17, 18]


class DifferenceConv(nn.Module):
    """A convolution of differences between pixels; its 3x3 weights are those that were trained."""

    def __init__(self, kind: str, before: int, after: int, groups: int = 1) -> None:
        super().__init__()
        self.kind, self.groups = kind, groups
        self.weight = nn.Parameter(torch.zeros(after, before // groups, 3, 3))

    def kernel(self) -> Tensor:
        """The kernel that does the same as a plain convolution: 3x3, or 5x5 for rings."""
        flat = self.weight.flatten(2)
        if self.kind == "centre":
            flat = flat.clone()
            flat[:, :, 4] -= self.weight.sum((2, 3))
        elif self.kind == "angle":
            flat = flat - flat[:, :, TURNED]
        elif self.kind == "ring":
            ring = flat.new_zeros(*flat.shape[:2], 25)
            ring[:, :, OUTER], ring[:, :, INNER] = flat[:, :, 1:], -flat[:, :, 1:]
            return ring.unflatten(2, (5, 5))
        return flat.unflatten(2, (3, 3))

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, h, w) to (B, D, h, w)."""
        kernel = self.kernel()
        return functional.conv2d(features, kernel, padding=kernel.shape[-1] // 2, groups=self.groups)


class Block(nn.Module):
    """Differences of each channel, mixed, beside a straight way; the first of a stage halves the sides."""

    def __init__(self, kind: str, before: int, after: int, *, halves: bool) -> None:
        super().__init__()
        if halves:
            self.shortcut = nn.Conv2d(before, after, 1)
        self.halves = halves
        self.conv1 = DifferenceConv(kind, before, before, before)
        self.conv2 = nn.Conv2d(before, after, 1, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, h, w) to (B, D, h, w) or (B, D, h / 2, w / 2)."""
        if self.halves:
            features = functional.max_pool2d(features, 2)
        changed = self.conv2(functional.relu(self.conv1(features)))
        return changed + (self.shortcut(features) if self.halves else features)


class Widening(nn.Module):
    """What lies around, near and far."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, NARROW, 1)
        for number, dilation in enumerate(DILATIONS, start=1):
            conv = nn.Conv2d(NARROW, NARROW, 3, padding=dilation, dilation=dilation, bias=False)
            self.add_module(f"conv2_{number}", conv)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, h, w) to (B, 24, h, w)."""
        narrow = self.conv1(functional.relu(features))
        seen = [self.get_submodule(f"conv2_{number}")(narrow) for number in range(1, len(DILATIONS) + 1)]
        return torch.stack(seen).sum(0)


class Attention(nn.Module):
    """Which places count."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(NARROW, ATTENTION, 1)
        self.conv2 = nn.Conv2d(ATTENTION, 1, 3, padding=1, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """(B, 24, h, w) to the same, weighed."""
        return features * self.conv2(self.conv1(functional.relu(features))).sigmoid()


class Reducing(nn.Module):
    """Features to edges."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(NARROW, 1, 1)

    def forward(self, features: Tensor) -> Tensor:
        """(B, 24, h, w) to (B, 1, h, w)."""
        return self.conv(features)


class PiDiNet(nn.Module):
    """Edges at four scales, and of all of them."""

    def __init__(self) -> None:
        super().__init__()
        self.init_block = DifferenceConv(KINDS[0], 3, STAGES[0][0])
        before, layer = STAGES[0][0], 0
        for stage, (channels, count) in enumerate(STAGES, start=1):
            for number in range(1, count + 1):
                # The first layer is the one before the stages.
                layer += 1
                halves = stage > 1 and number == 1
                block = Block(KINDS[layer % len(KINDS)], before, channels, halves=halves)
                self.add_module(f"block{stage}_{number}", block)
                before = channels
        self.dilations = nn.ModuleList(Widening(channels) for channels, _ in STAGES)
        self.attentions = nn.ModuleList(Attention() for _ in STAGES)
        self.conv_reduces = nn.ModuleList(Reducing() for _ in STAGES)
        self.classifier = nn.Conv2d(len(STAGES), 1, 1)

    def forward(self, image: Tensor) -> Tensor:
        """BGR (B, 3, H, W) in 0…1 to edges (B, 1, H, W) in 0…1."""
        features, edges = self.init_block(image), []
        for stage, (_, count) in enumerate(STAGES):
            for number in range(1, count + 1):
                features = cast(Block, self.get_submodule(f"block{stage + 1}_{number}"))(features)
            seen = self.conv_reduces[stage](self.attentions[stage](self.dilations[stage](features)))
            edges.append(functional.interpolate(seen, image.shape[-2:], mode="bilinear", align_corners=False))
        return self.classifier(torch.cat(edges, 1)).sigmoid()


def softedge(inputs: PreprocessorInputs) -> Pixels:
    """Soft edges, white on black."""
    with lease(inputs, PiDiNet, inputs.weights[0]) as network:
        return to_grey(*run_padded(inputs, network, lambda image: network(image.flip(1)), 1 / 255))


def softedge_safe(inputs: PreprocessorInputs) -> Pixels:
    """Soft edges in few steps of brightness."""
    share = softedge(inputs).astype(np.float32) / 255
    return np.clip(np.floor(share * (SAFE_STEPS + 1)) / SAFE_STEPS * 255, 0, 255).astype(np.uint8)


def scribble(inputs: PreprocessorInputs) -> Pixels:
    """The edges as thin strokes."""
    return thin(softedge(inputs))


def sketch(inputs: PreprocessorInputs) -> Pixels:
    """Edges or none: what T2I-Adapter's sketch network was trained with."""
    return np.where(softedge(inputs) > 127, 255, 0).astype(np.uint8)
