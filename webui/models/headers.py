"""What tensors a model file holds, read without loading one of them.

A safetensors header is eight bytes of length and JSON (safetensors format 1.0); it is read by hand and
checked, because every file in a model folder is opened at start and some of them are damaged downloads.
Pickles go through torch's restricted unpickler only, which refuses everything that could run code.
"""

import json
import math
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

from webui.core.errors import UnusableFile
from webui.models.file_types import PICKLE_SUFFIXES

# The reference implementation refuses longer headers; SDXL with all its keys needs 0.4 MB.
MAX_HEADER_BYTES = 100_000_000
ITEM_BYTES = {
    "F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2, "U16": 2,
    "I8": 1, "U8": 1, "BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """Element type (safetensors' name, such as F16) and shape of one tensor."""

    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Header:
    """Names and shapes of a file's tensors, and its metadata.

    `layout` is "safetensors", "pickle" or "diffusers" (a folder; names then start with `unet/`, `vae/`, …).
    """

    tensors: dict[str, TensorInfo]
    metadata: dict[str, str] = field(default_factory=dict)
    layout: str = "safetensors"

    @cached_property
    def prefixes(self) -> frozenset[str]:
        """Every leading part of a name that ends in a dot or slash."""
        found: set[str] = set()
        for key in self.tensors:
            end = len(key)
            while (end := max(key.rfind(".", 0, end), key.rfind("/", 0, end))) >= 0:
                prefix = key[: end + 1]
                if prefix in found:
                    break
                found.add(prefix)
        return frozenset(found)

    def __contains__(self, key: str) -> bool:
        """Whether a tensor of that name exists."""
        return key in self.tensors

    def has(self, *prefixes: str) -> bool:
        """Whether every one of these dotted prefixes (ending in "." or "/") leads some tensor's name."""
        return all(prefix in self.prefixes for prefix in prefixes)

    def shape(self, key: str) -> tuple[int, ...] | None:
        """Shape of a tensor, None if there is no such tensor."""
        info = self.tensors.get(key)
        return info.shape if info else None


def read_header(path: Path) -> Header:
    """Header of a model file or diffusers folder; `UnusableFile` says in a sentence why it cannot be read."""
    if path.is_dir():
        return read_diffusers_header(path)
    try:
        size = path.stat().st_size
        if size == 0:
            raise UnusableFile(f"{path.name} is empty. Download it again.")
        with path.open("rb") as file:
            start = file.read(512)
        refuse_web_page(path, start)
        if path.suffix.lower() in PICKLE_SUFFIXES or is_pickle(start):
            return read_pickle_header(path)
        return read_safetensors_header(path, size)
    except OSError as error:
        raise UnusableFile(f"{path.name} cannot be read: {error.strerror}.") from error


PROTOCOLS = (b"\x02", b"\x03", b"\x04", b"\x05")


def is_pickle(start: bytes) -> bool:
    """Whether a file begins as torch.save writes it: a zip archive, or a bare pickle of protocol 2 and up."""
    # A safetensors length starts with 0x80 0x02..05 too when it happens to be so long, but its ninth byte is
    # "{".
    return start[:4] == b"PK\x03\x04" or (
        start[:1] == b"\x80" and start[1:2] in PROTOCOLS and start[8:9] != b"{"
    )


def refuse_web_page(path: Path, start: bytes) -> None:
    """Raise if the first bytes are a web page or an error message instead of a model."""
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype", b"<html", b"<head", b"<?xml", b'{"error', b"<!--")):
        raise UnusableFile(
            f"{path.name} is a web page and not a model: the site probably asked for a login. "
            "Download it again."
        )
    if text.startswith(b"version https://git-lfs"):
        raise UnusableFile(f"{path.name} is a Git LFS pointer and not a model. Fetch the file itself.")


def read_safetensors_header(path: Path, size: int) -> Header:
    """Header of a safetensors file of `size` bytes."""
    if size < 8:
        raise UnusableFile(f"{path.name} is cut off after {size} bytes. Download it again.")
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > MAX_HEADER_BYTES:
            raise UnusableFile(
                f"{path.name} is not a safetensors file: its first bytes make no sense as one."
            )
        if length > size - 8:
            raise UnusableFile(f"{path.name} is cut off in its header. Download it again.")
        raw = file.read(length)
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise UnusableFile(f"{path.name} is not a safetensors file: its header is not JSON.") from error
    if not isinstance(document, dict):
        raise UnusableFile(f"{path.name} is not a safetensors file: its header is no table of tensors.")
    metadata = document.pop("__metadata__", None) or {}
    if not isinstance(metadata, dict):
        raise UnusableFile(f"{path.name} has a damaged header: its metadata is no table.")
    tensors = _checked_tensors(path, document, size - 8 - length)
    return Header(tensors, {str(key): str(value) for key, value in metadata.items()})


def _checked_tensors(path: Path, document: dict[str, Any], data_bytes: int) -> dict[str, TensorInfo]:
    """Tensor table whose offsets were seen to lie in the file, to fit the shapes and not to overlap."""
    tensors: dict[str, TensorInfo] = {}
    spans: list[tuple[int, int]] = []
    for key, entry in document.items():
        try:
            tensors[key], span = _described_tensor(entry)
        except (TypeError, KeyError, ValueError) as error:
            raise UnusableFile(
                f"{path.name} has a damaged header: tensor {key!r} is not described properly."
            ) from error
        spans.append(span)
    spans.sort()
    last = max((end for _, end in spans), default=0)
    if last > data_bytes:
        raise UnusableFile(
            f"{path.name} is cut off: {last - data_bytes:,} bytes are missing. Download it again."
        )
    if any(begin < end for (_, end), (begin, _) in pairwise(spans)):
        raise UnusableFile(f"{path.name} has a damaged header: two tensors share bytes. Download it again.")
    return tensors


def _described_tensor(entry: dict[str, Any]) -> tuple[TensorInfo, tuple[int, int]]:
    """A tensor's description and its span of bytes; ValueError if they do not fit each other."""
    dtype, shape = str(entry["dtype"]), tuple(entry["shape"])
    begin, end = entry["data_offsets"]
    if not all(type(number) is int and number >= 0 for number in (*shape, begin, end)) or begin > end:
        raise ValueError("sizes and places are whole numbers")
    if dtype in ITEM_BYTES and math.prod(shape) * ITEM_BYTES[dtype] != end - begin:
        raise ValueError("the shape needs another number of bytes")
    return TensorInfo(dtype, shape), (begin, end)


def read_pickle_header(path: Path) -> Header:
    """Names and shapes in a torch pickle; no tensor data are read from zip archives, only mapped."""
    # torch takes seconds to import, and a folder without pickles never needs it here.
    from webui.models.pickles import flat_tensors, load_pickle

    tensors = flat_tensors(load_pickle(path))
    names = {
        "float32": "F32",
        "float16": "F16",
        "bfloat16": "BF16",
        "float64": "F64",
        "int64": "I64",
        "int32": "I32",
    }
    table = {
        key: TensorInfo(names.get(str(value.dtype).removeprefix("torch."), "U8"), tuple(value.shape))
        for key, value in tensors.items()
    }
    return Header(table, layout="pickle")


def is_diffusers_folder(path: Path) -> bool:
    """Whether a folder holds a diffusers pipeline."""
    return (path / "model_index.json").is_file()


# The parts of a pipeline that decide its kind; the rest (safety checker, scheduler, tokenizers) is not
# loaded.
DIFFUSERS_PARTS = ("unet", "transformer", "vae", "text_encoder", "text_encoder_2", "text_encoder_3")


def read_diffusers_header(path: Path) -> Header:
    """Headers of a diffusers folder's parts in one table, names led by `part/`."""
    if not is_diffusers_folder(path):
        raise UnusableFile(f"{path.name} is a folder without model_index.json, so it is no diffusers model.")
    tensors: dict[str, TensorInfo] = {}
    for part in DIFFUSERS_PARTS:
        for file in diffusers_weight_files(path / part):
            header = read_header(file)
            tensors |= {f"{part}/{key}": info for key, info in header.tensors.items()}
    if not tensors:
        raise UnusableFile(
            f"{path.name} holds no weights. Expected unet/diffusion_pytorch_model.safetensors in it."
        )
    return Header(tensors, layout="diffusers")


def diffusers_weight_files(folder: Path) -> list[Path]:
    """Weight files of one part: whole precision before variants, safetensors before pickles, shards in
    order.
    """
    for suffix in (".safetensors", ".bin"):
        files = sorted(folder.glob(f"*model*{suffix}"))
        plain = [file for file in files if file.name.count(".") == 1]
        variants = {file.name.split(".")[-2] for file in files if file not in plain}
        if plain:
            return plain
        if variants:
            chosen = "fp16" if "fp16" in variants else min(variants)
            return [file for file in files if file.name.split(".")[-2] == chosen]
    return []
