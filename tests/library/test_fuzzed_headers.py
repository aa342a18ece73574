"""Damaged and hostile files: whatever stands in them, they are read in no time or refused with a sentence."""

import io
import json
import pickle
import random
import resource
import struct
import time
import tracemalloc
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.library.test_headers import raw_file, tensor
from webui.core.errors import UnusableFile
from webui.core.model_file import ModelKind
from webui.library.files.headers import read_header
from webui.library.recognise.identify import identify_file
from webui.library.recognise.kinds import describe

MUTATIONS = 5000
# A small file is read in about a millisecond; this is for a busy machine.
SLOWEST_S = 5.0
MOST_BYTES = 40_000_000
ODD_NUMBERS = (0, 1, 7, 2**31 - 1, 2**32, 2**53, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 10**30, -1, -(2**63))
ODD_VALUES = (*ODD_NUMBERS, None, True, 1.5, 1e308, "", "\ud800", "x" * 5000, [], {}, [[[[]]]], {"a": {}})


def lora() -> dict[str, object]:
    """A header of a LoRA whose tensors follow each other."""
    name, table, place = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k", {}, 0
    for end, shape in (("lora_down.weight", [4, 768]), ("lora_up.weight", [320, 4]), ("alpha", [1])):
        size = 4 * shape[0] * (shape[1] if len(shape) > 1 else 1)
        table[f"{name}.{end}"] = {"dtype": "F32", "shape": shape, "data_offsets": [place, place + size]}
        place += size
    return {"__metadata__": {"ss_v2": "False"}, **table}


def safetensors(document: object) -> bytes:
    header = json.dumps(document).encode()
    return len(header).to_bytes(8, "little") + header + b"\0" * 17412


def gguf() -> bytes:
    """A header as ggml writes it, of two tensors."""

    def text(word: bytes) -> bytes:
        return struct.pack("<Q", len(word)) + word

    entries = text(b"general.architecture") + struct.pack("<I", 8) + text(b"flux")
    entries += text(b"general.list") + struct.pack("<IIQ", 9, 4, 3) + b"\0" * 12
    tensors = b"".join(
        text(name) + struct.pack("<IQQIQ", 2, 64, 3072, 1, 0)
        for name in (b"double_blocks.0.img_attn.qkv.weight", b"img_in.weight")
    )
    return b"GGUF" + struct.pack("<IQQ", 3, 2, 2) + entries + tensors


def pickled(*, zipped: bool) -> bytes:
    """A small checkpoint as torch writes it."""
    stream = io.BytesIO()
    content = {"state_dict": OrderedDict(a=torch.zeros(2, 3), b=torch.zeros(4).half()), "epoch": 3}
    torch.save(content, stream, _use_new_zipfile_serialization=zipped)
    return stream.getvalue()


def changed_bytes(chance: random.Random, content: bytes) -> bytes:
    """A few bytes changed, cut out, doubled or cut off, mostly where headers are."""
    made = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(min(len(made), 600) if chance.random() < 0.8 else len(made))
        match chance.randrange(5):
            case 0:
                made[place] = chance.randrange(256)
            case 1:
                made[place : place + 8] = (chance.choice(ODD_NUMBERS) % 2**64).to_bytes(8, "little")
            case 2:
                del made[place : place + chance.randint(1, 30)]
            case 3:
                made[place:place] = made[place : place + chance.randint(1, 50)]
            case _:
                made = made[: place + 1]
    return bytes(made)


