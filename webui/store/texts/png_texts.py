"""The texts in a PNG, read by ourselves, within bounds.

Pillow refuses the whole picture where one compressed text has more than a megabyte (ComfyUI's graphs do),
decodes all pixels for texts that stand behind them, and takes UTF-8 for Latin-1 where a program wrote it so.
"""

import io
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

SIGNATURE = b"\x89PNG\r\n\x1a\n"
TEXT_KINDS = (b"tEXt", b"zTXt", b"iTXt")
# Compressed too, and refused by Pillow in the same way: a colour profile.
PROFILE = b"iCCP"
# Larger texts are left out: one, and all of a picture together.
MAX_TEXT_BYTES = 8_000_000
MAX_ALL_TEXT_BYTES = 32_000_000
# What Pillow takes of a compressed text, and of all.
PILLOW_MAX_TEXT = 1_000_000
PILLOW_MAX_ALL_TEXT = 60_000_000
# Even a gigabyte of pixels has fewer, in chunks of 8 KB.
MOST_CHUNKS = 200_000
_LENGTH_AND_KIND = struct.Struct(">I4s")


class Chunk(NamedTuple):
    """A piece of a PNG: its kind, where its data begin in the file, and how long they are."""

    kind: bytes
    start: int
    length: int


class PngTexts(NamedTuple):
    """Texts by name, and whether Pillow would refuse the picture for them."""

    texts: dict[str, str]
    are_too_much_for_pillow: bool


def read_png_texts(file: BinaryIO) -> PngTexts | None:
    """The texts of a PNG; None if the file is none. What is damaged is passed over."""
    if file.read(len(SIGNATURE)) != SIGNATURE:
        return None
    texts: dict[str, str] = {}
    left, whole, is_too_much = MAX_ALL_TEXT_BYTES, 0, False
    for chunk in _chunks(file):
        whole += chunk.length if chunk.kind == b"tEXt" else 0
        if chunk.kind not in (*TEXT_KINDS, PROFILE):
            continue
        if chunk.length > MAX_TEXT_BYTES:
            is_too_much |= chunk.kind != b"tEXt"
            continue
        file.seek(chunk.start)
        name, data = _unpack(chunk.kind, file.read(chunk.length), min(left, MAX_TEXT_BYTES))
        is_too_much |= data is None or (chunk.kind != b"tEXt" and len(data) > PILLOW_MAX_TEXT)
        if name and data is not None and chunk.kind != PROFILE:
            left -= len(data)
            whole += len(data)
            texts[name] = decode_text(data)
    return PngTexts(texts, is_too_much or whole > PILLOW_MAX_ALL_TEXT)


def remove_texts(data: bytes) -> bytes:
    """The same picture without its texts and colour profile, as Pillow can open it."""
    kept: list[bytes] = []
    at = 0
    for chunk in _chunks(io.BytesIO(data), len(SIGNATURE)):
        begin, end = chunk.start - _LENGTH_AND_KIND.size, chunk.start + chunk.length + 4
        if chunk.kind in (*TEXT_KINDS, PROFILE):
            kept.append(data[at:begin])
            at = end
    return b"".join([*kept, data[at:]])


def decode_text(data: bytes) -> str:
    """UTF-8, which many programs write where the format says Latin-1; else Latin-1."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _chunks(file: BinaryIO, start: int = len(SIGNATURE)) -> Iterator[Chunk]:
    """The chunks of a PNG up to its end, or to where it is cut off."""
    for _ in range(MOST_CHUNKS):
        file.seek(start)
        head = file.read(_LENGTH_AND_KIND.size)
        if len(head) < _LENGTH_AND_KIND.size:
            return
        length, kind = _LENGTH_AND_KIND.unpack(head)
        if kind == b"IEND":
            return
        yield Chunk(kind, start + _LENGTH_AND_KIND.size, length)
        start += _LENGTH_AND_KIND.size + length + 4


def _unpack(kind: bytes, data: bytes, limit: int) -> tuple[str, bytes | None]:
    """Name and bytes of a text; None for those that are damaged or too long."""
    name, _, rest = data.partition(b"\0")
    is_compressed, method = kind in (b"zTXt", PROFILE), False
    if is_compressed:
        method, rest = rest[:1] != b"\0", rest[1:]
    elif kind == b"iTXt":
        is_compressed, method = rest[:1] == b"\1", rest[1:2] != b"\0"
        # After a language and the name in that language.
        rest = rest[2:].split(b"\0", 2)[-1]
    if is_compressed:
        return name.decode("latin-1"), None if method else _decompress(rest, limit)
    return name.decode("latin-1"), rest if len(rest) <= limit else None


def _decompress(data: bytes, limit: int) -> bytes | None:
    """A compressed text, None if it is damaged or longer than the limit."""
    unpacking = zlib.decompressobj()
    try:
        text = unpacking.decompress(data, limit + 1)
    except zlib.error:
        return None
    return text if len(text) <= limit else None
