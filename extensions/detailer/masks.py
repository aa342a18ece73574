"""From what a detector found to masks: which of them count, and how they are grown, moved and joined."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image, ImageChops, ImageDraw

from extensions.detailer.part import DetailerUnit


@dataclass(frozen=True, slots=True)
class Detection:
    """One thing that was found: left, top, right, bottom in pixels; how certain it is, 0…1; its outline
    (mode L, of the picture's size) where the detector gives one.
    """

    box: tuple[float, float, float, float]
    confidence: float
    outline: Image.Image | None = None

    @property
    def area(self) -> float:
        """Of the box, in pixels."""
        left, top, right, bottom = self.box
        return max(right - left, 0) * max(bottom - top, 0)


def make_masks(found: Sequence[Detection], size: tuple[int, int], unit: DetailerUnit) -> list[Image.Image]:
    """Masks (mode L, white where it is painted anew) of what counts, in the order in which it is painted."""
    masks = [shift_and_grow(draw(each, size), unit) for each in choose(found, size, unit)]
    masks = [mask for mask in masks if mask.getbbox() is not None]
    if unit.mask_merge_invert == "None" or not masks:
        return masks
    merged = masks[0]
    for mask in masks[1:]:
        merged = ImageChops.lighter(merged, mask)
    return [ImageChops.invert(merged) if unit.mask_merge_invert == "Merge and Invert" else merged]


def choose(found: Sequence[Detection], size: tuple[int, int], unit: DetailerUnit) -> list[Detection]:
    """Those that are certain enough and neither too small nor too large; of them the first k."""
    whole = size[0] * size[1]
    low, high = float(unit.mask_min_ratio) * whole, float(unit.mask_max_ratio) * whole
    kept = [each for each in found if each.confidence >= unit.confidence and low <= each.area <= high]
    if unit.mask_k and len(kept) > unit.mask_k:
        by_area = unit.mask_filter_method == "Area"
        best = sorted(kept, key=lambda each: -(each.area if by_area else each.confidence))[: unit.mask_k]
        kept = [each for each in kept if each in best]
    return kept


def draw(found: Detection, size: tuple[int, int]) -> Image.Image:
    """The outline, or the box, in white."""
    if found.outline is not None:
        return found.outline
    mask = Image.new("L", size)
    left, top, right, bottom = found.box
    if right > left and bottom > top:
        ImageDraw.Draw(mask).rectangle((left, top, right, bottom), fill=255)
    return mask


def shift_and_grow(mask: Image.Image, unit: DetailerUnit) -> Image.Image:
    """A mask moved to the right and up, then dilated or eroded."""
    if unit.x_offset or unit.y_offset:
        moved = Image.new("L", mask.size)
        moved.paste(mask, (unit.x_offset, -unit.y_offset))
        mask = moved
    if not unit.dilate_erode:
        return mask
    kernel = np.ones((abs(unit.dilate_erode),) * 2, np.uint8)
    change = cv2.dilate if unit.dilate_erode > 0 else cv2.erode
    return Image.fromarray(change(np.asarray(mask), kernel))
