"""Headers made to take hours or gigabytes are refused in seconds, by the lists and by the loader alike."""

import io
import pickle
import pickletools
import struct
import sys
import time
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from webui.core.errors import UnusableFile
from webui.library.files import pickle_headers
from webui.library.files.headers import read_header
from webui.models.files.pickles import load_pickle
from webui.models.files.tensors import open_tensors

SLOWEST_S = 12.0
MOST_BYTES = 250_000_000
KEYS = 60_000
# What Python's hashes of numbers are remainders of.
MODULUS = sys.hash_info.modulus


def archive(table: bytes, name: str = "archive/data.pkl") -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        made.writestr(name, table)
        made.writestr("archive/version", "3\n")
    return stream.getvalue()


def long(number: int) -> bytes:
    digits = number.to_bytes(number.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(digits)]) + digits


def table_of(keys: Iterator[bytes], ends: bytes = b"u") -> bytes:
    return b"\x80\x02}(" + b"".join(key + b"K\x01" for key in keys) + ends + b"."


def colliding() -> Iterator[int]:
    return (number * MODULUS for number in range(1, KEYS))


def same_slot() -> Iterator[int]:
    """Numbers of different hashes that begin at the same place of any table."""
    return (number << 32 for number in range(1, KEYS))


def copies() -> bytes:
    pairs = (
        b"("
        + b"".join(b"X" + struct.pack("<I", 6) + b"%06d" % n + b"K\x01\x86" for n in range(30_000))
        + b"l"
    )
    name = b"ccollections\nOrderedDict\nq\x01"
    return b"\x80\x02" + pairs + b"q\x02\x85q\x03" + name + b"h\x03R" + b"0h\x01h\x03R" * 100_000 + b"."


def parameters_again_and_again() -> bytes:
    entries = b"".join(b"X" + struct.pack("<I", 6) + b"%06d" % n + b"K\x01" for n in range(30_000))
    state = b"}X\x0b\x00\x00\x00_parameters}(" + entries + b"us"
    table = b"ctorch.nn.modules.container\nParameterDict\n)R"
    return b"\x80\x02" + state + b"q\x010" + table + b"h\x01b" * 100_000 + b"."


def long_names() -> bytes:
    name = b"X" + struct.pack("<I", 3_000_000) + b"a" * 3_000_000
    tensor = b"ctorch._utils\n_rebuild_tensor_v2\n(ctorch\nFloatStorage\nq\x05(h\x05h\x05tQK\x00K\x01\x85tR"
    return b"\x80\x02}" + name + b"(" + tensor + b"q\x06" + b"h\x06" * 40_000 + b"ls."


def one_in_the_other() -> bytes:
    key = b"X\x0a\x00\x00\x00state_dict"
    return b"\x80\x02}q\x01" + key + b"}q\x02" + key + b"h\x01ss."


PICKLES: dict[str, Callable[[], bytes]] = {
    "colliding numbers": lambda: table_of(map(long, colliding())),
    "colliding numbers, one by one": lambda: (
        b"\x80\x02}" + b"".join(long(n) + b"Ns" for n in colliding()) + b"."
    ),
    "colliding numbers in a table of the first protocol": lambda: (
        b"(" + b"".join(b"I%d\nN" % n for n in colliding()) + b"d."
    ),
    "negative colliding numbers": lambda: table_of(long(-n) for n in colliding()),
    "numbers for the same slot": lambda: table_of(map(long, same_slot())),
    "colliding numbers in pairs": lambda: table_of(long(n) + b"K\x01\x86" for n in colliding()),
    "colliding numbers in pairs of pairs": lambda: table_of(long(n) + b"\x85\x85" for n in colliding()),
    "colliding numbers in frozen sets": lambda: (
        b"\x80\x04}(" + b"".join(b"(" + long(n) + b"\x91N" for n in colliding()) + b"u."
    ),
    "a set of colliding numbers": lambda: b"\x80\x04\x8f(" + b"".join(map(long, colliding())) + b"\x90.",
    "fractions": lambda: table_of(b"G" + struct.pack(">d", n * 2.0**61) for n in range(1, KEYS)),
    "an ordered table of colliding numbers": lambda: (
        b"\x80\x02ccollections\nOrderedDict\n((" + b"".join(long(n) + b"N\x86" for n in colliding()) + b"ltR."
    ),
    "colliding places": lambda: b"\x80\x02N" + b"".join(b"p%d\n" % n for n in colliding()) + b".",
    "a table copied again and again": copies,
    "parameters taken over again and again": parameters_again_and_again,
    "two tables in each other": one_in_the_other,
    "many empty tables": lambda: b"\x80\x02" + b"}" * 5_900_000 + b".",
    "many empty sets": lambda: b"\x80\x04" + b"\x8f" * 5_900_000 + b".",
    "many marks": lambda: b"\x80\x02" + b"(" * 5_900_000 + b".",
    "tuples in tuples for a key": lambda: b"\x80\x02}N" + b"2\x86" * 60 + b"Ns.",
    "long names": long_names,
}


