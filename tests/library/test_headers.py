"""Headers: what a damaged, dangerous or foreign file is told to be."""

import io
import json
import pickle
import re
import zipfile
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.models.small_checkpoints import write
from webui.core.errors import UnusableFile
from webui.library.files.headers import read_header
from webui.library.files.limits import MAX_HEADER_BYTES
from webui.models.files.tensors import open_tensors


def raw_file(path: Path, document: object, data: bytes = b"") -> Path:
    header = document if isinstance(document, bytes) else json.dumps(document).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + data)
    return path


def tensor(begin: int, end: int, shape: list[int] | None = None, dtype: str = "F32") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape or [(end - begin) // 4], "data_offsets": [begin, end]}


def test_a_header_gives_names_shapes_and_metadata(tmp_path: Path) -> None:
    path = write(tmp_path / "a.safetensors", {"x.y": torch.zeros(2, 3).half()}, {"title": "lion"})
    header = read_header(path)
    assert header.shape("x.y") == (2, 3)
    assert header.tensors["x.y"].dtype == "F16"
    assert header.metadata == {"title": "lion"}
    assert header.has("x.")
    assert not header.has("x.y")


DAMAGED: list[tuple[str, bytes, str]] = [
    ("empty", b"", "is empty"),
    ("seven bytes", b"\x01" * 7, "cut off after 7 bytes"),
    ("longer header than file", (1000).to_bytes(8, "little") + b"{}", "cut off in its header"),
    ("absurd header length", b"\xff" * 32, "not a safetensors file"),
    ("no JSON", (4).to_bytes(8, "little") + b"abcd", "not JSON"),
    ("JSON that is no table", (2).to_bytes(8, "little") + b"[]", "no table"),
    ("nested brackets", (60000).to_bytes(8, "little") + b"[" * 60000, "not JSON"),
    ("web page", b"<!DOCTYPE html><html>Log in</html>", "web page"),
    ("error message of a site", b'{"error":"Unauthorized"}', "web page"),
    ("Git LFS pointer", b"version https://git-lfs.github.com/spec/v1\noid", "Git LFS"),
]


@pytest.mark.parametrize(("what", "content", "said"), DAMAGED, ids=[each[0] for each in DAMAGED])
def test_a_damaged_file_is_refused_with_a_sentence(
    tmp_path: Path, what: str, content: bytes, said: str
) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(UnusableFile, match=said) as error:
        read_header(path)
    assert str(error.value).startswith("model.safetensors ")
    assert str(error.value).endswith(".")


def test_a_header_length_is_not_believed_before_it_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "huge.safetensors"
    with path.open("wb") as file:
        file.write((MAX_HEADER_BYTES + 1).to_bytes(8, "little"))
        file.truncate(MAX_HEADER_BYTES * 2)
    with pytest.raises(UnusableFile, match="make no sense"):
        read_header(path)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"a": tensor(0, 16)}, "12 bytes are missing"),
        ({"a": tensor(0, 4), "b": tensor(2, 4, [1], "F16")}, "share bytes"),
        ({"a": tensor(0, 4, [7])}, "not described properly"),
        ({"a": {"dtype": "F32", "shape": [1]}}, "not described properly"),
        ({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}, "not described properly"),
        ({"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}}, "not described properly"),
        ({"a": {"dtype": "F32", "shape": [True], "data_offsets": [0, 4]}}, "not described properly"),
        ({"a": 3}, "not described properly"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(
    tmp_path: Path, table: dict[str, object], said: str
) -> None:
    with pytest.raises(UnusableFile, match=said):
        read_header(raw_file(tmp_path / "a.safetensors", table, b"\0" * 4))


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200))
def test_no_bytes_bring_anything_but_a_header_or_a_refusal(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "any.safetensors"
    path.write_bytes(content)
    try:
        read_header(path)
    except UnusableFile as error:
        assert "any.safetensors" in str(error)


class Malicious:
    """Writes a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, ...]:
        return Path.write_text, (self.target, "run")


@pytest.mark.parametrize("suffix", [".ckpt", ".pt", ".safetensors"])
def test_a_pickle_with_code_is_refused_and_its_code_does_not_run(tmp_path: Path, suffix: str) -> None:
    target = tmp_path / "trace"
    zipped, bare = tmp_path / f"zipped{suffix}", tmp_path / f"bare{suffix}"
    torch.save({"state_dict": {"a": torch.zeros(1)}, "hook": Malicious(target)}, zipped)
    bare.write_bytes(pickle.dumps({"a": Malicious(target)}))
    for path in (zipped, bare):
        for open_file in (read_header, open_tensors):
            with pytest.raises(
                UnusableFile, match=re.escape(f"{path.name} holds more than weights, possibly program code")
            ):
                open_file(path)
    assert not target.exists()


def test_a_pickle_of_weights_is_read_without_its_wrapping(tmp_path: Path) -> None:
    path = tmp_path / "model.ckpt"
    torch.save({"state_dict": {"a.b": torch.ones(2, 3)}, "epoch": 3}, path)
    assert {key: info.shape for key, info in read_header(path).tensors.items()} == {"a.b": (2, 3)}
    assert torch.equal(open_tensors(path)["a.b"], torch.ones(2, 3))


def test_what_lightning_wrote_beside_the_weights_does_no_harm(tmp_path: Path) -> None:
    # The first Stable Diffusion files name this class in their pickle; it is neither here nor needed.
    name = "pytorch_lightning.callbacks.model_checkpoint\nModelCheckpoint\n"
    path = tmp_path / "old.ckpt"
    torch.save({"state_dict": {"a": torch.zeros(1)}, "callbacks": "PLACEHOLDER"}, path, pickle_protocol=2)
    plain = pickle.dumps({"state_dict": {}, "callbacks": 0}, protocol=2)
    legacy = plain.replace(b"K\x00", b"c" + name.encode())
    assert legacy != plain
    path.write_bytes(_as_zip(path.read_bytes(), legacy))
    assert read_header(path).tensors == {}


def _as_zip(archive: bytes, pickled: bytes) -> bytes:
    """The zip archive with another `data.pkl` in it."""
    source, target = zipfile.ZipFile(io.BytesIO(archive)), io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as made:
        for entry in source.namelist():
            made.writestr(entry, pickled if entry.endswith("data.pkl") else source.read(entry))
    return target.getvalue()


def test_a_cut_off_pickle_is_refused_with_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "model.ckpt"
    torch.save({"a": torch.ones(1000)}, path)
    path.write_bytes(path.read_bytes()[:700])
    with pytest.raises(UnusableFile, match="damaged or no model file"):
        read_header(path)