def changed_values(chance: random.Random) -> bytes:
    """A header whose table holds odd values in some places."""
    document = json.loads(json.dumps(lora()))
    for _ in range(chance.randint(1, 3)):
        key = chance.choice(list(document))
        entry = document[key]
        match chance.randrange(5):
            case 0:
                document[key] = chance.choice(ODD_VALUES)
            case 1 if isinstance(entry, dict) and entry:
                entry[chance.choice(list(entry))] = chance.choice(ODD_VALUES)
            case 2 if isinstance(entry, dict) and isinstance(entry.get("data_offsets"), list):
                entry["data_offsets"] = [chance.choice(ODD_NUMBERS), chance.choice(ODD_NUMBERS)]
            case 3 if isinstance(entry, dict) and isinstance(entry.get("shape"), list):
                entry["shape"] = [chance.choice(ODD_NUMBERS) for _ in range(chance.randint(0, 12))]
            case _:
                document[chance.choice(("", "\ud800.lora_up.weight", key + ".", "a" * 9000))] = entry
    return safetensors(document)


def check(path: Path, content: bytes) -> bool:
    """Whether the file was understood; it must be that, or refused with a sentence that names it."""
    path.write_bytes(content)
    start = time.perf_counter()
    found = identify_file(path)
    assert time.perf_counter() - start < SLOWEST_S
    sentence = describe(found)
    sentence.encode("utf-8")
    assert sentence.endswith(".")
    if found.kind is ModelKind.UNKNOWN:
        assert found.reason is not None
        assert len(found.reason) < 500
    return found.reason is None