# No tensor is in them, and nothing that takes long.
UNDERSTOOD = {"two tables in each other", "a set of colliding numbers"}
# Those that would fill the memory; to trace it takes several times as long.
LARGE = {"a table copied again and again", "parameters taken over again and again", "long names"}


def refusal(read: Callable[[], object]) -> tuple[str, float]:
    start = time.perf_counter()
    with pytest.raises(UnusableFile) as caught:
        read()
    return str(caught.value), time.perf_counter() - start


@contextmanager
def little_memory() -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("what", [name for name in PICKLES if name not in UNDERSTOOD])
def test_a_pickle_made_to_take_hours_is_refused_by_lists_and_loader(tmp_path: Path, what: str) -> None:
    path = tmp_path / "model.ckpt"
    path.write_bytes(archive(PICKLES[what]()))
    for read in (read_header, open_tensors):
        with little_memory() if what in LARGE else nullcontext():
            sentence, took = refusal(lambda read=read: read(path))
        assert "Use a .safetensors file" in sentence or "Download it again" in sentence
        assert took < SLOWEST_S


def test_a_set_of_colliding_numbers_is_passed_over_by_lists_and_refused_by_the_loader(tmp_path: Path) -> None:
    path = tmp_path / "model.ckpt"
    path.write_bytes(archive(PICKLES["a set of colliding numbers"]()))
    start = time.perf_counter()
    assert read_header(path).tensors == {}
    assert refusal(lambda: open_tensors(path))[1] + time.perf_counter() - start < SLOWEST_S


def test_tables_that_hold_each_other_are_walked_through_once(tmp_path: Path) -> None:
    path = tmp_path / "model.ckpt"
    path.write_bytes(archive(one_in_the_other()))
    assert read_header(path).tensors == {}
    assert open_tensors(path) == {}


def test_what_training_programs_leave_is_read(tmp_path: Path) -> None:
    """Steps of an optimizer, learning rates by fraction, tuples and classes as keys."""
    content = {"state": {n: {"step": n} for n in range(5000)}, 0.5: 1, ("a", 1): 2, None: 3, -1: 4, True: 5}
    path = tmp_path / "model.pt"
    path.write_bytes(archive(pickle.dumps(content, protocol=2)))
    assert read_header(path).tensors == {}


