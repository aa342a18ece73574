"""EXIF's UserComment and its relatives, in every spelling met in the wild.

The EXIF standard says eight bytes of character code, then the text, UTF-16 in the byte order of the file.
Programs disagree about the last part, and some leave the first away.
"""

import contextlib

from PIL import Image

EXIF_IFD = 0x8769
USER_COMMENT = 0x9286
MAKER_NOTE = 0x927C
DESCRIPTION = 0x010E
# Texts of bytes, and what they are called here.
NAMED_TEXTS = ((DESCRIPTION, "Description"), (0x0131, "Software"), (0x010F, "Make"), (0x0110, "Model"))
# Those that Windows writes, in little-endian UTF-16.
XP_COMMENT = 0x9C9C
XP_TEXTS = ((0x9C9B, "Title"), (0x9C9F, "Subject"), (0x9C9E, "Keywords"))
CODE_BYTES = 8
# In every infotext; identifies the byte order where the file lies about it.
INFOTEXT_MARK = "Steps:"
# Shorter texts of an unknown encoding tell too little.
FEWEST_TELLING_BYTES = 16
# Of a text in UTF-8 that was declared to be UTF-16, at least this share is plain Latin.
LATIN_SHARE = 0.7


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
        comment = comment or windows_text(exif.get(XP_COMMENT))
        scheme = details.get(MAKER_NOTE) or exif.get(MAKER_NOTE)
        if isinstance(scheme, str) and scheme:
            items["fooocus_scheme"] = scheme
        for tag, name in NAMED_TEXTS:
            if isinstance(text := exif.get(tag), str) and text.strip("\0 "):
                items[name] = mend_latin(text.strip("\0 "))
        for tag, name in XP_TEXTS:
            if text := windows_text(exif.get(tag)):
                items[name] = text
    return comment, items


def as_comment(value: object, big_endian: bool) -> str | None:
    """A UserComment as text; None if there is none."""
    if isinstance(value, bytes):
        return decode_user_comment(value, big_endian) or None
    return mend_latin(value.rstrip("\0")) or None if isinstance(value, str) else None


def windows_text(value: object) -> str | None:
    """One of the texts that Windows writes; None if there is none."""
    if not isinstance(value, bytes):
        return None
    return value.decode("utf-16-le", errors="replace").rstrip("\0") or None


def mend_latin(text: str) -> str:
    """A text of EXIF, which was read as Latin-1, as the UTF-8 that it is most often."""
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text


def decode_user_comment(data: bytes, big_endian: bool = True) -> str:
    """Text of a UserComment, with or without its character code."""
    code, text = data[:CODE_BYTES].upper(), data[CODE_BYTES:]
    if code.startswith(b"UNICODE"):
        return decode_utf16(text, big_endian)
    if code.startswith(b"JIS"):
        return decode_japanese(text)
    if code.startswith(b"ASCII\0") or code == b"\0" * CODE_BYTES:
        return decode_bytes(text)
    return decode_bytes(data)


def decode_utf16(data: bytes, big_endian: bool) -> str:
    """UTF-16 of either byte order: identified by its mark, by which makes an infotext, or by the file.

    Programs that write UTF-8 under the same code are known by what it would be as UTF-16.
    """
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace").rstrip("\0")
    big, little = (
        data.decode(encoding, errors="replace").rstrip("\0") for encoding in ("utf-16-be", "utf-16-le")
    )
    first, second = (big, little) if big_endian else (little, big)
    if INFOTEXT_MARK in first or INFOTEXT_MARK in second:
        return first if INFOTEXT_MARK in first else second
    if (utf8 := as_utf8(data)) is not None:
        return utf8
    # A1111 writes big-endian. Who moved its comment into a little-endian file may have left it so.
    return first if big_endian or latin_share(first) >= latin_share(second) else second


def as_utf8(data: bytes) -> str | None:
    """Bytes declared as UTF-16 that are UTF-8; None if they are not, or too few to be sure."""
    data = data.rstrip(b"\0")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    # UTF-16 has NULs wherever a text has Latin letters or spaces.
    if b"\0" in data:
        return None
    is_latin = len(data) >= FEWEST_TELLING_BYTES and latin_share(text) >= LATIN_SHARE
    return text if is_latin or INFOTEXT_MARK in text else None


def decode_japanese(data: bytes) -> str:
    """Text under the code JIS: ISO 2022 where it has escapes, else UTF-8, Shift JIS or EUC."""
    data = data.rstrip(b"\0")
    encodings = ("iso2022_jp",) if b"\x1b" in data else ("utf-8", "shift_jis", "euc_jp")
    for encoding in encodings:
        with contextlib.suppress(UnicodeDecodeError):
            return data.decode(encoding)
    return data.decode(encodings[0], errors="replace")


def latin_share(text: str) -> float:
    """How much of a text is plain Latin, 0 to 1."""
    return sum(" " <= character <= "~" for character in text) / max(len(text), 1)


def decode_bytes(data: bytes) -> str:
    """Bytes of no declared encoding: UTF-16 where every other byte is NUL, else UTF-8, or Latin-1."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace").rstrip("\0")
    for first, encoding in ((0, "utf-16-be"), (1, "utf-16-le")):
        if len(data) >= FEWEST_TELLING_BYTES and not any(data[first::2]) and all(data[1 - first :: 2]):
            return data.decode(encoding, errors="replace")
    data = data.rstrip(b"\0")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")
