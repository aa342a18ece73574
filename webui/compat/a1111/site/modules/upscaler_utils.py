# pyright: basic
"""Networks over pictures in tiles."""

import numpy as np
import torch
from PIL import Image

from webui.compat.a1111.facades import tensors
from webui.compat.a1111.facades.stand_ins import absent

__all__ = ["np"]

pil_image_to_torch_bgr = tensors.to_bgr
torch_bgr_to_pil_image = tensors.from_bgr


def upscale_pil_patch(model, img: Image.Image) -> Image.Image:
    """One run of a network over a picture."""
    return tensors.run_network(model, img)


def upscale_with_model(model, img, *, tile_size, tile_overlap=0, desc="tiled upscale") -> Image.Image:
    """A network over a picture, in tiles of so many pixels; 0 is none."""
    return tensors.run_in_tiles(model, img, tile_size, tile_overlap)


def upscale_2(img, model, *, tile_size, tile_overlap, scale, desc):
    """The same, of a picture (H, W, 3) RGB as an array."""
    picture = Image.fromarray(np.asarray(img, np.uint8))
    return np.asarray(tensors.run_in_tiles(model, picture, tile_size, tile_overlap))


def tiled_upscale_2(
    img: torch.Tensor, model, *, tile_size, tile_overlap, scale, device, desc="Tiled upscale"
):
    """The same, of a tensor (B, 3, H, W) in 0…1."""
    return tensors.run_tensor_in_tiles(model, img, tile_size, tile_overlap, scale)


def __getattr__(name):
    absent("modules.upscaler_utils", name)
