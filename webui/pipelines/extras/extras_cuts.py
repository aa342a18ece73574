"""Pictures cut for data sets: long ones into several, others around what the eye goes to.

The rules and weights are those of A1111 1.10.1.
"""

import logging
import math
from itertools import product

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageOps

from webui.core.errors import ModelNotFound
from webui.core.work.extras_request import FocalCrop, SizedCrop, SplitOversized
from webui.models.images.face_restorers import FaceRestorers

logger = logging.getLogger(__name__)
Point = tuple[float, float]
Size = tuple[int, int]
# Corners are looked for above this share of the height: watermarks stand below.
ABOVE_WATERMARKS = 0.9
MOST_CORNERS, CORNER_QUALITY, CORNER_DISTANCE = 100, 0.04, 0.06
# The busiest part is looked for in steps of so many pixels.
ENTROPY_STEP = 4
# Between the sizes that a crop chooses from.
SIZE_STEP = 64
BICUBIC = Image.Resampling.BICUBIC


def split_oversized(image: Image.Image, target: Size, split: SplitOversized) -> list[Image.Image]:
    """Parts of the target's size that overlap, along the longer side; one part if it is not so long."""
    width, height = target
    is_tall = image.height > image.width
    kept = image.width * height / (image.height * width)
    if (kept if is_tall else 1 / kept) > split.threshold:
        return [image]
    if is_tall:
        image = image.resize((width, max(image.height * width // image.width, 1)), BICUBIC)
    else:
        image = image.resize((max(image.width * height // image.height, 1), height), BICUBIC)
    length, part = (image.height, height) if is_tall else (image.width, width)
    count = max(math.ceil((length - part * split.overlap) / (part * (1 - split.overlap))), 1)
    step = (length - part) / max(count - 1, 1)
    begins = [int(step * number) for number in range(count)]
    return [
        image.crop((0, begin, width, begin + part) if is_tall else (begin, 0, begin + part, height))
        for begin in begins
    ]


def focal_crop(image: Image.Image, target: Size, crop: FocalCrop, faces: FaceRestorers) -> Image.Image:
    """The part of the target's size around the focal point, of the picture made just large enough."""
    width, height = target
    scale = max(width / image.width, height / image.height)
    size = (max(round(image.width * scale), width), max(round(image.height * scale), height))
    image = image.resize(size, BICUBIC)
    x, y = focal_point(image.convert("RGB"), target, crop, faces)
    left = min(max(round(x) - width // 2, 0), image.width - width)
    top = min(max(round(y) - height // 2, 0), image.height - height)
    return image.crop((left, top, left + width, top + height))


def find_crop_size(size: Size, crop: SizedCrop) -> Size | None:
    """The size that a picture of `size` is cut to; None where none of those allowed has about its shape."""
    sides = range(crop.min_side, crop.max_side + 1, SIZE_STEP)
    sizes = [
        (width, height)
        for width, height in product(sides, sides)
        if crop.min_area <= width * height <= crop.max_area
        and shape_error(size, (width, height)) <= crop.threshold
    ]

    def preference(found: Size) -> tuple[float, float]:
        area, error = found[0] * found[1], shape_error(size, found)
        return (area, -error) if crop.objective == "Maximize area" else (-error, area)

    return max(sizes, key=preference, default=None)


def shape_error(one: Size, other: Size) -> float:
    """How far two shapes differ: 0 for the same, near 1 for very unlike ones."""
    ratio = (one[0] * other[1]) / (one[1] * other[0])
    return 1 - min(ratio, 1 / ratio)


def sized_crop(image: Image.Image, size: Size) -> Image.Image:
    """The middle of a picture in another shape, at that size."""
    return ImageOps.fit(image, size, Image.Resampling.LANCZOS)


def focal_point(image: Image.Image, target: Size, crop: FocalCrop, faces: FaceRestorers) -> Point:
    """Where the eye goes: the weighted mean of corners, the busiest part and faces, else the middle."""
    kinds = [
        (crop.edges_weight, corner_points),
        (crop.entropy_weight, lambda picture: busiest_points(picture, target)),
        (crop.face_weight, lambda picture: face_points(picture, faces)),
    ]
    weighted = [(weight, points) for weight, find in kinds if weight > 0 and (points := find(image))]
    total = sum(weight for weight, _ in weighted)
    if not total:
        return image.width / 2, image.height / 2
    means = np.stack([weight * np.mean(points, axis=0) for weight, points in weighted])
    x, y = means.sum(axis=0) / total
    return float(x), float(y)


def corner_points(image: Image.Image) -> list[Point]:
    """Corners of what is seen (Shi and Tomasi 1994)."""
    grey = image.convert("L")
    ImageDraw.Draw(grey).rectangle((0, grey.height * ABOVE_WATERMARKS, grey.width, grey.height), fill="#999")
    distance = min(grey.size) * CORNER_DISTANCE
    found = cv2.goodFeaturesToTrack(np.asarray(grey), MOST_CORNERS, CORNER_QUALITY, distance)
    return [] if found is None else [(float(x), float(y)) for x, y in found.reshape(-1, 2)]


def busiest_points(image: Image.Image, target: Size) -> list[Point]:
    """The middle of the part of the target's size whose dithered pixels are most evenly black and white."""
    if image.width == image.height:
        return []
    width, height = target
    dithered = np.asarray(image.convert("1"), np.int64)
    along = 1 if image.width > image.height else 0
    span = width if along else height
    # Whites in each part, by sums from the beginning.
    sums = np.concatenate([[0], np.cumsum(dithered.sum(axis=1 - along))])
    begins = np.arange(0, max(len(sums) - span, 1), ENTROPY_STEP)
    ends = np.minimum(begins + span, len(sums) - 1)
    share = (sums[ends] - sums[begins]) / ((ends - begins) * dithered.shape[1 - along])
    best = int(begins[np.argmax(entropy(share))])
    return [(best + width / 2, height / 2) if along else (width / 2, best + height / 2)]


def entropy(share: np.ndarray) -> np.ndarray:
    """Of two kinds of pixels, in bits, by the share of one."""
    inside = np.clip(share, 1e-9, 1 - 1e-9)
    return -(inside * np.log2(inside) + (1 - inside) * np.log2(1 - inside))


def face_points(image: Image.Image, faces: FaceRestorers) -> list[Point]:
    """The middle of each face; none where nothing finds faces."""
    try:
        found = faces.find(np.asarray(image))
    except ModelNotFound as error:
        logger.debug("%s", error)
        return []
    return [(float(x), float(y)) for x, y in (points.mean(axis=0) for points in found)]
