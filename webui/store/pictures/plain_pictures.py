"""Pictures as every part of the program reads them: 8 bits, grey or RGB."""

from typing import NamedTuple

from PIL import Image

from webui.core.errors import UnusableFile
from webui.store.pictures.inputs import Inputs
from webui.store.reading import open_picture

# Browsers draw no larger side on a canvas.
MAX_SIDE = 16384
# What the rest of the program reads without a change of colours.
PLAIN_MODES = ("1", "L", "LA", "P", "RGB", "RGBA")
SIXTEEN_BITS = 65535


class InputPicture(NamedTuple):
    """A picture that is kept: what requests call it, and its size in pixels as it is shown."""

    reference: str
    width: int
    height: int


def keep_picture(inputs: Inputs, data: bytes) -> InputPicture:
    """Check a picture file and keep it: as it is where all parts of the program can read it."""
    image = open_picture(data)
    if max(image.size) > MAX_SIDE:
        raise UnusableFile(
            f"The picture has {image.width}x{image.height} pixels; a side can have {MAX_SIDE} at most. "
            "Make it smaller first."
        )
    reference = inputs.add(data) if image.mode in PLAIN_MODES else inputs.add_image(make_plain(image))
    return InputPicture(reference, image.width, image.height)


def make_plain(image: Image.Image) -> Image.Image:
    """The picture in 8 bits, grey or RGB, with its alpha if it has any."""
    if image.mode in PLAIN_MODES:
        return image
    if image.mode.startswith("I") or image.mode == "F":
        # Pillow would cut off what is over 255 instead of scaling it.
        top = SIXTEEN_BITS if image.mode.startswith("I") else 1
        return image.convert("F").point(lambda level: level * (255 / top) + 0).convert("L")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")
