"""Masks, overlays and colours, as functions of A1111's signatures over our own."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from webui.core.errors import InvalidRequest
from webui.pipelines.img2img.colours import Lab, measure_colours
from webui.pipelines.img2img.colours import correct_colours as correct
from webui.pipelines.img2img.masks import Region, drawn_mask, fill_masked, shaped
from webui.pipelines.img2img.resize import resize

# Left, top, right and bottom; the last two are outside.
Box = tuple[int, int, int, int]


def correct_colours(correction: Lab, original_image: Image.Image) -> Image.Image:
    """A picture in the colours that were measured of another."""
    return correct(original_image, correction)


def create_binary_mask(image: Image.Image, round: bool = True) -> Image.Image:
    """The mask (mode L) that a drawn picture stands for."""
    return drawn_mask(image, rounds=round)


def crop_region(mask: Any, pad: int = 0) -> Box:  # noqa: ANN401 - an array or a picture
    """The masked part with `pad` pixels around it. A blank mask gives a box of nothing."""
    image = mask if isinstance(mask, Image.Image) else Image.fromarray(np.asarray(mask))
    found = crop_region_of_mask(image, pad)
    if found is not None:
        return found
    # A1111 measures a blank mask from both sides, which cross.
    width, height = image.size
    return max(width - pad, 0), max(height - pad, 0), min(pad, width), min(pad, height)


def crop_region_of_mask(mask: Image.Image, pad: int = 0) -> Box | None:
    """The same; None for a blank mask."""
    picture = mask if isinstance(mask, Image.Image) else Image.fromarray(np.asarray(mask))
    box = picture.convert("L").getbbox()
    if box is None:
        return None
    left, top, right, bottom = box
    return (
        max(left - pad, 0),
        max(top - pad, 0),
        min(right + pad, picture.width),
        min(bottom + pad, picture.height),
    )


def expand_region(
    crop_region: Sequence[int],
    processing_width: int,
    processing_height: int,
    image_width: int,
    image_height: int,
) -> Box:
    """A box grown to the shape of what is made, as far as the picture has room."""
    left, top, right, bottom = (int(each) for each in crop_region)
    if right <= left or bottom <= top:
        raise InvalidRequest("The mask is blank, so there is no part of the picture to work on.")
    grown = shaped(
        Region(left, top, right, bottom), processing_width / processing_height, (image_width, image_height)
    )
    return grown.left, grown.top, grown.right, grown.bottom


def fill(image: Image.Image, mask: Image.Image) -> Image.Image:
    """The picture with what is masked filled by the colours around."""
    return fill_masked(image.convert("RGB"), mask.convert("L"))


def uncrop(image: Image.Image, dest_size: tuple[int, int], paste_loc: Sequence[int]) -> Image.Image:
    """A picture at its place (left, top, width, height) in a clear one."""
    left, top, width, height = (int(each) for each in paste_loc)
    whole = Image.new("RGBA", dest_size)
    whole.paste(resize(image, width, height, "Crop and resize"), (left, top))
    return whole


def apply_overlay(
    image: Image.Image,
    paste_loc: Sequence[int] | None,
    overlay: Any,  # noqa: ANN401 - a picture, or in older versions the picture's number
    overlays: Sequence[Image.Image] | None = None,
) -> Any:  # noqa: ANN401 - the picture, in newer versions with the one before
    """The picture with the original laid around it.

    Since version 1.8: (image, paste_loc, overlay) -> (picture, original).
    Before: (image, paste_loc, index, overlays) -> picture.
    """
    is_old = isinstance(overlay, int)
    around = (overlays[overlay] if overlays and overlay < len(overlays) else None) if is_old else overlay
    if around is None:
        return image if is_old else (image, image.copy())
    original = image if paste_loc is None else uncrop(image, around.size, paste_loc)
    covered = original.convert("RGBA")
    covered.alpha_composite(around.convert("RGBA"))
    made = covered.convert("RGB")
    return made if is_old else (made, original.copy())


__all__ = ["Box", "apply_overlay", "correct_colours", "crop_region", "measure_colours"]
