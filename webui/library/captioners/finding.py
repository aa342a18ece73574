"""Which folders hold a captioner, told by the files in them. Opens no weights."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from webui.core.errors import ModelNotFound, UnusableFile
from webui.core.readable import readable
from webui.library.captioners.captioner import Captioner, CaptionerSort, is_named, usable, weights_name
from webui.library.captioners.published import PUBLISHED
from webui.library.files.file_types import PICKLE_SUFFIXES, is_being_written, is_temporary
from webui.store.files.regular_files import entries_of, is_folder_entry, is_regular_entry, read_regular

# A1111 keeps BLIP and DeepDanbooru in the first and the last.
ROOTS = ("BLIP", "Captioners", "WD", "torch_deepdanbooru")
# Deep enough for a cache of Hugging Face: models--OWNER--NAME/snapshots/REVISION.
MAX_DEPTH = 4
MAX_CONFIG_BYTES = 1_000_000
CONFIG, TAGS, ADAPTER = "config.json", "selected_tags.csv", "adapter_config.json"
# How Hugging Face's cache names the folder of a repository: this, owner, two dashes, name.
CACHED = "models--"
INDEX = "model.safetensors.index.json"
MODEL_TYPES = {"blip": CaptionerSort.BLIP, "florence2": CaptionerSort.FLORENCE2}
# One of these tells how pictures are brought to size, one of the others how numbers become words.
PICTURE_FILES = ("preprocessor_config.json", "processor_config.json")
WORD_FILES = ("tokenizer.json", "vocab.txt", "vocab.json")
# Of Florence-2 as its authors published it, which only code of their own can read.
FOREIGN_TEXT_TYPE = "florence2_language"
OLD_FILES = {
    "BLIP": (CaptionerSort.BLIP, "Salesforce/blip-image-captioning-base"),
    "torch_deepdanbooru": (CaptionerSort.WD_TAGGER, "SmilingWolf/wd-vit-tagger-v3"),
}


def find_captioners(models: Path) -> list[Captioner]:
    """All captioners below the folder of models, by id; those that cannot be used with their reason."""
    seen: set[str] = set()
    found = [each for root in ROOTS for each in CaptionerSearch(models, root, seen).captioners(models / root)]
    return sorted(found, key=lambda each: each.id.casefold())


def find_captioner(models: Path, name: str) -> Captioner:
    """The captioner of an id or a name. Raises ModelNotFound, and UnusableFile with its reason."""
    known = find_captioners(models)
    named = [each for each in known if is_named(each, name)]
    found = next(iter([*usable(named), *named]), None)
    if found is None:
        here = ", ".join(repr(each.name) for each in usable(known)) or "none"
        raise ModelNotFound(f"No captioner is named {name[:100]!r}. Those here: {here}.")
    if found.reason is not None:
        raise UnusableFile(f"{found.name} cannot be used. {found.reason}")
    return found


@dataclass(slots=True)
class CaptionerSearch:
    """Goes through one of the roots: links are followed, nothing is visited twice, hidden names left out."""

    models: Path
    root: str
    seen: set[str] = field(default_factory=set[str])

    def captioners(self, folder: Path, depth: int = MAX_DEPTH) -> Iterator[Captioner]:
        """The captioners in a folder and below it."""
        real = os.path.realpath(folder)
        if real in self.seen or depth < 0:
            return
        self.seen.add(real)
        entries = [each for each in entries_of(folder) if not each.name.startswith(".")]
        names = {each.name for each in entries if is_regular_entry(each)}
        captioner = self._captioner(folder, names)
        if captioner is not None:
            yield captioner
            return
        if folder == self.models / self.root:
            yield from self._of_a1111(folder, names)
        for entry in entries:
            if is_folder_entry(entry):
                yield from self.captioners(Path(entry.path), depth - 1)

    def _captioner(self, folder: Path, names: set[str]) -> Captioner | None:
        """The captioner that a folder with files of these names holds; None if it is none."""
        if weights_name(CaptionerSort.WD_TAGGER) in names:
            reason = None if TAGS in names else f"{TAGS} is missing beside model.onnx: put it there."
            return self._make(folder, CaptionerSort.WD_TAGGER, names, reason)
        if CONFIG in names:
            return self._of_config(folder, names)
        return None

    def _of_config(self, folder: Path, names: set[str]) -> Captioner | None:
        try:
            config = read_config(folder / CONFIG)
        except UnusableFile as error:
            return self._make(folder, CaptionerSort.BLIP, names, str(error)) if self.root == "BLIP" else None
        sort = MODEL_TYPES.get(str(config.get("model_type")))
        return self._make(folder, sort, names, reason_against(config, sort, names)) if sort else None

    def _of_a1111(self, folder: Path, names: set[str]) -> Iterator[Captioner]:
        """A1111's own files, which are there but cannot be used."""
        old = sorted(name for name in names if Path(name).suffix.lower() in PICKLE_SUFFIXES)
        if old and self.root in OLD_FILES:
            sort, repo = OLD_FILES[self.root]
            reason = f"{readable(old[0])} is in A1111's own layout, which is not read here. Fetch {repo}."
            yield self._make(folder, sort, names, reason)

    def _make(self, folder: Path, sort: CaptionerSort, names: set[str], reason: str | None) -> Captioner:
        weights, name = weights_name(sort), name_of(folder)
        if weights in names and (is_temporary(weights) or is_being_written(weights, names)):
            reason = f"{weights} is not whole yet: it is still being written."
        size, changed = measure(folder, names)
        return Captioner(
            id=readable(folder.relative_to(self.models).as_posix()),
            name=readable(name),
            sort=sort,
            folder=folder,
            size=size,
            mtime_ns=changed,
            licence=licence_of(name),
            reason=reason,
        )


