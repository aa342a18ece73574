"""Pictures as bytes, with the infotext inside.

PNG holds it in a text chunk, the others in EXIF as UserComment, both where A1111 1.10.1 puts them.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from webui.core.errors import StorageError
from webui.core.settings import PictureFormat, Saving

LARGEST_SIDE = {"png": 2**31 - 1, "jpg": 65_500, "webp": 16_383, "avif": 65_536}
MODES = {
    "png": ("1", "L", "LA", "I", "I;16", "P", "RGB", "RGBA"),
    "jpg": ("L", "RGB"),
    "webp": ("RGB", "RGBA"),
    "avif": ("L", "RGB", "RGBA"),
}
EXIF_IFD, USER_COMMENT = 0x8769, 0x9286
UTF16_MARK = b"UNICODE\0"
# Level 4 takes a third of the time of Pillow's default 6 and makes files 3 % larger (1024x1024 photo).
PNG_COMPRESS_LEVEL = 4
# One JPEG segment holds 65,533 bytes; the rest is EXIF's own.
MAX_JPEG_COMMENT_BYTES = 65_000
# From 0 (best) to 10: libavif's own default.
AVIF_SPEED = 6


@dataclass(frozen=True, slots=True)
class PictureNotes:
    """Text to be kept in a picture: the infotext under `section`, and further items (PNG only).

    `caption` goes into a text file beside it.
    """

    infotext: str | None = None
    items: Mapping[str, str] = field(default_factory=dict[str, str])
    section: str = "parameters"
    caption: str = ""


def encode(
    image: Image.Image,
    format: PictureFormat,
    notes: PictureNotes | None = None,
    *,
    quality: int = 80,
    lossless: bool = False,
) -> bytes:
    """The whole file. `quality` 1 to 100 matters to jpg, webp and avif; `lossless` to webp."""
    notes, file = notes or PictureNotes(), io.BytesIO()
    image = in_mode_for(image, format)
    try:
        if format == "png":
            image.save(file, "PNG", pnginfo=png_notes(notes), compress_level=PNG_COMPRESS_LEVEL)
        elif format == "webp":
            image.save(file, "WEBP", quality=quality, lossless=lossless, exact=lossless, exif=exif(notes))
        elif format == "avif":
            image.save(file, "AVIF", quality=quality, speed=AVIF_SPEED, exif=exif(notes))
        else:
            image.save(file, "JPEG", quality=quality, exif=exif(notes))
    except (ValueError, OSError) as error:
        width, height = image.size
        raise StorageError(
            f"The picture of {width}x{height} cannot be written as {format}: {error}. "
            "Choose png as the file format in the settings."
        ) from error
    return file.getvalue()


def encode_as_set(image: Image.Image, format: PictureFormat, notes: PictureNotes, saving: Saving) -> bytes:
    """The whole file, with the quality and the infotext switch of the settings."""
    if not saving.enable_pnginfo:
        notes = PictureNotes()
    return encode(image, format, notes, quality=saving.jpeg_quality, lossless=saving.webp_lossless)


def fits(image: Image.Image, format: PictureFormat) -> bool:
    """Whether the format can hold a picture of that size."""
    return max(image.size) <= LARGEST_SIDE[format]


def infotext_fits(infotext: str | None, format: PictureFormat) -> bool:
    """Whether the format can hold an infotext of that length."""
    return format != "jpg" or len(user_comment(infotext or "")) <= MAX_JPEG_COMMENT_BYTES


def in_mode_for(image: Image.Image, format: PictureFormat) -> Image.Image:
    """The picture in colours that the format can hold."""
    if image.mode in MODES[format]:
        return image
    if image.mode.startswith("I"):
        # 16 bits to 8.
        return image.point(lambda value: value / 257).convert("L" if format == "jpg" else "RGB")
    keeps_alpha = image.has_transparency_data and "RGBA" in MODES[format]
    return image.convert("RGBA" if keeps_alpha else "RGB")


def png_notes(notes: PictureNotes) -> PngInfo:
    """Text chunks: Latin-1 where that is enough, else UTF-8 (tEXt and iTXt of the PNG specification)."""
    chunks = PngInfo()
    infotext = {} if notes.infotext is None else {notes.section: notes.infotext}
    for key, text in [*notes.items.items(), *infotext.items()]:
        if is_ambiguous(replace_unwritable(text)):
            chunks.add_itxt(key, replace_unwritable(text))
        else:
            chunks.add_text(key, replace_unwritable(text))
    return chunks


def is_ambiguous(text: str) -> bool:
    """Whether a text would be taken for UTF-8, which other programs write, where it stands in Latin-1."""
    try:
        return text.encode("latin-1").decode() != text
    except UnicodeError:
        return False


def exif(notes: PictureNotes) -> bytes:
    """EXIF data with the infotext as UserComment; empty without one."""
    if notes.infotext is None:
        return b""
    block = Image.Exif()
    block.get_ifd(EXIF_IFD)[USER_COMMENT] = user_comment(notes.infotext)
    return block.tobytes()


def user_comment(infotext: str) -> bytes:
    """EXIF's UserComment in Unicode, big-endian, which piexif and so A1111 write and expect."""
    return UTF16_MARK + replace_unwritable(infotext).encode("utf-16-be")


def replace_unwritable(text: str) -> str:
    """Text that every reader gets back.

    Without NUL, which ends strings, halves of characters, and byte order marks at the start, which get lost.
    """
    whole = text.encode("utf-16", errors="surrogatepass").decode("utf-16", errors="replace")
    return whole.replace("\0", "").lstrip("\ufeff\ufffe")
