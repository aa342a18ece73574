"""Headers of GGUF files (ggml's format, versions 2 and 3): tensors' names and shapes, and what the file says.

Lengths and counts in the file are not believed: each is checked before anything is read or kept for it.
"""

import struct
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from webui.core.errors import UnusableFile
from webui.library.files.tensor_table import Header, TensorInfo

MAGIC = b"GGUF"
KNOWN_VERSIONS = (2, 3)
# Real files hold 3,000 tensors, 60 entries, names of 100 bytes; ggml allows 4 dimensions.
MAX_TENSORS, MAX_ENTRIES, MAX_NAME_BYTES, MAX_DIMENSIONS = 50_000, 2_000, 4_096, 4
# Longer texts (chat templates) and lists (vocabularies) are passed over.
MAX_TEXT_BYTES, MAX_LIST_BYTES = 10_000_000, 100_000_000
# Words of a vocabulary have to be passed one by one; a longer list says that this is a language model.
MAX_WORDS = 20_000
STRING, LIST = 8, 9
NUMBERS: Mapping[int, struct.Struct] = MappingProxyType(
    {
        kind: struct.Struct("<" + letter)
        for kind, letter in zip(
            (0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12),
            ["B", "b", "H", "h", "I", "i", "f", "?", "Q", "q", "d"],
            strict=True,
        )
    }
)
U32, U64 = struct.Struct("<I"), struct.Struct("<Q")
DTYPES: Mapping[int, str] = MappingProxyType({0: "F32", 1: "F16", 24: "I8", 26: "I32", 28: "F64", 30: "BF16"})
QUANTISED = "U8"


class _VocabularyError(Exception):
    """A language model's vocabulary begins; nothing that follows is needed to tell what the file is."""


def is_gguf(start: bytes) -> bool:
    """Whether a file begins as GGUF files do."""
    return start[:4] == MAGIC


def read_gguf_header(path: Path) -> Header:
    """Header of a GGUF file; that of a language model ends before its vocabulary and lists no tensors."""
    with path.open("rb") as file:
        try:
            return _read(file)
        except (struct.error, EOFError) as error:
            raise UnusableFile(f"{path.name} is cut off in its header. Download it again.") from error
        except ValueError as error:
            raise UnusableFile(f"{path.name} is no GGUF file that is known here: {error}.") from error


def _read(file: BinaryIO) -> Header:
    file.seek(len(MAGIC))
    version = _number(file, U32)
    if version not in KNOWN_VERSIONS:
        raise ValueError(f"its version is {version}, not 2 or 3")
    tensors, entries = _number(file, U64), _number(file, U64)
    if tensors > MAX_TENSORS or entries > MAX_ENTRIES:
        raise ValueError("it announces more than any known model holds")
    metadata: dict[str, str] = {}
    try:
        for _ in range(entries):
            key = _text(file, MAX_NAME_BYTES)
            value = _value(file, _number(file, U32))
            if value is not None:
                metadata[key] = value
    except _VocabularyError:
        return Header({}, metadata, layout="gguf")
    return Header(dict(_tensor(file) for _ in range(tensors)), metadata, layout="gguf")


def _number(file: BinaryIO, form: struct.Struct) -> int:
    return form.unpack(file.read(form.size))[0]


def _text(file: BinaryIO, limit: int) -> str:
    length = _number(file, U64)
    if length > limit:
        raise ValueError("a text in its header is longer than any known one")
    raw = file.read(length)
    if len(raw) < length:
        raise EOFError
    return raw.decode("utf-8", errors="replace")


def _value(file: BinaryIO, kind: int) -> str | None:
    """A value as text; None for lists, which are passed over."""
    if kind == STRING:
        return _text(file, MAX_TEXT_BYTES)
    if kind == LIST:
        return _pass_list(file)
    form = NUMBERS.get(kind)
    if form is None:
        raise ValueError(f"an entry is of the unknown kind {kind}")
    return str(_number(file, form))


def _pass_list(file: BinaryIO) -> None:
    kind, count = _number(file, U32), _number(file, U64)
    form = NUMBERS.get(kind)
    if form is not None:
        if count * form.size > MAX_LIST_BYTES:
            raise ValueError("a list in its header is longer than any known one")
        file.seek(count * form.size, 1)
    elif kind == STRING and count <= MAX_WORDS:
        for _ in range(count):
            _text(file, MAX_TEXT_BYTES)
    elif kind == STRING:
        raise _VocabularyError
    else:
        raise ValueError(f"a list is of the unknown kind {kind}")


def _tensor(file: BinaryIO) -> tuple[str, TensorInfo]:
    name = _text(file, MAX_NAME_BYTES)
    dimensions = _number(file, U32)
    if dimensions > MAX_DIMENSIONS:
        raise ValueError(f"a tensor has {dimensions} dimensions")
    # ggml counts them from the innermost.
    shape = tuple(_number(file, U64) for _ in range(dimensions))[::-1]
    dtype = DTYPES.get(_number(file, U32), QUANTISED)
    _number(file, U64)
    return name, TensorInfo(dtype, shape)