def test_the_loader_looks_at_the_table_that_torch_reads(tmp_path: Path) -> None:
    """An archive can begin with one table and name another one in its list."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        made.writestr("a/data.pkl", b"\x80\x02}.")
    harmless = stream.getvalue()
    with zipfile.ZipFile(stream, "w") as made:
        made.writestr("a/data.pkl", table_of(map(long, colliding())))
    # What the archive's list names comes last; zip readers allow for what stands before it.
    path = tmp_path / "model.ckpt"
    path.write_bytes(harmless[: harmless.index(b"PK\x01\x02")] + stream.getvalue())
    with pytest.raises(UnusableFile):
        load_pickle(path)


def test_a_zip_archive_of_models_is_called_one(tmp_path: Path) -> None:
    path = tmp_path / "model.ckpt"
    path.write_bytes(archive(archive(b"\x80\x02}."), "my model.ckpt"))
    with pytest.raises(UnusableFile, match="Unpack it"):
        read_header(path)


SAFETENSORS: dict[str, Callable[[], bytes]] = {
    "many names": lambda: b"{" + b",".join(b'"%d":0' % n for n in range(1_500_000)) + b"}",
    "one name many times": lambda: b"{" + b",".join([b'"a":0'] * 1_500_000) + b"}",
    "a number of a million digits": lambda: b'{"a":' + b"9" * 1_000_000 + b"}",
    "a fraction of a million digits": lambda: b'{"a":0.' + b"9" * 1_000_000 + b"}",
    "tables in tables": lambda: b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "backslashes": lambda: b'{"' + b"\\\\" * 8_000_000 + b'":1}',
    "an open text": lambda: b'{"' + b"a" * 20_000_000,
    "a wide letter": lambda: b'{"' + b"a" * 20_000_000 + "🙂".encode() + b'":1}',
}


@pytest.mark.parametrize("what", SAFETENSORS)
def test_a_table_of_tensors_made_to_take_hours_is_refused(tmp_path: Path, what: str) -> None:
    path, header = tmp_path / "model.safetensors", SAFETENSORS[what]()
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    sentence, took = refusal(lambda: read_header(path))
    assert sentence.endswith(".")
    assert len(sentence) < 500
    assert took < SLOWEST_S


def text(word: bytes) -> bytes:
    return struct.pack("<Q", len(word)) + word


def test_a_gguf_file_of_long_texts_is_refused_before_they_fill_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    with path.open("wb") as file:
        file.write(b"GGUF" + struct.pack("<IQQ", 3, 0, 2000))
        for number in range(10):
            file.write(text(b"%d" % number) + struct.pack("<I", 8) + struct.pack("<Q", 9_000_000))
            file.seek(9_000_000, 1)
        file.truncate()
    with little_memory():
        sentence, took = refusal(lambda: read_header(path))
    assert "longer than any known" in sentence
    assert took < SLOWEST_S


# What is taken over from the standard library's machine, by the name of the method: all that is not replaced.
INHERITED = (
    "append", "appends", "binbytes", "binbytes8", "binfloat", "binint", "binint2", "binpersid",
    "binstring", "binunicode8", "dup", "empty_dictionary", "empty_list", "empty_tuple", "false",
    "float", "get", "global", "int", "list", "long", "long1", "long_binget", "memoize", "none",
    "persid", "pop", "pop_mark", "proto", "short_binbytes", "short_binstring", "short_binunicode",
    "stack_global", "stop", "string", "true", "tuple", "tuple1", "tuple2", "tuple3", "unicode",
)  # fmt: skip
# In these versions `pickle.py` was read, and the machine in Python found to have these parts.
KNOWN_VERSIONS = ((3, 11), (3, 12), (3, 13), (3, 14))


def test_the_machine_of_the_standard_library_is_as_it_was_when_it_was_read() -> None:
    assert sys.version_info[:2] in KNOWN_VERSIONS, "Read pickle._Unpickler of this version, then add it."
    parent = pickle._Unpickler.dispatch
    assert set(parent) == {ord(code.code) for code in pickletools.opcodes}
    own = pickle_headers.PlainUnpickler.dispatch
    kept = {step.__name__.removeprefix("load_") for code, step in own.items() if parent[code] is step}
    assert kept == set(INHERITED)


def test_the_end_of_a_program_brings_its_value() -> None:
    stop = pickle_headers.STOP(5)
    assert isinstance(stop, Exception)
    assert vars(stop)["value"] == 5
    assert pickle_headers.PlainUnpickler(io.BytesIO(b"\x80\x02K\x05.")).load() == 5
