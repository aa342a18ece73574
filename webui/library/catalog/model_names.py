"""The many names of one model: every way in which A1111 and its infotexts call it must find it."""

import difflib
import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from webui.core.model_file import ModelFile

TRAILING_HASH = re.compile(r"\s*\[[^\[\]]*\]\s*$")


def model_name(file: ModelFile) -> str:
    """A1111's `model_name`: the path below its folder without suffix, parts joined by "_"."""
    return strip_suffix(file).replace("/", "_").replace("\\", "_")


def strip_suffix(file: ModelFile) -> str:
    """The path below its folder without suffix; a diffusers folder has none to take off."""
    return file.name if file.path.is_dir() else str(PurePosixPath(file.name).with_suffix(""))


def aliases(file: ModelFile) -> set[str]:
    """Everything that names exactly this file."""
    names = {file.name, model_name(file), strip_suffix(file), file.stem, file.file_name, file.title}
    hashes = {digest for digest in (file.old_hash, file.short_hash, file.sha256) if digest}
    return names | hashes | {f"{name} [{digest}]" for name in names for digest in hashes}


def match(files: Sequence[ModelFile], name: str) -> ModelFile | None:
    """The file of that name or hash; else, as in A1111, the one of the shortest title that has the name in
    it.
    """
    exact = next((file for file in files if name in aliases(file)), None)
    if exact is not None:
        return exact
    for wanted in dict.fromkeys((name, TRAILING_HASH.sub("", name))):
        exact = next((file for file in files if wanted in aliases(file)), None)
        found = (
            [exact] if exact else sorted((f for f in files if wanted in f.title), key=lambda f: len(f.title))
        )
        if wanted and found:
            return found[0]
    return None


def nearest(files: Sequence[ModelFile], name: str) -> str | None:
    """The name spelled most like this one, None if nothing is near."""
    known = {spelled.lower(): file.name for file in files for spelled in (file.name, file.stem)}
    close = difflib.get_close_matches(TRAILING_HASH.sub("", name).lower(), list(known), n=1)
    return known[close[0]] if close else None


def natural_order(file: ModelFile) -> list[tuple[int, int | str]]:
    """Sorts numbers in names by value and letters without case."""
    parts = re.split(r"(\d+)", file.name.lower())
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts]
