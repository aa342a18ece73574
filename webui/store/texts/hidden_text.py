"""Text hidden in the lowest bits of a picture's colours or alpha ("stealth PNG info", also NovelAI's)."""

import gzip
import io
import zlib
from typing import NamedTuple

from PIL import Image

MARK_BYTES = 15
LENGTH_BYTES = 4
MAX_HIDDEN_BYTES = 4_000_000
# Larger pictures are left alone: looking costs a pass over all of their pixels.
MAX_HIDDEN_PIXELS = 40_000_000


class Hiding(NamedTuple):
    """Where a mark says that a text is: in which channels, and whether it is compressed."""

    channels: str
    is_compressed: bool


HIDINGS = {
    b"stealth_pnginfo": Hiding("A", False),
    b"stealth_pngcomp": Hiding("A", True),
    b"stealth_rgbinfo": Hiding("RGB", False),
    b"stealth_rgbcomp": Hiding("RGB", True),
}


def read_hidden_text(image: Image.Image) -> str | None:
    """The text hidden in a picture, column by column; None if there is none."""
    if image.mode not in ("RGB", "RGBA") or image.format not in ("PNG", "WEBP"):
        return None
    if image.width * image.height > MAX_HIDDEN_PIXELS:
        return None
    for channels in ("A", "RGB") if image.mode == "RGBA" else ("RGB",):
        hiding = HIDINGS.get(_first_bytes(image, channels, MARK_BYTES))
        if hiding is not None and hiding.channels == channels:
            return _read_after_mark(image, hiding)
    return None


def _read_after_mark(image: Image.Image, hiding: Hiding) -> str | None:
    head = _first_bytes(image, hiding.channels, MARK_BYTES + LENGTH_BYTES)
    length = int.from_bytes(head[MARK_BYTES:]) // 8
    if not 0 < length <= MAX_HIDDEN_BYTES:
        return None
    data = _first_bytes(image, hiding.channels, len(head) + length)[len(head) :]
    try:
        return (_unpack(data) if hiding.is_compressed else data).decode() or None
    except (OSError, EOFError, zlib.error, UnicodeDecodeError):
        return None


def _first_bytes(image: Image.Image, channels: str, count: int) -> bytes:
    """Bytes made of the lowest bits, down the columns from the left; fewer where the picture ends."""
    per_column = image.height * len(channels)
    columns = min(-(-count * 8 // per_column), image.width)
    part = image.crop((0, 0, columns, image.height))
    part = part.getchannel("A") if channels == "A" else part.convert("RGB")
    values = part.transpose(Image.Transpose.TRANSPOSE).tobytes()[: count * 8]
    whole = len(values) // 8
    ones = values[: whole * 8].translate(_LOWEST_BIT)
    return int(ones or b"0", 2).to_bytes(whole)


def _unpack(data: bytes) -> bytes:
    """gzip, up to the size a text may have."""
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
        return file.read(MAX_HIDDEN_BYTES)


# Of each value its lowest bit, as a digit.
_LOWEST_BIT = bytes(b"01"[value & 1] for value in range(256))
