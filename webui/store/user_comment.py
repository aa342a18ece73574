"""EXIF's UserComment and its relatives, in every spelling met in the wild.

The EXIF standard says eight bytes of character code, then the text, UTF-16 in the byte order of the file.
Programs disagree about the last part, and some leave the first away.
"""

import contextlib

from PIL import Image

EXIF_IFD = 0x8769
USER_COMMENT = 0x9286
MAKER_NOTE = 0x927C
MAKE, MODEL, DESCRIPTION, SOFTWARE = 0x010F, 0x0110, 0x010E, 0x0131
XP_COMMENT = 0x9C9C
CODE_BYTES = 8
# In every infotext; tells the byte order where the file lies about it.
INFOTEXT_MARK = "Steps:"


def exif_texts(image: Image.Image, errors: tuple[type[Exception], ...]) -> tuple[str | None, dict[str, str]]:
    """The comment of a picture, and other texts in its EXIF by name. Damaged EXIF is no EXIF."""
    comment: str | None = None
    items: dict[str, str] = {}
    with contextlib.suppress(*errors):
        exif = image.getexif()
        details = exif.get_ifd(EXIF_IFD)
        big_endian = exif.endian != "<"
        # Fooocus writes the comment, as plain text, outside of the block where it belongs.
        comment = as_comment(details.get(USER_COMMENT) or exif.get(USER_COMMENT), big_endian)
        if comment is None and isinstance(written := exif.get(XP_COMMENT), bytes):
            comment = written.decode("utf-16-le", errors="replace").rstrip("\0") or None
        scheme = details.get(MAKER_NOTE) or exif.get(MAKER_NOTE)
        if isinstance(scheme, str) and scheme:
            items["fooocus_scheme"] = scheme
        for tag, name in (
            (DESCRIPTION, "Description"),
            (SOFTWARE, "Software"),
            (MAKE, "Make"),
            (MODEL, "Model"),
        ):
            if isinstance(text := exif.get(tag), str) and text.strip("\0 "):
                items[name] = text.strip("\0 ")
    return comment, items


def as_comment(value: object, big_endian: bool) -> str | None:
    """A UserComment as text; None if there is none."""
    if isinstance(value, bytes):
        return decode_user_comment(value, big_endian) or None
    return value.rstrip("\0") or None if isinstance(value, str) else None


def decode_user_comment(data: bytes, big_endian: bool = True) -> str:
    """Text of a UserComment, with or without its character code."""
    code, text = data[:CODE_BYTES], data[CODE_BYTES:]
    if code.startswith(b"UNICODE"):
        return decode_utf16(text, big_endian)
    if code.startswith(b"JIS"):
        return text.decode("iso2022_jp", errors="replace").rstrip("\0")
    if code.startswith(b"ASCII\0") or code == b"\0" * CODE_BYTES:
        return decode_bytes(text)
    return decode_bytes(data)


def decode_utf16(data: bytes, big_endian: bool) -> str:
    """UTF-16 of either byte order: told by its mark, by which makes an infotext, or by the file."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace").rstrip("\0")
    big, little = (
        data.decode(encoding, errors="replace").rstrip("\0") for encoding in ("utf-16-be", "utf-16-le")
    )
    first, second = (big, little) if big_endian else (little, big)
    if INFOTEXT_MARK in first or INFOTEXT_MARK in second:
        return first if INFOTEXT_MARK in first else second
    # A1111 writes big-endian. Who moved its comment into a little-endian file may have left it so.
    return first if big_endian or latin_share(first) >= latin_share(second) else second


def latin_share(text: str) -> float:
    """How much of a text is plain Latin, 0 to 1."""
    return sum(" " <= character <= "~" for character in text) / max(len(text), 1)


def decode_bytes(data: bytes) -> str:
    """Bytes of no declared encoding: UTF-8, or Latin-1 where that fails."""
    data = data.rstrip(b"\0")
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")
