"""Depth by the networks of transformers, from the file of weights alone: how large it is tells the rest."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from transformers import (
    DepthAnythingConfig,
    DepthAnythingForDepthEstimation,
    Dinov2Config,
    DPTConfig,
    DPTForDepthEstimation,
    PreTrainedConfig,
    PreTrainedModel,
)

from extensions.controlnet.preprocessors.inputs import PreprocessorInputs
from extensions.controlnet.preprocessors.networks.leased import (
    device_of,
    lease_filled,
    make_of_transformers,
)
from extensions.controlnet.preprocessors.pixels import Pixels, resize
from webui.plugins import UnusableFile

# By the width of Depth Anything's transformer: blocks, heads, which blocks are read, the neck's channels, and
# those of the fusion.
SIZES = {
    384: (12, 6, [3, 6, 9, 12], [48, 96, 192, 384], 64),
    768: (12, 12, [3, 6, 9, 12], [96, 192, 384, 768], 128),
    1024: (24, 16, [5, 12, 18, 24], [256, 512, 1024, 1024], 256),
}
CLS = "backbone.embeddings.cls_token"
Configure = Callable[[Mapping[str, Tensor]], PreTrainedConfig]
# How steep a surface is that faces halfway away, in what MiDaS measures.
STEEPNESS = 2 * math.pi


@dataclass(frozen=True, slots=True)
class Sort:
    """A sort of networks: its shorter side and patch in pixels, and the mean and spread of its colours."""

    kind: type[PreTrainedModel]
    configure: Configure
    side: int
    patch: int
    mean: tuple[float, float, float]
    spread: tuple[float, float, float]


def configure_depth_anything(tensors: Mapping[str, Tensor]) -> DepthAnythingConfig:
    """Depth Anything V2 (Yang et al. 2024) of the size that the tensors are of. Raises UnusableFile."""
    width = tensors[CLS].shape[-1] if CLS in tensors else 0
    if width not in SIZES:
        raise UnusableFile("The file is no Depth Anything of the size small, base or large.")
    layers, heads, stages, neck, fusion = SIZES[width]
    backbone = Dinov2Config(
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        image_size=518,
        patch_size=14,
        out_indices=stages,  # pyright: ignore[reportCallIssue] - of the base class, which is not typed
        reshape_hidden_states=False,
        apply_layernorm=True,
    )
    return DepthAnythingConfig(
        backbone_config=backbone,
        reassemble_hidden_size=width,
        neck_hidden_sizes=neck,
        fusion_hidden_size=fusion,
        patch_size=14,
    )


def configure_dpt(_: Mapping[str, Tensor]) -> DPTConfig:
    """MiDaS 3, DPT large (Ranftl et al. 2021)."""
    return DPTConfig(
        hidden_size=1024,
        intermediate_size=4096,
        num_hidden_layers=24,
        num_attention_heads=16,
        backbone_out_indices=[5, 11, 17, 23],
        neck_hidden_sizes=[256, 512, 1024, 1024],
    )


DEPTH_ANYTHING = Sort(
    DepthAnythingForDepthEstimation,
    configure_depth_anything,
    518,
    14,
    (0.485, 0.456, 0.406),
    (0.229, 0.224, 0.225),
)
DPT = Sort(DPTForDepthEstimation, configure_dpt, 384, 32, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
# The longer side is at most so many times the shorter: attention grows with its square.
LONGEST = 4


def depth_v2(inputs: PreprocessorInputs) -> Pixels:
    """By Depth Anything V2."""
    return stretch(find_depth(inputs, DEPTH_ANYTHING))


def midas(inputs: PreprocessorInputs) -> Pixels:
    """By MiDaS."""
    return stretch(find_depth(inputs, DPT))


def normal_midas(inputs: PreprocessorInputs) -> Pixels:
    """Which way surfaces face, by how MiDaS's depth changes; A is the share of it that is background."""
    return find_normals(find_depth(inputs, DPT).numpy(), inputs.threshold_a)


@torch.no_grad()
def find_depth(inputs: PreprocessorInputs, sort: Sort) -> Tensor:
    """How near things are (H, W), at the resolution, in the network's own measure."""
    path = inputs.weights[0]

    def fill(tensors: Mapping[str, Tensor]) -> nn.Module:
        return make_of_transformers(sort.kind, sort.configure(tensors), tensors, path.name)

    pixels = resize(inputs.pixels, inputs.resolution)
    with lease_filled(inputs, fill, path, __name__) as network:
        found = network(pixel_values=prepare(pixels, sort).to(device_of(network))).predicted_depth
    enlarged = functional.interpolate(found[None].float().cpu(), list(pixels.shape[:2]), mode="bicubic")
    return enlarged[0, 0]


def find_normals(depth: NDArray[np.float32], background: float) -> Pixels:
    """Normals of a depth (H, W), near being large: red faces left, green up, blue the camera, as ControlNet's
    normal networks were trained (Zhang et al. 2023). What is farther than a share of it faces the camera.
    """
    low, high = float(depth.min()), float(depth.max())
    is_near = (depth - low) / max(high - low, 1e-12) >= background
    across, down = (
        np.where(is_near, cv2.Sobel(depth, cv2.CV_32F, *axis, ksize=3), 0) for axis in ((1, 0), (0, 1))
    )
    ways = np.stack([across, down, np.full_like(depth, STEEPNESS)], 2)
    ways /= np.linalg.norm(ways, axis=2, keepdims=True)
    return np.clip(ways * 127.5 + 127.5, 0, 255).astype(np.uint8)


def prepare(pixels: Pixels, sort: Sort) -> Tensor:
    """A picture at the size and in the colours that the network knows: (1, 3, h, w)."""
    height, width = pixels.shape[:2]
    scale = sort.side / min(height, width)
    sides = [
        min(max(round(side * scale / sort.patch), 1), LONGEST * sort.side // sort.patch) * sort.patch
        for side in (height, width)
    ]
    tensor = torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)[None].float() / 255
    tensor = functional.interpolate(tensor, sides, mode="bicubic", antialias=True)
    return (tensor - torch.tensor(sort.mean).view(1, 3, 1, 1)) / torch.tensor(sort.spread).view(1, 3, 1, 1)


def stretch(values: Tensor) -> Pixels:
    """Values (H, W) to 0…255; where all are the same, to black."""
    low, high = float(values.min()), float(values.max())
    return ((values - low) / max(high - low, 1e-12) * 255).round().to(torch.uint8).numpy()
