"""Headers of GGUF files (ggml's format, versions 2 and 3): tensors' names and shapes, and what the file says.

Lengths and counts in the file are not believed: each is checked before anything is read or kept for it.
"""

import struct
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from webui.core.errors import UnusableFile
from webui.library.files.bounded import Bounded
from webui.library.files.limits import (
    MAX_ENTRIES,
    MAX_GGUF_BYTES,
    MAX_GGUF_DIMENSIONS,
    MAX_GGUF_ENTRIES,
    MAX_GGUF_NAME_BYTES,
    MAX_LIST_BYTES,
    MAX_TEXT_BYTES,
    MAX_WORDS,
)
from webui.library.files.tensor_table import Header, TensorInfo

MAGIC = b"GGUF"
KNOWN_VERSIONS = (2, 3)
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
            return _read(Bounded(file, MAX_GGUF_BYTES))
        except (struct.error, EOFError) as error:
            raise UnusableFile(f"{path.name} is cut off in its header. Download it again.") from error
        except ValueError as error:
            raise UnusableFile(f"{path.name} is no GGUF file that is known here: {error}.") from error


def _read(file: Bounded) -> Header:
    file.seek(len(MAGIC))
    version = _number(file, U32)
    if version not in KNOWN_VERSIONS:
        raise ValueError(f"its version is {version}, not 2 or 3")
    tensors, entries = _number(file, U64), _number(file, U64)
    if tensors > MAX_ENTRIES or entries > MAX_GGUF_ENTRIES:
        raise ValueError("it announces more than any known model holds")
    metadata: dict[str, str] = {}
    try:
        for _ in range(entries):
            key = _text(file, MAX_GGUF_NAME_BYTES)
            value = _value(file, _number(file, U32))
            if value is not None:
                metadata[key] = value
    except _VocabularyError:
        return Header({}, metadata, layout="gguf")
    return Header(dict(_tensor(file) for _ in range(tensors)), metadata, layout="gguf")


def _number(file: Bounded, form: struct.Struct) -> int:
    return form.unpack(file.read(form.size))[0]


def _text(file: Bounded, limit: int) -> str:
    length = _number(file, U64)
    if length > limit:
        raise ValueError("a text in its header is longer than any known one")
    raw = file.read(length)
    if len(raw) < length:
        raise EOFError
    return raw.decode("utf-8", errors="replace")


def _value(file: Bounded, kind: int) -> str | None:
    """A value as text; None for lists, which are passed over."""
    if kind == STRING:
        return _text(file, MAX_TEXT_BYTES)
    if kind == LIST:
        return _pass_list(file)
    form = NUMBERS.get(kind)
    if form is None:
        raise ValueError(f"an entry is of the unknown kind {kind}")
    return str(_number(file, form))


def _pass_list(file: Bounded) -> None:
    kind, count = _number(file, U32), _number(file, U64)
    form = NUMBERS.get(kind)
    if form is not None:
        if count * form.size > MAX_LIST_BYTES:
            raise ValueError("a list in its header is longer than any known one")
        file.seek(count * form.size, 1)
    elif kind == STRING and count <= MAX_WORDS:
        for _ in range(count):
            _text(file, MAX_GGUF_NAME_BYTES)
    elif kind == STRING:
        raise _VocabularyError
    else:
        raise ValueError(f"a list is of the unknown kind {kind}")


def _tensor(file: Bounded) -> tuple[str, TensorInfo]:
    name = _text(file, MAX_GGUF_NAME_BYTES)
    dimensions = _number(file, U32)
    if dimensions > MAX_GGUF_DIMENSIONS:
        raise ValueError(f"a tensor has {dimensions} dimensions")
    # ggml counts them from the innermost.
    shape = tuple(_number(file, U64) for _ in range(dimensions))[::-1]
    dtype = DTYPES.get(_number(file, U32), QUANTISED)
    _number(file, U64)
    return name, TensorInfo(dtype, shape)
