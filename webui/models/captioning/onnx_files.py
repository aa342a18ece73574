"""Whether an ONNX file is whole in itself. Files may name others for their weights; none of these is opened.

Reads the protobuf's structure alone: numbers of fields and lengths, as onnx.proto has them; no weights.
"""

import mmap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from webui.core.errors import UnusableFile
from webui.store.files.regular_files import open_regular

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
EXTERNAL_DATA, DATA_LOCATION, EXTERNAL = 13, 14, 1
# Messages within messages; real files need six.
MAX_DEPTH = 40
# What a file may hold: a large tagger has 5,000 nodes with 20,000 entries.
MAX_FIELDS = 5_000_000
Buffer = mmap.mmap | bytes
# Which fields of a message hold which messages, as far as these may hold tensors.
INNER: Mapping[str, Mapping[int, str]] = MappingProxyType(
    {
        "model": {7: "graph", 20: "training", 25: "function"},
        "training": {1: "graph", 2: "graph"},
        "graph": {1: "node", 5: "tensor", 15: "sparse"},
        "node": {5: "attribute"},
        "function": {7: "node", 11: "attribute"},
        "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
        "sparse": {1: "tensor", 2: "tensor"},
        "tensor": {},
    }
)


class Damaged(ValueError):
    """Bytes that are no protobuf."""


@dataclass(slots=True)
class Budget:
    """How many fields may still be read."""

    left: int = MAX_FIELDS

    def spend(self) -> None:
        """One field."""
        self.left -= 1
        if self.left < 0:
            raise Damaged("too many fields")


def check_onnx(path: Path) -> None:
    """Raise UnusableFile for a file that is no ONNX, or keeps weights in other files."""
    try:
        with open_regular(path) as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            names_others = has_external_data(data, 0, len(data), "model", MAX_DEPTH, Budget())
    except (OSError, ValueError) as error:
        raise UnusableFile(f"{path.name} cannot be read as an ONNX file. Download it again.") from error
    if names_others:
        raise UnusableFile(
            f"{path.name} keeps its weights in other files, which are never opened here. Use an ONNX file "
            "that holds them itself."
        )


def has_external_data(data: Buffer, start: int, end: int, kind: str, depth: int, budget: Budget) -> bool:
    """Whether a message, or one within it, is a tensor with its numbers elsewhere. Raises Damaged."""
    if depth == 0:
        raise Damaged("nested too deeply")
    inner = INNER[kind]
    for number, wire, value, stop in fields(data, start, end, budget):
        if kind == "tensor" and (number == EXTERNAL_DATA or (number == DATA_LOCATION and value == EXTERNAL)):
            return True
        is_message = wire == LENGTH and number in inner
        if is_message and has_external_data(data, value, stop, inner[number], depth - 1, budget):
            return True
    return False


def fields(data: Buffer, start: int, end: int, budget: Budget) -> Iterator[tuple[int, int, int, int]]:
    """Number, wire type, and value (of what has a length: where it begins and ends) of each field."""
    at = start
    while at < end:
        budget.spend()
        key, at = varint(data, at, end)
        number, wire = key >> 3, key & 7
        if wire == VARINT:
            value, at = varint(data, at, end)
            yield number, wire, value, at
        elif wire == LENGTH:
            length, begin = varint(data, at, end)
            at = begin + length
            if at > end:
                raise Damaged("cut off")
            yield number, wire, begin, at
        elif wire in (FIXED64, FIXED32):
            at += 8 if wire == FIXED64 else 4
            if at > end:
                raise Damaged("cut off")
        else:
            raise Damaged("no such type of field")


def varint(data: Buffer, at: int, end: int) -> tuple[int, int]:
    """A number of seven bits a byte, and where it ends."""
    value = shift = 0
    while at < end and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise Damaged("cut off")
