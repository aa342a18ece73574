"""What a picture file tells of how it was made, and the picture itself; the file may be anything."""

import contextlib
import io
import logging
import struct
import zlib
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageOps, UnidentifiedImageError

from webui.core.errors import UnusableFile
from webui.core.foreign.programs import infotext_of_items, infotext_of_text
from webui.core.infotext_syntax import as_json_object
from webui.store.texts.hidden_text import read_hidden_text
from webui.store.texts.png_texts import PngTexts, read_png_texts, remove_texts
from webui.store.texts.user_comment import INFOTEXT_MARK, decode_user_comment, exif_texts
from webui.store.texts.xmp import xmp_texts

logger = logging.getLogger(__name__)

# Formats worth reading; Pillow's others include some that start programs (EPS) or are long abandoned.
FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "GIF", "BMP", "TIFF")
# Pillow's own limit, at which it raises DecompressionBombError; decoded, that is 700 MB.
MAX_MEGAPIXELS = 178
MAX_FILE_BYTES = 1_000_000_000
MAX_TEXT_FILE_BYTES = 1_000_000
# What Pillow is known to raise on damaged files.
PICTURE_ERRORS = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    TypeError,
    LookupError,
    OverflowError,
    AttributeError,
    struct.error,
    zlib.error,
    RuntimeError,
    AssertionError,
)
# What Pillow, and PNG itself, call a packet of XMP.
XMP_KEYS = ("xmp", "XML:com.adobe.xmp")
# ComfyUI writes these two into a WebP's EXIF as "workflow:{...}".
COMFYUI_KEYS = ("prompt", "workflow")
# Entries of Pillow's that say nothing about how the picture was made.
TECHNICAL = frozenset({
    "jfif", "jfif_version", "jfif_unit", "jfif_density", "dpi", "exif", "loop", "background", "timestamp",
    "duration", "progressive", "progression", "icc_profile", "chromaticity", "photoshop", "transparency",
    "gamma", "srgb", "aspect", "mp", "mpoffset", "adobe", "adobe_transform", "version", "extension",
    "interlace", "compression", "bbox", "default_image", "disposal", "blend", "resolution", "sizes",
    *XMP_KEYS,
})  # fmt: skip


class PictureText(NamedTuple):
    """The infotext of a file, None if it has none, and whatever other texts it holds, by name."""

    infotext: str | None
    items: dict[str, str]


def read_infotext(source: Path | bytes) -> PictureText:
    """The texts in a picture, or in the .txt file beside it. Raises UnusableFile."""
    with open_image(source) as image:
        infotext, items = collect_texts(image, png_texts(source))
        if infotext is None:
            hidden = read_hidden_text(image)
            infotext = hidden and (infotext_of_text(hidden, image.size) or hidden)
    if infotext is None and isinstance(source, Path):
        infotext = read_text_beside(source)
    return PictureText(infotext, items)


def open_picture(source: Path | bytes) -> Image.Image:
    """The picture, decoded, turned as its EXIF asks. Raises UnusableFile, for animations too."""
    with open_image(source) as image:
        frames = getattr(image, "n_frames", 1)
        # Phones put a second view or a depth map behind a photo (MPO); the first is the photo.
        if frames > 1 and image.format != "MPO":
            raise UnusableFile(
                f"{name_of(source)} is an animation of {frames} frames. Save the frame that you want as PNG."
            )
        image.load()
        return ImageOps.exif_transpose(image)


@contextlib.contextmanager
def open_image(source: Path | bytes) -> Generator[Image.Image, None, None]:
    """Pillow's view of a file, its pixels not yet decoded; whatever is wrong with it becomes UnusableFile."""
    name = name_of(source)
    size = check_size(source)
    if not size:
        raise UnusableFile(f"{name} is empty. Perhaps its download or copy was interrupted; get it again.")
    try:
        with Image.open(as_pillow_opens(source), formats=FORMATS) as image:
            yield image
    except UnidentifiedImageError as error:
        raise UnusableFile(
            f"{name} is not a picture. PNG, JPEG, WebP, AVIF, GIF, BMP and TIFF can be read."
        ) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnusableFile(
            f"{name} has too many pixels: at most {MAX_MEGAPIXELS} megapixels can be read."
        ) from error
    except MemoryError as error:
        raise UnusableFile(
            f"{name} is too large for this machine's memory. Make it smaller first."
        ) from error
    except PICTURE_ERRORS as error:
        logger.debug("Cannot read %s", name, exc_info=True)
        raise UnusableFile(f"{name} is damaged and cannot be read. Save or download it again.") from error


