"""By which ends of their names model files are looked for; what they are is told by their content."""

import re
from collections.abc import Container

SAFETENSORS_SUFFIXES = frozenset({".safetensors", ".sft"})
PICKLE_SUFFIXES = frozenset({".ckpt", ".pt", ".pth", ".bin"})
GGUF_SUFFIXES = frozenset({".gguf"})
MODEL_SUFFIXES = SAFETENSORS_SUFFIXES | PICKLE_SUFFIXES | GGUF_SUFFIXES
# What browsers and download programs add to a name until the file is whole.
UNFINISHED = (
    ".part", ".partial", ".tmp", ".temp", ".crdownload", ".download", ".downloading", ".incomplete",
    ".opdownload", ".aria2", ".aria2__temp", ".!qb", ".!ut", ".filepart", ".unfinished",
)  # fmt: skip
# Some put it before the suffix: `lion.part.safetensors`, `lion.tmp-1a2b.safetensors`.
UNFINISHED_WITHIN = re.compile(
    r"\.(part|partial|tmp|temp|crdownload|incomplete|unfinished)([-_.][0-9a-z]+)?\.[a-z0-9]+$"
)


def is_temporary(name: str) -> bool:
    """Whether a file's name says that it is not whole yet, or is not meant to be seen."""
    lower = name.lower()
    return lower.startswith((".", "~")) or lower.endswith(UNFINISHED) or bool(UNFINISHED_WITHIN.search(lower))


def is_being_written(name: str, names: Container[str]) -> bool:
    """Whether one of the names in its folder is that of a program's notes on an unfinished download."""
    return any(name + end in names for end in (".part", ".aria2", ".crdownload", ".download", ".st", ".tmp"))
