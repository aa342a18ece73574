"""Wildcard files: lists of phrases in a folder, as text, YAML or JSON, found by name or pattern."""

import json
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any, cast

logger = logging.getLogger(__name__)
MAX_BYTES = 20 * 2**20
MAX_FILES = 50_000
MAX_LINES = 1_000_000
MAX_DEPTH = 16
SUFFIXES = (".txt", ".yaml", ".yml", ".json")
Read = Callable[[], Sequence["Phrase"]]


@dataclass(frozen=True, slots=True)
class Phrase:
    """One phrase and its weight."""

    text: str
    weight: float = 1.0


class Lists:
    """The lists in a folder, as they are when they are first asked for. Nothing outside it is read."""

    def __init__(self, folder: Path | None) -> None:
        """Without a folder, or where it is not there, there are no lists."""
        self._folder = folder
        self._found: dict[str, Sequence[Phrase]] = {}

    def find(self, pattern: str) -> Sequence[Phrase]:
        """The lines of all lists that a name (`animals/cats`) or a pattern (`animals/*`) finds; each once."""
        if pattern not in self._found:
            lines = [line for name in self._names(clean(pattern)) for line in self._lists[name]()]
            self._found[pattern] = tuple(dict.fromkeys(lines))
        return self._found[pattern]

    def nearest(self, name: str) -> str:
        """A name like this one; empty if there is none."""
        return next(iter(get_close_matches(clean(name), list(self._lists)[:5000], 1)), "")

    def _names(self, pattern: str) -> list[str]:
        if pattern in self._lists:
            return [pattern]
        for wanted in (pattern, f"**/{pattern}", pattern.lower(), f"**/{pattern.lower()}"):
            is_lower = wanted == wanted.lower()
            found = [each for each in self._lists if fnmatchcase(each.lower() if is_lower else each, wanted)]
            if found and pattern:
                return found
        return []

    @cached_property
    def _lists(self) -> Mapping[str, Read]:
        """What reads each list, by name."""
        found: dict[str, Read] = {}
        for file, name in list_files(self._folder) if self._folder else ():
            if file.suffix.lower() == ".txt":
                found[name] = lambda file=file: read_lines(file)
            else:
                folder = name.rpartition("/")[0]
                for own, lines in read_structure(file, name.rpartition("/")[2]):
                    found[f"{folder}/{own}".strip("/")] = lambda lines=lines: lines
        return found


def clean(name: str) -> str:
    """A name as lists have them: with slashes, none at the ends."""
    return "/".join(part for part in name.strip().replace("\\", "/").split("/") if part)


def list_files(folder: Path) -> Iterator[tuple[Path, str]]:
    """Wildcard files below a folder and their names, in order. Links that lead out of it are left out."""
    if not folder.is_dir():
        return
    home, count = folder.resolve(), 0
    for place, folders, files in os.walk(folder):
        here = Path(place)
        is_deep = len(here.relative_to(folder).parts) >= MAX_DEPTH
        folders[:] = [] if is_deep else sorted(each for each in folders if not each.startswith("."))
        for name in sorted(files):
            file = here / name
            is_ours = file.suffix.lower() in SUFFIXES and not name.startswith(".")
            if is_ours and file.resolve().is_relative_to(home) and file.is_file() and count < MAX_FILES:
                count += 1
                yield file, file.relative_to(folder).with_suffix("").as_posix()


def read_text(file: Path) -> str:
    """The text of a file, empty for one that is too large or cannot be read."""
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)
    except OSError as error:
        logger.warning("The wildcards of %s cannot be read: %s", file.name, error)
        return ""
    if len(data) > MAX_BYTES:
        logger.warning("The wildcards of %s are left out: the file has more than 20 MB.", file.name)
        return ""
    return data.decode("utf-8-sig", errors="replace")


def read_lines(file: Path) -> Sequence[Phrase]:
    """The phrases of a text file: one a line, without empty lines and those that begin with #."""
    lines = (line.strip() for line in read_text(file).splitlines())
    return tuple(weigh(line) for line in lines if line and not line.startswith("#"))


def weigh(text: str) -> Phrase:
    """A phrase, with its weight if it has one: `2::a cat`."""
    before, mark, after = text.partition("::")
    if mark and before.strip().replace(".", "", 1).isdecimal() and len(before) < 16:
        return Phrase(after.strip(), float(before))
    return Phrase(text)


def read_structure(file: Path, name: str) -> Iterator[tuple[str, Sequence[Phrase]]]:
    """The lists of a YAML or JSON file by their paths in it; a file that is one list has the file's name."""
    try:
        content = load(file)
    except (ValueError, RecursionError) as error:
        logger.warning("The wildcards of %s cannot be read: %s", file.name, error)
        return
    yield from walk(content, name if isinstance(content, list | str) else "", [MAX_LINES])


def load(file: Path) -> object:
    """What a YAML or JSON file holds: plain values only. Raises ValueError, or RecursionError."""
    if file.suffix.lower() == ".json":
        return json.loads(read_text(file))
    # Loaded where it is needed: it takes a while.
    import yaml

    try:
        return yaml.load(read_text(file), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, TypeError, AttributeError) as error:
        raise ValueError(str(error)) from error


def walk(
    content: object, path: str, left: list[int], depth: int = 0
) -> Iterator[tuple[str, Sequence[Phrase]]]:
    """Lists below a value; `left` is how many lines may still come, as aliases can repeat them for ever."""
    left[0] -= 1
    if depth > MAX_DEPTH or left[0] < 0:
        return
    if isinstance(content, dict):
        for key, value in cast(dict[object, Any], content).items():
            yield from walk(value, f"{path}/{key}".strip("/"), left, depth + 1)
    elif isinstance(content, list | str):
        items = cast(list[object], content if isinstance(content, list) else [content])
        left[0] -= len(items)
        if path and left[0] >= 0 and (lines := [line for item in items if (line := read_item(item))]):
            yield path, tuple(lines)


def read_item(item: object) -> Phrase | None:
    """An entry of a list: a phrase, or an object with `text` (or `content`) and `weight`."""
    if isinstance(item, str):
        return weigh(item) if item.strip() else None
    if isinstance(item, int | float) and not isinstance(item, bool):
        return Phrase(str(item))
    if not isinstance(item, dict):
        return None
    fields = cast(dict[str, object], item)
    text, weight = fields.get("text") or fields.get("content"), fields.get("weight", 1)
    is_weight = isinstance(weight, int | float) and 0 <= weight < float("inf")
    return Phrase(str(text), float(cast(float, weight)) if is_weight else 1.0) if text else None
