"""Pictures as tensors, and networks run over them in tiles, as A1111's helpers for upscalers do."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor


def to_bgr(image: Image.Image) -> Tensor:
    """A picture as (3, H, W) in blue, green, red and 0…1."""
    pixels = np.asarray(image.convert("RGB"))[:, :, ::-1]
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))).float() / 255


def from_bgr(tensor: Tensor) -> Image.Image:
    """The picture of a tensor (3, H, W) or (1, 3, H, W) in blue, green, red."""
    if tensor.ndim == 4:
        tensor = tensor[0]
    pixels = (tensor.float().clamp(0, 1).cpu().numpy() * 255).round().astype(np.uint8)
    return Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)[:, :, ::-1]))


def network_of(model: Any) -> tuple[Any, Tensor | None]:  # noqa: ANN401 - a module or spandrel's descriptor
    """What computes, and one of its weights, which tells device and format."""
    module = getattr(model, "model", model)
    return model, next(iter(module.parameters()), None) if isinstance(module, torch.nn.Module) else None


@torch.inference_mode()
def run_network(model: Any, image: Image.Image) -> Image.Image:  # noqa: ANN401 - a module or spandrel's descriptor
    """One run of a network that takes and gives RGB in 0…1 over a picture."""
    compute, weight = network_of(model)
    tensor = to_bgr(image).flip(0).unsqueeze(0)
    if weight is not None:
        tensor = tensor.to(weight.device, weight.dtype)
    return from_bgr(compute(tensor)[0].flip(0))


def run_in_tiles(model: Any, image: Image.Image, tile: int, overlap: int) -> Image.Image:  # noqa: ANN401 - the same
    """The same in tiles of so many pixels (0: none), which fade into one another."""
    tensor = to_bgr(image).flip(0).unsqueeze(0)
    return from_bgr(run_tensor_in_tiles(model, tensor, tile, overlap)[0].flip(0))


@torch.inference_mode()
def run_tensor_in_tiles(
    model: Any,  # noqa: ANN401 - the same
    pixels: Tensor,
    tile: int,
    overlap: int,
    scale: int | None = None,
) -> Tensor:
    """A tensor (B, 3, H, W) through a network in tiles; the average where they overlap, on the CPU.

    `scale` is what the network does; None: told by the first tile.
    """
    compute, weight = network_of(model)

    def run(part: Tensor) -> Tensor:
        given = part if weight is None else part.to(weight.device, weight.dtype)
        return compute(given).float().cpu()

    height, width = pixels.shape[-2:]
    if tile <= 0 or (tile >= height and tile >= width):
        return run(pixels)
    whole: Tensor | None = None
    counted: Tensor | None = None
    for top in tile_starts(height, tile, overlap):
        for left in tile_starts(width, tile, overlap):
            made = run(pixels[..., top : top + tile, left : left + tile])
            scale = scale or made.shape[-1] // min(tile, width - left)
            if whole is None or counted is None:
                whole = torch.zeros(*pixels.shape[:2], height * scale, width * scale)
                counted = torch.zeros(1, 1, height * scale, width * scale)
            place = (
                ...,
                slice(top * scale, top * scale + made.shape[-2]),
                slice(left * scale, left * scale + made.shape[-1]),
            )
            whole[place] += made
            counted[place] += 1
    assert whole is not None and counted is not None, "there is a tile"
    return whole / counted


def tile_starts(length: int, tile: int, overlap: int) -> Iterator[int]:
    """Where tiles begin on a side of so many pixels; the last ends with the side."""
    step, last = max(tile - overlap, 1), max(length - tile, 0)
    yield from range(0, last, step)
    yield last