@contextmanager
def little_memory() -> Iterator[None]:
    """Whoever asks for more than half a gigabyte gets a MemoryError."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 500_000_000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def test_5000_mutations_are_read_or_refused_without_harm(tmp_path: Path) -> None:
    chance = random.Random(4)
    sources: tuple[Callable[[], bytes], ...] = (
        lambda: changed_values(chance),
        lambda: changed_bytes(chance, safetensors(lora())),
        lambda: changed_bytes(chance, gguf()),
        lambda: changed_bytes(chance, archive),
        lambda: changed_bytes(chance, bare),
    )
    archive, bare = pickled(zipped=True), pickled(zipped=False)
    path = tmp_path / "mutant.safetensors"
    for content in (safetensors(lora()), gguf(), archive, bare):
        path.write_bytes(content)
        assert read_header(path).tensors
    with little_memory():
        understood = sum(check(path, sources[number % len(sources)]()) for number in range(MUTATIONS))
    # Most mutations do damage; some, such as another name, leave a file that can be used.
    assert 0 < understood < MUTATIONS / 2


HOSTILE: dict[str, bytes | Callable[[], bytes]] = {
    "sizes of 2^63": safetensors({"a": {"dtype": "F32", "shape": [2**63], "data_offsets": [0, 2**65]}}),
    "sizes that wrap around": safetensors(
        {"a": {"dtype": "F32", "shape": [2**32, 2**32], "data_offsets": [0, 0]}}
    ),
    "a shape of many sides": safetensors(
        {"a": {"dtype": "F32", "shape": [2**62] * 100_000, "data_offsets": [0, 4]}}
    ),
    "a number of many digits": b'{"a":{"dtype":"F32","shape":['
    + b"9" * 100_000
    + b'],"data_offsets":[0,4]}}',
    "deep nesting": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "deep nesting in the metadata": b'{"__metadata__":{"a":' + b"[" * 90_000 + b"]" * 90_000 + b"}}",
    "many empty lists": b'{"a":[' + b"[]," * 3_000_000 + b"[]]}",
    "a name twice": b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},'
    b'"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
    "a part of a description twice": b'{"a":{"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]}}',
    "overlapping offsets": json.dumps({"a": tensor(0, 8), "b": tensor(4, 12)}).encode(),
    "a hole between tensors": json.dumps({"a": tensor(0, 4), "b": tensor(8, 12)}).encode(),
    "another text encoding": json.dumps({"a": tensor(0, 4)}).encode("utf-16"),
    "no numbers": b'{"a":{"dtype":"F32","shape":[NaN],"data_offsets":[0,Infinity]}}',
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_table_is_refused_quickly_and_in_little_memory(tmp_path: Path, what: str) -> None:
    path = tmp_path / "model.safetensors"
    content = HOSTILE[what]
    assert isinstance(content, bytes)
    raw_file(path, content, b"\0" * 12) if content[:1] in b"{\xff" else path.write_bytes(content)
    tracemalloc.start()
    start = time.perf_counter()
    with pytest.raises(UnusableFile, match=r"^model\.safetensors .*\.$") as error:
        read_header(path)
    took, (_, peak) = time.perf_counter() - start, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert took < SLOWEST_S
    assert peak < MOST_BYTES + 3 * len(content)
    assert len(str(error.value)) < 500


def gguf_of(tensors: int, entries: int, rest: bytes = b"") -> bytes:
    return b"GGUF" + struct.pack("<IQQ", 3, tensors, entries) + rest


ABSURD_GGUF = {
    "tensors": gguf_of(2**63, 0),
    "entries": gguf_of(0, 2**64 - 1),
    "a text": gguf_of(0, 1, struct.pack("<Q", 2**63)),
    "a list": gguf_of(0, 1, struct.pack("<Q", 1) + b"a" + struct.pack("<IIQ", 9, 4, 2**62)),
    "a list of lists": gguf_of(0, 1, struct.pack("<Q", 1) + b"a" + struct.pack("<IIQ", 9, 9, 2**62)),
    "dimensions": gguf_of(1, 0, struct.pack("<Q", 1) + b"a" + struct.pack("<I", 2**31)),
    "nothing more": gguf_of(5, 0),
    "another version": b"GGUF" + struct.pack("<IQQ", 77, 0, 0),
}


@pytest.mark.parametrize("what", ABSURD_GGUF)
def test_a_gguf_file_that_announces_the_absurd_is_refused(tmp_path: Path, what: str) -> None:
    path = tmp_path / "model.gguf"
    with path.open("wb") as file:
        file.write(ABSURD_GGUF[what])
        # As large as a real one, so that the file's end does not answer for the check.
        if what != "nothing more":
            file.truncate(2**40)
    start = time.perf_counter()
    with pytest.raises(UnusableFile, match=r"^model\.gguf "):
        read_header(path)
    assert time.perf_counter() - start < SLOWEST_S


def test_a_gguf_file_is_recognised_by_its_tensors_and_not_used(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(gguf())
    header, found = read_header(path), identify_file(path)
    assert header.shape("img_in.weight") == (3072, 64)
    assert header.metadata == {"general.architecture": "flux"}
    assert (found.kind, found.family.value) == (ModelKind.DIFFUSION_MODEL, "Flux")
    assert "GGUF" in (found.reason or "")


def zip_of(content: bytes, method: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.writestr("archive/data.pkl", content)
    return stream.getvalue()


def memo(place: int) -> bytes:
    return b"\x80\x02]r" + struct.pack("<I", place) + b"."


def lists_of_lists(depth: int, width: int) -> bytes:
    """Small in the file, `width` to the power of `depth` when it is walked through."""
    inner: object = []
    for _ in range(depth):
        inner = {"state_dict": [inner] * width}
    return pickle.dumps(inner, protocol=2)


HOSTILE_PICKLES = {
    "a place far away": zip_of(memo(2**31 - 1)),
    "tables within tables": zip_of(lists_of_lists(5, 60)),
    "a number of a million digits": zip_of(b"\x80\x02\x8b" + struct.pack("<i", 2**31 - 1) + b"1" * 1000),
    "bytes without end": zip_of(b"\x80\x04\x8e" + struct.pack("<Q", 2**62) + b"x"),
    "a buffer without end": zip_of(b"\x80\x05\x96" + struct.pack("<Q", 2**40) + b"x"),
    "a frame without end": zip_of(b"\x80\x04\x95" + struct.pack("<Q", 2**62) + b"x."),
    "an archive that unpacks to much": zip_of(b"\x80\x02" + b"0" * 50_000_000, zipfile.ZIP_DEFLATED),
    "an archive without a table": zip_of(b"").replace(b"data.pkl", b"data.txt"),
    "itself in itself": zip_of(b"\x80\x02}q\x00U\x0astate_dicth\x00s."),
    "a call of what is no name": zip_of(b"\x80\x02}(K\x01K\x02tR."),
}


@pytest.mark.parametrize("what", HOSTILE_PICKLES)
def test_a_hostile_pickle_is_refused_quickly_and_in_little_memory(tmp_path: Path, what: str) -> None:
    path = tmp_path / "model.ckpt"
    path.write_bytes(HOSTILE_PICKLES[what])
    tracemalloc.start()
    start = time.perf_counter()
    found = identify_file(path)
    took, (_, peak) = time.perf_counter() - start, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (found.kind, took < SLOWEST_S, peak < MOST_BYTES) == (ModelKind.UNKNOWN, True, True)
    assert found.reason is not None
    assert found.reason.endswith(".")


def test_a_pickle_that_calls_anything_is_refused_before_the_call(tmp_path: Path) -> None:
    for name in ("os\nsystem", "builtins\neval", "torch\nload", "torch.hub\nload", "collections\ndeque"):
        path = tmp_path / "model.pt"
        path.write_bytes(zip_of(b"\x80\x02c" + name.encode() + b"\n(X\x04\x00\x00\x00trueptR."))
        assert "program code" in (identify_file(path).reason or "")


def test_a_header_read_without_torch_is_that_of_torch(tmp_path: Path) -> None:
    tensors = {
        "a": torch.zeros(2, 3),
        "b": torch.zeros(4, dtype=torch.float16),
        "c": torch.zeros(5, 6).bfloat16().t(),
        "d": torch.nn.Parameter(torch.zeros(())),
        "e": torch.zeros(7, dtype=torch.int64)[2:],
    }
    for zipped in (True, False):
        path = tmp_path / "model.pt"
        torch.save({"state_dict": tensors, "epoch": 3}, path, _use_new_zipfile_serialization=zipped)
        header = read_header(path)
        assert {key: info.shape for key, info in header.tensors.items()} == {
            key: tuple(value.shape) for key, value in tensors.items()
        }
        assert [info.dtype for info in header.tensors.values()] == ["F32", "F16", "BF16", "F32", "I64"]


# What pickles are made of: the codes that make, keep, fetch and call things, and what stands behind them.
PICKLE_PIECES = st.sampled_from(
    [
        b"(", b"t", b"}", b"]", b"s", b"u", b"e", b"a", b"R", b"b", b"Q", b"N", b"0", b"1", b"2",
        b"q\x00", b"h\x00", b"r\xff\xff\xff\x7f", b"K\x05", b"J\xff\xff\xff\xff",
        b"\x8a\x04\xff\xff\xff\x7f", b"X\x01\x00\x00\x00a", b"\x85", b"\x86", b"\x87", b"\x88",
        b"\x81", b"\x8f", b"\x90", b"\x92", b"\x93", b"\x94", b"\x95" + b"\xff" * 8,
        b"\x8d" + b"\xff" * 8, b"ccollections\nOrderedDict\n",
        b"ctorch._utils\n_rebuild_tensor_v2\n", b"ctorch\nHalfStorage\n",
    ]
)  # fmt: skip


@settings(max_examples=500, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=st.lists(PICKLE_PIECES, max_size=60))
def test_no_program_of_a_pickle_does_harm(tmp_path: Path, pieces: list[bytes]) -> None:
    program = b"\x80\x02" + b"".join(pieces) + b"."
    for content in (zip_of(program), program):
        check(tmp_path / "any.ckpt", content)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tensors=st.integers(0, 3), entries=st.integers(0, 3), rest=st.binary(max_size=200))
def test_no_rest_of_a_gguf_file_does_harm(tmp_path: Path, tensors: int, entries: int, rest: bytes) -> None:
    check(tmp_path / "any.gguf", gguf_of(tensors, entries, rest))