def reason_against(config: dict[str, Any], sort: CaptionerSort, names: set[str]) -> str | None:
    """Why a folder of transformers' files cannot be used, as a sentence; None if it can."""
    text = config.get("text_config")
    home = next(each.repo for each in PUBLISHED if each.sort is sort)
    if isinstance(text, dict) and cast("dict[str, Any]", text).get("model_type") == FOREIGN_TEXT_TYPE:
        return (
            "It is in the layout of its authors, which only program code from the internet can read; such "
            f"code is never run here. Fetch {home}, which is the same network."
        )
    if weights_name(sort) not in names:
        return missing_weights(names, home)
    if ADAPTER in names:
        return f"It has an adapter ({ADAPTER}), which is not used here. Take that file out of the folder."
    if not names.intersection(PICTURE_FILES):
        return "preprocessor_config.json is missing, which says how pictures are prepared: put it there."
    if not names.intersection(WORD_FILES):
        return "tokenizer.json is missing, which says how numbers become words: put it there."
    return None


def missing_weights(names: set[str], repo: str) -> str:
    """What to do where there is no file of weights that is read here."""
    if INDEX in names:
        return "Its weights lie in several files. Only one file, model.safetensors, is read."
    pickles = sorted(name for name in names if Path(name).suffix.lower() in PICKLE_SUFFIXES)
    if pickles:
        return (
            f"{readable(pickles[0])} is a pickle, which could run program code and is never opened here. Put "
            f"model.safetensors of the same network beside it, such as that of {repo}."
        )
    return f"model.safetensors is missing. Put it there, or fetch {repo}."


def read_config(path: Path) -> dict[str, Any]:
    """A file of JSON with an object in it. Any: JSON values. Raises UnusableFile."""
    try:
        values = json.loads(read_regular(path, MAX_CONFIG_BYTES))
    except (OSError, ValueError, RecursionError) as error:
        raise UnusableFile(f"{path.name} is no readable JSON. Download it again.") from error
    if not isinstance(values, dict):
        raise UnusableFile(f"{path.name} is no JSON object. Download it again.")
    return cast("dict[str, Any]", values)


def measure(folder: Path, names: set[str]) -> tuple[int, int]:
    """Bytes of a folder's files together, and when the latest of them changed."""
    sizes, changes = [0], [0]
    for name in names:
        try:
            stat = (folder / name).stat()
        except OSError:
            continue
        sizes.append(stat.st_size)
        changes.append(stat.st_mtime_ns)
    return sum(sizes), max(changes)


def name_of(folder: Path) -> str:
    """What a captioner is called: as its folder, or as the repository in a cache of Hugging Face."""
    cached = next((part for part in reversed(folder.parts[-3:]) if part.startswith(CACHED)), None)
    return cached.removeprefix(CACHED).partition("--")[2] if cached else folder.name


def licence_of(name: str) -> str:
    """The licence of a published captioner of this name; empty for others."""
    return next((each.licence for each in PUBLISHED if each.name.casefold() == name.casefold()), "")