def check_size(source: Path | bytes) -> int:
    """Bytes of the file. Raises UnusableFile if it cannot be a picture one would want to open."""
    if isinstance(source, bytes):
        return len(source)
    try:
        if not source.is_file():
            raise UnusableFile(f"There is no file {source}. Perhaps it was moved or deleted.")
        size = source.stat().st_size
    except (OSError, ValueError) as error:
        raise UnusableFile(
            f"{source} cannot be opened: {getattr(error, 'strerror', None) or error}."
        ) from error
    if size > MAX_FILE_BYTES:
        raise UnusableFile(
            f"{source.name} has {size // 10**9} GB, more than a picture can have. Choose another file."
        )
    return size


def name_of(source: Path | bytes) -> str:
    """How the file is called in sentences."""
    return source.name if isinstance(source, Path) else "The file"


def png_texts(source: Path | bytes) -> PngTexts | None:
    """The texts of a PNG; None for other files. Raises OSError."""
    if isinstance(source, bytes):
        return read_png_texts(io.BytesIO(source))
    with source.open("rb") as file:
        return read_png_texts(file)


def as_pillow_opens(source: Path | bytes) -> Path | io.BytesIO:
    """The file, or a copy of it without texts that would keep Pillow from opening it. Raises OSError."""
    found = png_texts(source)
    if found is not None and found.are_too_much_for_pillow:
        return io.BytesIO(remove_texts(source if isinstance(source, bytes) else source.read_bytes()))
    return io.BytesIO(source) if isinstance(source, bytes) else source


def collect_texts(image: Image.Image, png: PngTexts | None) -> PictureText:
    """Infotext and items, from PNG text, EXIF, XMP and comments. EXIF's comes first, as in A1111."""
    entries: dict[str, object] = {str(key): value for key, value in image.info.items()}
    if png is not None:
        entries = dict(png.texts)
    items = {
        key: text
        for key, value in entries.items()
        if key not in TECHNICAL and (text := as_text(value)) is not None
    }
    infotext, source = items.pop("parameters", None), "parameters"
    from_exif, others = exif_texts(image, PICTURE_ERRORS)
    from_xmp = read_xmp(image, entries)
    if from_exif:
        infotext, source = from_exif, "UserComment"
    elif (comment := items.get("comment")) and (image.format == "GIF" or INFOTEXT_MARK in comment):
        infotext = comment
    elif infotext is None:
        infotext = from_xmp.pop("parameters", None) or from_xmp.pop("UserComment", None)
    items = separate_graphs(from_xmp | items | others)
    return convert_foreign(infotext, source, items, image.size)


def convert_foreign(
    infotext: str | None, source: str, items: dict[str, str], size: tuple[int, int]
) -> PictureText:
    """The texts with what other programs wrote as infotext. JSON that is not understood is only an item."""
    if items.get("Software", "").startswith("NovelAI") and (by_novelai := infotext_of_items(items, size)):
        return PictureText(by_novelai, items)
    if infotext and as_json_object(infotext) is not None:
        items = items if (read := infotext_of_text(infotext, size)) else items | {source: infotext}
        infotext = read
    return PictureText(infotext or infotext_of_items(items, size), items)


def separate_graphs(items: dict[str, str]) -> dict[str, str]:
    """The items with ComfyUI's graphs taken out of the EXIF fields it borrows."""
    result = dict(items)
    for key in ("Make", "Model", "Description"):
        name, _, graph = result.get(key, "").partition(":")
        if name.lower() in COMFYUI_KEYS and graph.lstrip().startswith("{"):
            result[name.lower()] = graph
            del result[key]
    return result


def read_xmp(image: Image.Image, entries: Mapping[str, object]) -> dict[str, str]:
    """The texts in a picture's XMP, if it has any."""
    packets = [each.get(key) for each in (entries, image.info) for key in XMP_KEYS]
    packet = next((each for each in packets if isinstance(each, str | bytes)), "")
    return xmp_texts(packet)


def as_text(value: object) -> str | None:
    """An entry as text; None for what is no text."""
    if isinstance(value, bytes):
        return decode_user_comment(value) if len(value) <= MAX_TEXT_FILE_BYTES else None
    return str(value) if isinstance(value, str | int | float) else None


def read_text_beside(path: Path) -> str | None:
    """The infotext in the .txt file of the same name (`save_txt`)."""
    beside = path.with_suffix(".txt")
    try:
        if beside == path or not beside.is_file() or beside.stat().st_size > MAX_TEXT_FILE_BYTES:
            return None
        return beside.read_text(encoding="utf-8", errors="replace").removesuffix("\n") or None
    except OSError:
        return None
