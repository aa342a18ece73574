"""Pictures on their way to a control network: chosen, cut, preprocessed and brought to a size."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from extensions.controlnet.units import ControlUnit, ResizeMode

# Fewer colours than this are labels, such as those of a segmentation, and must not be mixed.
FEW_COLOURS = 200
BLACK_AND_WHITE = 2
# A thin line keeps this much brightness when it is made smaller.
STILL_A_LINE = 63
HALF = 127
USUAL_RESOLUTION = 512

Preprocess = Callable[[Image.Image, int], Image.Image]


def to_rgb(image: Image.Image) -> Image.Image:
    """RGB; what is transparent becomes black."""
    if image.mode == "RGBA" or image.has_transparency_data:
        behind = Image.new("RGBA", image.size, "#000000")
        behind.alpha_composite(image.convert("RGBA"))
        image = behind
    return image.convert("RGB")


def to_mask(image: Image.Image) -> Image.Image:
    """Grey, by brightness, or by how opaque it is where it has transparency and no colour."""
    if image.mode == "RGBA":
        alpha = image.getchannel("A")
        if alpha.getextrema() != (255, 255):
            return alpha
    return image.convert("L")


def find_resolution(size: tuple[int, int], target: tuple[int, int], mode: ResizeMode) -> int:
    """The resolution at which no pixel is lost or invented: the short side of a picture (width, height)
    once it is brought to the target.
    """
    scales = target[0] / size[0], target[1] / size[1]
    scale = min(scales) if mode == "Resize and Fill" else max(scales)
    return max(1, round(scale * min(size)))


def choose_resolution(unit: ControlUnit, size: tuple[int, int], target: tuple[int, int]) -> int:
    """The resolution that a unit's preprocessor works at."""
    if unit.pixel_perfect:
        return find_resolution(size, target, unit.resize_mode)
    return unit.processor_res if unit.processor_res > 0 else USUAL_RESOLUTION


def resize(
    image: Image.Image, width: int, height: int, mode: ResizeMode, border: int | None = None
) -> Image.Image:
    """To exactly width x height: stretched, cut to cover, or fitted in with its border's colour around.

    `border` is the grey to be around it instead.
    """
    if image.size == (width, height):
        return image
    if mode == "Just Resize":
        return scale(image, width, height)
    factors = width / image.width, height / image.height
    factor = max(factors) if mode == "Crop and Resize" else min(factors)
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    scaled = scale(image, *size)
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    if mode == "Crop and Resize":
        return scaled.crop((-left, -top, width - left, height - top))
    canvas = Image.new(image.mode, (width, height), border_colour(image) if border is None else border)
    canvas.paste(scaled, (left, top))
    return canvas


def scale(image: Image.Image, width: int, height: int) -> Image.Image:
    """Resampled so that lines stay lines and labels stay labels."""
    if image.size == (width, height):
        return image
    colours = image.getcolors(FEW_COLOURS)
    is_smaller = width * height < image.width * image.height
    if colours is not None and len(colours) > BLACK_AND_WHITE:
        return image.resize((width, height), Image.Resampling.NEAREST)
    smooth = Image.Resampling.BOX if is_smaller else Image.Resampling.LANCZOS
    scaled = image.resize((width, height), smooth)
    if colours is None or {colour for _, colour in colours} - extremes(image):
        return scaled
    threshold = STILL_A_LINE if is_smaller else HALF
    return scaled.point([255 if level > threshold else 0 for level in range(256)] * len(scaled.getbands()))


def extremes(image: Image.Image) -> set[object]:
    """Black and white in a picture's mode."""
    bands = len(image.getbands())
    return {0, 255} if bands == 1 else {(0,) * bands, (255,) * bands}


def border_colour(image: Image.Image) -> tuple[int, ...]:
    """The median colour of the outermost pixels."""
    pixels = np.asarray(image)
    edges = [pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]
    border = np.concatenate([edge.reshape(len(edge), -1) for edge in edges])
    return tuple(int(value) for value in np.median(border, axis=0))


def to_tensor(image: Image.Image) -> Tensor:
    """(1, 3, H, W), 0…1, float32; a grey one (1, 1, H, W)."""
    pixels: NDArray[np.float32] = np.array(image, np.float32) / np.float32(255)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].contiguous()


def mark_masked(hint: Tensor, mask: Tensor) -> Tensor:
    """A hint (1, 3, H, W) with -1 where a mask (1, 1, H, W) says that it is to be made anew."""
    return torch.where(mask > 0.5, -torch.ones_like(hint), hint)
