"""Pictures as networks are shown them: in RGB, turned as they are meant, on white, cut to their bucket."""

import contextlib
import io
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from PIL import Image, ImageOps
from PIL.JpegImagePlugin import JpegImageFile

from webui.core.errors import UnusableFile
from webui.store.files.regular_files import open_regular, read_regular
from webui.store.pictures.plain_pictures import make_plain
from webui.store.reading import MAX_FILE_BYTES, MAX_MEGAPIXELS, PICTURE_ERRORS, open_image
from webui.training.data.buckets import Placement, Size
from webui.training.data.dataset import Crop

ORIENTATION = 0x0112
# How each of EXIF's orientations is turned upright; from the fifth, width and height change places.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
ON_ITS_SIDE = range(5, 9)
# Modes whose pixels may be averaged: a palette's may not, and transparent ones hide any colour.
REDUCIBLE = ("RGB", "L", "CMYK")
# A first, coarse reduction may leave so many times the size that is wanted, for a second, good one.
REDUCING_GAP = 3.0
JPEG_BEGIN = b"\xff\xd8\xff"
# JPEG decodes at an eighth of its sides, so that larger ones than others fit in memory.
MAX_JPEG_MEGAPIXELS = 4000
MAX_JPEG_SCALE = 8


@dataclass(frozen=True, slots=True, eq=False)
class ShownPicture:
    """A picture in RGB; `alpha` (L) where it has transparent parts, which are white in it.

    `size` is what it has on disk, turned upright; `image` may be smaller. `frames` are an animation's.
    """

    image: Image.Image
    alpha: Image.Image | None
    size: Size
    frames: int


def open_shown(path: Path, wanted: Size | None = None) -> ShownPicture:
    """The picture, or its first frame; not much larger than `wanted` where that saves memory.

    Raises UnusableFile.
    """
    with open_any_size(path) as (image, size):
        frames = 1 if image.format == "MPO" else int(getattr(image, "n_frames", 1))
        orientation = image.getexif().get(ORIENTATION, 1)
        target = turn_size(wanted, orientation) if wanted else None
        if target and image.size == size:
            # A JPEG is decoded at a half, a quarter or an eighth; other formats pass over it.
            image.draft(None, target)
        image.load()
        plain = make_plain(reduce(image, target) if target else image)
        if orientation in TURNS:
            plain = plain.transpose(TURNS[orientation])
        return ShownPicture(*lay_on_white(plain), turn_size(size, orientation), frames)


def lay_on_white(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """The picture in RGB without transparency, and its alpha, None where everything is opaque."""
    if not image.has_transparency_data:
        return image.convert("RGB"), None
    image = image.convert("RGBA")
    alpha = image.getchannel("A")
    if alpha.getextrema() == (255, 255):
        return image.convert("RGB"), None
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB"), alpha


@contextlib.contextmanager
def open_any_size(path: Path) -> Generator[tuple[Image.Image, Size]]:
    """As `open_image`, with the size on disk; JPEGs beyond Pillow's limit are decoded smaller.

    Raises UnusableFile.
    """
    data = read_large_jpeg(path)
    if data is None:
        with open_image(path) as image:
            yield image, image.size
        return
    try:
        with JpegImageFile(io.BytesIO(data)) as image:
            size = image.size
            if image.width * image.height > MAX_JPEG_MEGAPIXELS * 1e6:
                raise UnusableFile(
                    f"{path.name} has too many pixels: at most {MAX_JPEG_MEGAPIXELS} megapixels can be read."
                )
            image.draft(None, (image.width // MAX_JPEG_SCALE, image.height // MAX_JPEG_SCALE))
            yield image, size
    except PICTURE_ERRORS as error:
        raise UnusableFile(
            f"{path.name} is damaged and cannot be read. Save or download it again."
        ) from error


def read_large_jpeg(path: Path) -> bytes | None:
    """A JPEG that Pillow refuses for its size, None for everything else."""
    try:
        with open_regular(path) as file:
            if file.read(len(JPEG_BEGIN)) != JPEG_BEGIN:
                return None
            file.seek(0)
            with JpegImageFile(file) as image:
                if image.width * image.height <= MAX_MEGAPIXELS * 1e6:
                    return None
        return read_regular(path, MAX_FILE_BYTES)
    except PICTURE_ERRORS:
        # Whoever opens it next says what is wrong.
        return None


def turn_size(size: Size, orientation: int) -> Size:
    """A size as it is when a picture of that orientation is turned upright, or back."""
    width, height = size
    return (height, width) if orientation in ON_ITS_SIDE else size


def reduce(image: Image.Image, target: Size) -> Image.Image:
    """The picture by a whole factor smaller where it stays well above `target`; its colours as they were."""
    factors = [side / max(least, 1) / REDUCING_GAP for side, least in zip(image.size, target, strict=True)]
    factor = int(min(factors))
    return image.reduce(factor) if factor > 1 and image.mode in REDUCIBLE else image


def choose_offset(placement: Placement, crop: Crop, picture: Image.Image | None, random: Random) -> Size:
    """Left and top of the cut, in pixels of the resized picture. Only `focal` looks at the picture."""
    if crop == "random":
        return random.randint(0, placement.slack_x), random.randint(0, placement.slack_y)
    if crop == "focal" and picture is not None:
        # Loads numpy and OpenCV.
        from webui.training.data.focal import find_offset

        return find_offset(picture, placement)
    return placement.slack_x // 2, placement.slack_y // 2


def cut(image: Image.Image, placement: Placement, offset: Size, *, flip: bool = False) -> Image.Image:
    """The part of a picture that its bucket shows, resized at once; mirrored if `flip`."""
    scale_x, scale_y = (now / full for now, full in zip(image.size, placement.resized, strict=True))
    left, top = offset
    width, height = placement.bucket
    box = (left * scale_x, top * scale_y, (left + width) * scale_x, (top + height) * scale_y)
    box = (max(box[0], 0), max(box[1], 0), min(box[2], image.width), min(box[3], image.height))
    shown = image.resize(placement.bucket, Image.Resampling.LANCZOS, box=box, reducing_gap=REDUCING_GAP)
    return ImageOps.mirror(shown) if flip else shown
