"""A named prompt preset, as it stands in a styles.csv."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Style:
    """A preset; `path` is the file it lives in, or None for the default file."""

    name: str
    prompt: str = ""
    negative_prompt: str = ""
    path: Path | None = None
