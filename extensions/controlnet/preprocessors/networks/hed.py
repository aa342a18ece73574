"""Holistically nested edges (Xie and Tu 2015) in the form that ControlNet's authors trained (Apache-2.0)."""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from extensions.controlnet.preprocessors.inputs import PreprocessorInputs
from extensions.controlnet.preprocessors.lines import thin
from extensions.controlnet.preprocessors.networks.leased import lease, run_padded, to_grey
from extensions.controlnet.preprocessors.pixels import Pixels

# Channels before and after, and how many convolutions, of each block.
BLOCKS = ((3, 64, 2), (64, 128, 2), (128, 256, 3), (256, 512, 3), (512, 512, 3))
# In how many steps the "safe" edges fall off.
SAFE_STEPS = 2


class Block(nn.Module):
    """Convolutions, and the edges that are seen at this scale."""

    def __init__(self, before: int, after: int, count: int) -> None:
        super().__init__()
        channels = [before, *[after] * count]
        self.convs = nn.ModuleList(
            nn.Conv2d(channels[index], channels[index + 1], 3, padding=1) for index in range(count)
        )
        self.projection = nn.Conv2d(after, 1, 1)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Features, and edges (B, 1, h, w) before the sigmoid."""
        for conv in self.convs:
            features = functional.relu(conv(features))
        return features, self.projection(features)


class EdgeNetwork(nn.Module):
    """Edges at five scales, each half as large as the one before."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.Parameter(torch.zeros(1, 3, 1, 1))
        for number, sizes in enumerate(BLOCKS, start=1):
            self.add_module(f"block{number}", Block(*sizes))

    def forward(self, image: Tensor) -> Tensor:
        """RGB (B, 3, H, W) in 0…255 to edges (B, 1, H, W) in 0…1."""
        features, edges = image - self.norm, []
        for number in range(1, len(BLOCKS) + 1):
            if number > 1:
                features = functional.max_pool2d(features, 2)
            features, seen = cast(Block, self.get_submodule(f"block{number}"))(features)
            edges.append(functional.interpolate(seen, image.shape[-2:], mode="bilinear", align_corners=False))
        return torch.cat(edges, 1).mean(1, keepdim=True).sigmoid()


def softedge(inputs: PreprocessorInputs) -> Pixels:
    """Soft edges, white on black."""
    with lease(inputs, EdgeNetwork, inputs.weights[0]) as network:
        return to_grey(*run_padded(inputs, network, network))


def softedge_safe(inputs: PreprocessorInputs) -> Pixels:
    """Soft edges in few steps of brightness: what is faint, and could tell of what was there, is gone."""
    share = softedge(inputs).astype(np.float32) / 255
    stepped = np.floor(share * (SAFE_STEPS + 1)) / SAFE_STEPS
    return np.clip(stepped * 255, 0, 255).astype(np.uint8)


def scribble(inputs: PreprocessorInputs) -> Pixels:
    """The edges as thin strokes."""
    return thin(softedge(inputs))
