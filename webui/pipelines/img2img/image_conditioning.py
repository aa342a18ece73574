"""What inpainting checkpoints read beside the latent: the mask and the picture without what it hides."""

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from webui.models.loaded_model import LoadedModel


def pixels_of(images: list[Image.Image]) -> Tensor:
    """Pictures (RGB) of one size as (B, 3, H, W) in 0…1."""
    array = np.stack([np.asarray(image, np.float32) for image in images]) / 255
    return torch.from_numpy(array).permute(0, 3, 1, 2).contiguous()


def condition_on_mask(
    sd: LoadedModel, pictures: Tensor, latent: Tensor, weight: float, mask: Tensor | None = None
) -> Tensor | None:
    """(B, 5, h, w) for pictures (B, 3, H, W) in 0…1, or None for checkpoints that read none.

    `mask` (1, 1, H, W) is 1 where the picture is hidden, by `weight`; None hides everything.
    """
    if not sd.is_inpainting:
        return None
    hidden = pictures.new_ones(1, 1, *pictures.shape[-2:]) if mask is None else mask.to(pictures)
    # Hidden parts are grey, 0 of -1…1.
    signed = pictures * 2 - 1
    seen = torch.lerp(signed, signed * (1 - hidden), weight)
    encoded = sd.encode((seen + 1) / 2)
    small = functional.interpolate(hidden, size=latent.shape[-2:]).to(encoded)
    return torch.cat([small.expand(len(encoded), -1, -1, -1), encoded], dim=1)


def condition_on_nothing(sd: LoadedModel, latent_shape: torch.Size | tuple[int, ...]) -> Tensor | None:
    """The same for pictures from noise (B, C, h, w): everything is hidden."""
    if not sd.is_inpainting:
        return None
    count, _, height, width = latent_shape
    pixels = sd.vae.latent_pixels
    grey = torch.full((1, 3, height * pixels, width * pixels), 0.5)
    encoded = sd.encode(grey)
    return functional.pad(encoded, (0, 0, 0, 0, 1, 0), value=1.0).expand(count, -1, -1, -1)


def mask_tensor(mask: Image.Image, *, rounds: bool) -> Tensor:
    """A mask (mode L) as (1, 1, H, W) in 0…1."""
    values = torch.from_numpy(np.asarray(mask.convert("L"), np.float32) / 255)[None, None]
    return torch.round(values) if rounds else values
