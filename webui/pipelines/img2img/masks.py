"""Masks of inpainting: from a drawn picture to what the latent and the overlay need. White is made anew."""

import math
from functools import reduce
from itertools import chain, repeat
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps

from webui.core.request_parts import Inpainting

# A1111 cuts the blur's kernel here, in standard deviations.
KERNEL_REACH = 2.5
# Alpha above this is masked, of 255.
ALPHA_THRESHOLD = 128


class Coat(NamedTuple):
    """One blur of the colours around a mask, and how often it is laid on."""

    radius: int
    times: int


# A1111's coats, the widest first; the last is the picture itself.
FILL = (Coat(256, 1), Coat(64, 1), Coat(16, 2), Coat(4, 4), Coat(2, 2), Coat(0, 1))


class Region(NamedTuple):
    """A rectangle in pixels; right and bottom are outside."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.right - self.left, self.bottom - self.top


def drawn_mask(picture: Image.Image, *, rounds: bool) -> Image.Image:
    """A mask (mode L) from a picture: its alpha where it has any transparency, else its brightness."""
    if picture.mode != "RGBA" and picture.has_transparency_data:
        picture = picture.convert("RGBA")
    if picture.mode == "RGBA" and picture.getextrema()[-1] != (255, 255):
        alpha = picture.getchannel("A")
        return (
            alpha.point([255 if level > ALPHA_THRESHOLD else 0 for level in range(256)]) if rounds else alpha
        )
    return picture.convert("L")


def prepared_mask(picture: Image.Image, size: tuple[int, int], inpainting: Inpainting) -> Image.Image:
    """The mask (mode L) of an init picture of `size`: inverted and blurred as asked."""
    pixels = np.asarray(sized_mask(picture, size, inpainting))
    if inpainting.mask_blur_x > 0:
        pixels = cv2.GaussianBlur(pixels, (_kernel(inpainting.mask_blur_x), 1), inpainting.mask_blur_x)
    if inpainting.mask_blur_y > 0:
        pixels = cv2.GaussianBlur(pixels, (1, _kernel(inpainting.mask_blur_y)), inpainting.mask_blur_y)
    return Image.fromarray(pixels)


def sized_mask(picture: Image.Image, size: tuple[int, int], inpainting: Inpainting) -> Image.Image:
    """The mask (mode L) at `size`, inverted as asked."""
    mask = drawn_mask(picture, rounds=inpainting.rounds)
    if mask.size != size:
        mask = mask.resize(size, Image.Resampling.BILINEAR)
    return ImageOps.invert(mask) if inpainting.invert else mask


def _kernel(blur: int) -> int:
    return 2 * int(KERNEL_REACH * blur + 0.5) + 1


def masked_region(mask: Image.Image, padding: int, width: int, height: int) -> Region | None:
    """What to cut out for a picture of width x height: the masked area and more; None for a blank mask."""
    box = mask.getbbox()
    if box is None:
        return None
    left, top, right, bottom = box
    padded = Region(
        max(left - padding, 0),
        max(top - padding, 0),
        min(right + padding, mask.width),
        min(bottom + padding, mask.height),
    )
    return shaped(padded, width / height, mask.size)


def shaped(region: Region, ratio: float, size: tuple[int, int]) -> Region:
    """A region grown to the ratio of width to height as far as a picture of `size` has room."""
    width, height = region.size
    if width / height > ratio:
        top, bottom = grown(region.top, region.bottom, math.ceil(width / ratio - height), size[1])
        return Region(region.left, top, region.right, bottom)
    left, right = grown(region.left, region.right, math.ceil(height * ratio - width), size[0])
    return Region(left, region.top, right, region.bottom)


def grown(first: int, last: int, more: int, limit: int) -> tuple[int, int]:
    """A stretch of a line grown on both sides, moved inside 0…limit, cut where it is longer than that."""
    first, last = first - more // 2, last + more - more // 2
    if last >= limit:
        first, last = first - (last - limit), limit
    if first < 0:
        first, last = 0, last - first
    return first, min(last, limit)


def fill_masked(image: Image.Image, mask: Image.Image) -> Image.Image:
    """The picture (RGB) with the masked area filled by the colours around it, ever finer.

    In premultiplied pixels what is masked weighs nothing, so a blur spreads the unmasked colours alone.
    """
    unmasked = _without_masked(image, mask)

    def blurred(coat: Coat) -> Image.Image:
        return unmasked.filter(ImageFilter.GaussianBlur(coat.radius)).convert("RGBA")

    coats = chain.from_iterable(repeat(blurred(coat), coat.times) for coat in FILL)
    return reduce(Image.alpha_composite, coats, Image.new("RGBA", image.size)).convert("RGB")


def _without_masked(image: Image.Image, mask: Image.Image) -> Image.Image:
    """The picture where the mask is black, fading out with it, as premultiplied RGBa."""
    visible = Image.new("RGBa", image.size)
    visible.paste(image.convert("RGBA").convert("RGBa"), mask=ImageOps.invert(mask.convert("L")))
    return visible


def latent_mask(mask: Image.Image, size: tuple[int, int], *, rounds: bool) -> NDArray[np.float32]:
    """The mask at the latent's (width, height), as (h, w) in 0…1; 1 is made anew."""
    small = np.asarray(mask.convert("RGB").resize(size), np.float32)[..., 0] / np.float32(255)
    return np.around(small).astype(np.float32) if rounds else small


def overlay_mask(mask: Image.Image) -> Image.Image:
    """The mask by which the original is laid over the result: twice as opaque, so that it covers the blur."""
    doubled = np.clip(np.asarray(mask.convert("L"), np.float32) * 2, 0, 255)
    return Image.fromarray(doubled.astype(np.uint8))


def original_around(image: Image.Image, mask: Image.Image) -> Image.Image:
    """The picture (RGBA) where the mask is black, fading out with it."""
    return _without_masked(image, mask).convert("RGBA")
