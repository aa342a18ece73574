"""What tensors a model file holds, read without loading one of them.

A safetensors header is eight bytes of length and JSON (safetensors format 1.0); it is read by hand and
checked, because every file in a model folder is opened at start and some of them are damaged downloads.
GGUF files and torch pickles have readers of their own; no reader imports torch or runs anything.
"""

import json
import math
import os
from fnmatch import fnmatch
from itertools import pairwise
from pathlib import Path
from typing import Any

from webui.core.errors import UnusableFile
from webui.library.files.gguf import is_gguf, read_gguf_header
from webui.library.files.limits import (
    MAX_BRACKETS,
    MAX_COMMAS,
    MAX_DIMENSIONS,
    MAX_HEADER_BYTES,
    MAX_SIDE,
)
from webui.library.files.pickle_headers import read_pickle_header
from webui.library.files.picture_embeddings import is_picture, read_picture_header
from webui.library.files.tensor_table import Header, TensorInfo
from webui.store.files.regular_files import is_regular, open_regular, regular_files

__all__ = ["Header", "TensorInfo", "read_header"]

PROTOCOLS = (b"\x02", b"\x03", b"\x04", b"\x05")
# The parts of a pipeline that decide its kind; the rest (safety checker, scheduler, tokenizers) is not
# loaded.
DIFFUSERS_PARTS = ("unet", "transformer", "vae", "text_encoder", "text_encoder_2", "text_encoder_3")
# So much of a tensor's name is shown in sentences.
SHOWN_NAME = 100
ITEM_BYTES = {
    "F64": 8, "I64": 8, "U64": 8, "C64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2,
    "U16": 2, "I8": 1, "U8": 1, "BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1, "F8_E8M0": 1, "F8_E4M3FNUZ": 1,
    "F8_E5M2FNUZ": 1,
}  # fmt: skip


def read_header(path: Path) -> Header:
    """Header of a model file or diffusers folder; `UnusableFile` says in a sentence why it cannot be read."""
    if path.is_dir():
        return read_diffusers_header(path)
    try:
        with open_regular(path) as file:
            size, start = os.fstat(file.fileno()).st_size, file.read(512)
        if size == 0:
            raise UnusableFile(f"{path.name} is empty. Download it again.")
        refuse_web_page(path, start)
        if is_gguf(start):
            return read_gguf_header(path)
        if is_pickle(start):
            return read_pickle_header(path)
        if is_picture(start):
            return read_picture_header(path)
        return read_safetensors_header(path, size)
    except OSError as error:
        raise UnusableFile(f"{path.name} cannot be read: {error.strerror or error}.") from error


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
    document = _parse(path, raw)
    metadata = document.pop("__metadata__", None) or {}
    if not isinstance(metadata, dict):
        raise UnusableFile(f"{path.name} has a damaged header: its metadata is no table.")
    tensors = _check_tensors(path, document, size - 8 - length)
    # The format knows texts only, but some programs wrote numbers.
    texts = {key: value for key, value in metadata.items() if isinstance(value, str | int | float)}
    return Header(tensors, {clean(key): clean(str(value)) for key, value in texts.items()})


def _parse(path: Path, raw: bytes) -> dict[str, Any]:  # Any: JSON values
    """The table in a header's JSON."""
    if raw.count(b"{") + raw.count(b"[") > MAX_BRACKETS or raw.count(b",") > MAX_COMMAS:
        raise UnusableFile(f"{path.name} describes more tensors than any known model, so it was not opened.")
    try:
        document = json.loads(raw.decode("utf-8"), object_pairs_hook=_refuse_duplicates)
    except DuplicateNameError as error:
        raise UnusableFile(
            f"{path.name} has a damaged header: {show_name(str(error))} stands in it twice. "
            "Download it again."
        ) from error
    except (ValueError, RecursionError) as error:
        raise UnusableFile(f"{path.name} is not a safetensors file: its header is not JSON.") from error
    if not isinstance(document, dict):
        raise UnusableFile(f"{path.name} is not a safetensors file: its header is no table of tensors.")
    return document


class DuplicateNameError(Exception):
    """A name stands twice in one table, so two readers could see two models."""


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:  # Any: JSON values
    table = dict(pairs)
    if len(table) < len(pairs):
        seen: set[str] = set()
        raise DuplicateNameError(next(key for key, _ in pairs if key in seen or seen.add(key)))
    return table


def clean(text: str) -> str:
    """Text that can be kept and shown: half characters, which JSON can spell, are replaced."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def show_name(name: str) -> str:
    """A tensor's name in a sentence."""
    return repr(name if len(name) <= SHOWN_NAME else f"{name[:SHOWN_NAME]}…")


def _check_tensors(path: Path, document: dict[str, Any], data_bytes: int) -> dict[str, TensorInfo]:
    """Tensor table whose offsets were seen to fill the file, to fit the shapes and not to overlap."""
    tensors: dict[str, TensorInfo] = {}
    spans: list[tuple[int, int]] = []
    for key, entry in document.items():
        try:
            tensors[clean(key)], span = _describe_tensor(entry)
        except (TypeError, KeyError, ValueError) as error:
            raise UnusableFile(
                f"{path.name} has a damaged header: tensor {show_name(key)} is not described properly."
            ) from error
        spans.append(span)
    spans.sort()
    last = max((end for _, end in spans), default=0)
    if last > data_bytes:
        raise UnusableFile(
            f"{path.name} is cut off: {_count(last - data_bytes)} are missing. Download it again."
        )
    if any(begin < end for (_, end), (begin, _) in pairwise(spans)):
        raise UnusableFile(f"{path.name} has a damaged header: two tensors share bytes. Download it again.")
    if last < data_bytes or any(begin > end for (_, end), (begin, _) in pairwise([(0, 0), *spans])):
        raise UnusableFile(
            f"{path.name} has a damaged header: some of its bytes belong to no tensor. Download it again."
        )
    return tensors


def _count(number: int) -> str:
    """A number of bytes in a sentence."""
    return f"{number:,} bytes"


def _describe_tensor(entry: dict[str, Any]) -> tuple[TensorInfo, tuple[int, int]]:
    """A tensor's description and its span of bytes; ValueError if they do not fit each other."""
    dtype, shape = entry["dtype"], tuple(entry["shape"])
    begin, end = entry["data_offsets"]
    if not isinstance(dtype, str) or len(shape) > MAX_DIMENSIONS:
        raise ValueError("a name and a few sides")
    for number in (*shape, begin, end):
        if type(number) is not int or not 0 <= number < MAX_SIDE:
            raise ValueError("sizes and places are whole numbers")
    if begin > end:
        raise ValueError("it ends before it begins")
    if dtype in ITEM_BYTES and math.prod(shape) * ITEM_BYTES[dtype] != end - begin:
        raise ValueError("the shape needs another number of bytes")
    return TensorInfo(clean(dtype), shape), (begin, end)


def is_diffusers_folder(path: Path) -> bool:
    """Whether a folder holds a diffusers pipeline."""
    return is_regular(path / "model_index.json")


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
        files = [file for file in regular_files(folder) if fnmatch(file.name, f"*model*{suffix}")]
        plain = [file for file in files if file.name.count(".") == 1]
        variants = {file.name.split(".")[-2] for file in files if file not in plain}
        if plain:
            return plain
        if variants:
            chosen = "fp16" if "fp16" in variants else min(variants)
            return [file for file in files if file.name.split(".")[-2] == chosen]
    return []
