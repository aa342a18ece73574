"""Names and shapes of a file's tensors, whatever the file is."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from webui.core.errors import UnusableFile
from webui.library.files.limits import MAX_DEPTH, MAX_ENTRIES, MAX_NAME_CHARACTERS

WRAPPERS = ("state_dict", "params_ema", "params")
Leaf = TypeVar("Leaf")


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """Element type (safetensors' name, such as F16) and shape of one tensor."""

    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Header:
    """Names and shapes of a file's tensors, and its metadata.

    `layout` is "safetensors", "pickle", "gguf" or "diffusers" (a folder; names then start with `unet/`,
    `vae/`, …).
    """

    tensors: dict[str, TensorInfo]
    metadata: dict[str, str] = field(default_factory=dict)
    layout: str = "safetensors"

    @cached_property
    def _sorted_names(self) -> list[str]:
        return sorted(self.tensors)

    def __contains__(self, key: str) -> bool:
        """Whether a tensor of that name exists."""
        return key in self.tensors

    def has(self, *prefixes: str) -> bool:
        """Whether every one of these dotted prefixes (ending in "." or "/") leads some tensor's name."""
        return all(self._leads(prefix) for prefix in prefixes)

    def _leads(self, prefix: str) -> bool:
        """Whether some name begins so; the names are sorted, so the first candidate tells."""
        if not prefix.endswith((".", "/")):
            return False
        place = bisect_left(self._sorted_names, prefix)
        return place < len(self._sorted_names) and self._sorted_names[place].startswith(prefix)

    def shape(self, key: str) -> tuple[int, ...] | None:
        """Shape of a tensor, None if there is no such tensor."""
        info = self.tensors.get(key)
        return info.shape if info else None


def flatten(content: object, leaf: type[Leaf], name: str) -> dict[str, Leaf]:
    """Every leaf of nested tables under its dotted name; the usual wrapping table is taken off.

    `name` is the file's, for the sentence that refuses endless tables.
    """
    # Tables that hold each other would be unwrapped for ever, and walked through for nearly as long.
    for _ in range(MAX_DEPTH):
        if isinstance(content, Mapping):
            wrapped = (content[key] for key in WRAPPERS if isinstance(content.get(key), Mapping))
            content = next(wrapped, content)
    found: dict[str, Leaf] = {}
    for count, (path, value) in enumerate(_walk(content, "", MAX_DEPTH, leaf)):
        if count > MAX_ENTRIES or len(path) > MAX_NAME_CHARACTERS:
            raise UnusableFile(f"{name} holds more entries than any known model, so it was not opened.")
        if isinstance(value, leaf):
            found[path or "tensor"] = value
    return found


def _walk(value: object, name: str, depth: int, leaf: type) -> Iterator[tuple[str, object]]:
    """The value and everything below it, with dotted names; nothing is below a leaf."""
    yield name, value
    if not depth or isinstance(value, leaf):
        return
    if isinstance(value, Mapping):
        for key, item in value.items():
            if isinstance(key, str | int):
                yield from _walk(item, f"{name}.{key}" if name else str(key), depth - 1, leaf)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _walk(item, f"{name}.{index}" if name else str(index), depth - 1, leaf)
