"""A detector made for the tests: an ONNX graph in ultralytics' layout that finds bright squares."""

import struct
from collections.abc import Iterable

import numpy as np

CELL, CELLS = 64, 10
SIDE = CELL * CELLS


def varint(number: int) -> bytes:
    """A number as protobuf writes it."""
    pieces = bytearray()
    while number > 127:
        pieces.append(number & 127 | 128)
        number >>= 7
    return bytes([*pieces, number])


def field(place: int, value: "int | str | bytes") -> bytes:
    """One field of a message."""
    if isinstance(value, int):
        return varint(place << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(place << 3 | 2) + varint(len(data)) + data


def tensor(name: str, values: np.ndarray) -> bytes:
    """A constant."""
    kind = 7 if values.dtype == np.int64 else 1
    dims = b"".join(field(1, side) for side in values.shape)
    return dims + field(2, kind) + field(8, name) + field(9, values.tobytes())


def node(kind: str, inputs: Iterable[str], output: str, **attributes: "int | list[int]") -> bytes:
    """One step of the graph."""
    written = (
        b"".join(field(1, name) for name in inputs) + field(2, output) + field(3, output) + field(4, kind)
    )
    for name, value in attributes.items():
        if isinstance(value, int):
            written += field(5, field(1, name) + field(3, value) + field(20, 2))
        else:
            written += field(5, field(1, name) + b"".join(field(8, each) for each in value) + field(20, 7))
    return written


def shape(name: str, *sides: int) -> bytes:
    """An input or output of float numbers."""
    dims = b"".join(field(1, field(1, side)) for side in sides)
    return field(1, name) + field(2, field(1, field(1, 1) + field(2, dims)))


def bright_squares() -> bytes:
    """A detector: each of 10x10 squares, as certain as it is bright. Output (1, 5, 100)."""
    middles = np.arange(CELLS, dtype=np.float32) * CELL + CELL / 2
    x, y = np.meshgrid(middles, middles)
    size = np.full_like(x, CELL)
    boxes = np.stack([x, y, size, size]).reshape(1, 4, -1)
    grey = np.full((1, 3, 1, 1), 1 / 3, np.float32)
    graph = b"".join(
        field(1, each)
        for each in (
            node("AveragePool", ["images"], "means", kernel_shape=[CELL, CELL], strides=[CELL, CELL]),
            node("Conv", ["means", "grey"], "bright", kernel_shape=[1, 1]),
            node("Reshape", ["bright", "row"], "scores"),
            node("Concat", ["boxes", "scores"], "output0", axis=1),
        )
    )
    graph += field(2, "bright squares")
    row = np.array([1, 1, CELLS * CELLS], np.int64)
    graph += b"".join(
        field(5, each) for each in (tensor("grey", grey), tensor("row", row), tensor("boxes", boxes))
    )
    graph += field(11, shape("images", 1, 3, SIDE, SIDE))
    graph += field(12, shape("output0", 1, 5, CELLS * CELLS))
    return field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, 13))


def pickle_that_runs_code(marker: str) -> bytes:
    """What a harmful .pt holds."""
    return b"cos\nsystem\n(S'touch " + marker.encode() + b"'\ntR." + struct.pack("<I", 0)
