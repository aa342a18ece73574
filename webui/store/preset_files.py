"""Presets on disk: one JSON file each, called as the preset is. People may copy files in and out."""

import re
from dataclasses import dataclass
from pathlib import Path

from webui.core.errors import Busy, InvalidRequest, NotFound, UnusableFile, WebuiError
from webui.core.preset import MAX_NAME, MAX_PRESET_BYTES, Preset, read_preset, too_large
from webui.core.readable import readable
from webui.store.files.atomic import move_exclusively, storage_errors, write_atomically, write_beside
from webui.store.files.regular_files import read_regular, regular_files
from webui.store.files.safe_names import safe_name
from webui.store.trash import Trash

PRESETS = "presets"
SUFFIX = ".json"
KIND = "preset"
# Deleted ones are small, but need not be kept for ever.
MOST_DELETED = 200


@dataclass(frozen=True, slots=True)
class KeptPreset:
    """A preset by its name; `modified` is a time in s."""

    name: str
    preset: Preset
    modified: float


class PresetFiles:
    """The presets of a folder. Any thread: each file is written whole, and nothing else is held."""

    def __init__(self, folder: Path) -> None:
        """Makes the folder only when something is kept."""
        self._folder = folder
        self._trash = Trash([folder])

    def all(self) -> tuple[list[KeptPreset], list[str]]:
        """All presets by name, and a sentence on each file that is damaged."""
        kept: list[KeptPreset] = []
        problems: list[str] = []
        for path in self._files():
            try:
                kept.append(read(path))
            except WebuiError as error:
                problems.append(str(error))
        return sorted(kept, key=lambda each: each.name.lower()), problems

    def find(self, name: str) -> KeptPreset:
        """A preset by its name. Raises NotFound, or UnusableFile for a damaged file."""
        return read(self._path(name))

    def save(self, name: str, preset: Preset, *, replace: bool = False) -> KeptPreset:
        """Keep a preset. Raises InvalidRequest for an empty name, Busy where another has it."""
        plain = plain_name(name)
        path = self._known(plain) or self._folder / f"{plain}{SUFFIX}"
        data = preset.model_copy(update={"name": plain}).as_json()
        if replace:
            write_atomically(path, data)
            return read(path)
        with storage_errors(path), write_beside(path, data) as temporary:
            if not move_exclusively(temporary, path):
                raise Busy(f"There is a preset {plain!r} already. Choose another name, or update that one.")
        return read(path)

    def add(self, preset: Preset, otherwise: str) -> tuple[str, bool]:
        """Keep one that came: the name it has here, and whether it is new. Nothing is replaced."""
        wanted, number = plain_name(preset.name or otherwise), 1
        name = wanted
        while True:
            known = self._known(name)
            if known is not None and is_same(known, preset):
                return name, False
            if known is None:
                try:
                    return self.save(name, preset).name, True
                except Busy:
                    # Something else has this name, such as a folder, or another request was quicker.
                    pass
            number += 1
            name = f"{wanted} ({number})"

    def rename(self, name: str, new_name: str) -> KeptPreset:
        """Call it otherwise. Raises Busy where another preset has the name."""
        kept, old = self.find(name), self._path(name)
        if plain_name(new_name) == name:
            return kept
        renamed = self.save(new_name, kept.preset)
        with storage_errors(old):
            old.unlink()
        return renamed

    def delete(self, name: str) -> str:
        """Put it into the trash; the id by which it comes back."""
        trashed = self._trash.put(self._path(name), [], name=name, kind=KIND)
        for old in self._trash.all()[MOST_DELETED:]:
            self._trash.delete(old.id)
        return trashed.id

    def restore(self, identity: str) -> str:
        """Put a deleted one back; its name, with a number if that was taken since."""
        return self._trash.restore(identity).stem

    def _files(self) -> list[Path]:
        return [path for path in regular_files(self._folder) if path.suffix == SUFFIX]

    def _known(self, name: str) -> Path | None:
        return next((path for path in self._files() if path.stem == name), None)

    def _path(self, name: str) -> Path:
        path = self._known(name)
        if path is None:
            raise NotFound(f"There is no preset named {name[:MAX_NAME]!r}. Reload the list.")
        return path


def read(path: Path) -> KeptPreset:
    """A preset from its file. Raises NotFound where it has gone, UnusableFile where it is damaged."""
    what = readable(path.name)
    try:
        modified, size = path.stat().st_mtime, path.stat().st_size
        if size > MAX_PRESET_BYTES:
            raise UnusableFile(too_large(what))
        data = read_regular(path, MAX_PRESET_BYTES)
    except FileNotFoundError as error:
        raise NotFound(f"The preset {path.stem!r} has gone meanwhile. Reload the list.") from error
    except OSError as error:
        raise UnusableFile(f"{what} cannot be read: {error.strerror or error}.") from error
    return KeptPreset(readable(path.stem), read_preset(data, what), modified)


def is_same(path: Path, preset: Preset) -> bool:
    """Whether a file holds this preset."""
    try:
        return read(path).preset.is_same(preset)
    except WebuiError:
        return False


def plain_name(name: str) -> str:
    """A name that is a file name on every system. Raises InvalidRequest for an empty one."""
    # Not a path: "ink/wash" is one name. With the suffix, so that "v1.5" is whole too.
    written = re.sub(r"[/\\]", "_", name[:MAX_NAME].strip())
    plain = safe_name(f"{written}{SUFFIX}", otherwise="").removesuffix(SUFFIX).strip()
    if not plain.strip("_") or plain == SUFFIX.strip("."):
        raise InvalidRequest("A preset needs a name. Give it one with letters or digits.")
    return plain
