"""data/settings.json: the options that differ from the defaults, by A1111's keys, for people to edit too."""

import json
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from webui.core.errors import InvalidRequest, UnusableFile, WebuiError
from webui.core.settings import Settings
from webui.store.files.atomic import write_atomically
from webui.store.files.folder_rules import FolderRules

logger = logging.getLogger(__name__)

MAX_BYTES = 10_000_000
NOTHING = object()
# Spellings of A1111 and its extensions for what is one value here.
SPELLINGS = {"samples_format": {"jpeg": "jpg"}, "grid_format": {"jpeg": "jpg"}}


@dataclass(frozen=True, slots=True)
class ImportedOptions:
    """What was found in a file, which may be A1111's config.json: usable options, unknown keys, refusals."""

    options: dict[str, Any]
    unknown: tuple[str, ...]
    refused: tuple[str, ...]


class SettingsFile:
    """The settings and their file. Any thread may read `current` and call `change`.

    Keys that are unknown and values that are not valid stay in the file; `messages` tells of them.
    """

    def __init__(self, path: Path, rules: FolderRules | None = None, *, frozen: bool = False) -> None:
        """Reads the file if there is one; a file that cannot be read at all is put aside.

        `rules` say which folders may be chosen by changes; what stands in the file is its owner's choice.
        `frozen` settings cannot be changed (--freeze-settings).
        """
        self._rules = rules or FolderRules(path.parent)
        self._path = path
        self._frozen = frozen
        self._lock = threading.RLock()
        self._kept: dict[str, Any] = {}
        self._listeners: list[Callable[[list[str]], None]] = []
        self._messages: tuple[str, ...] = ()
        self._stamp: tuple[int, int] | None = None
        self._current = Settings()
        self.reload()

    @property
    def path(self) -> Path:
        """Where the file lies, or will."""
        return self._path

    @property
    def current(self) -> Settings:
        """The settings as they are now; a frozen value."""
        return self._current

    @property
    def others(self) -> Mapping[str, Any]:
        """What stands in the file under keys that are no settings here; a new object after each change."""
        return self._kept

    @property
    def messages(self) -> tuple[str, ...]:
        """Sentences about what was odd in the file when it was last read."""
        return self._messages

    def reload(self) -> Settings:
        """Read the file again, after somebody edited it."""
        with self._lock:
            self._stamp = stamp(self._path)
            try:
                found = read_options(self._path)
                problem = ()
            except UnusableFile as error:
                found, problem = {}, (f"{error} {put_aside(self._path)}",)
            imported = sort_options(found, Settings())
            self._kept = {key: value for key, value in found.items() if key not in imported.options}
            self._messages = (*problem, *explain_options(imported, self._path.name))
            for message in self._messages:
                logger.warning("%s", message)
            self._current = Settings().changed(imported.options)
            return self._current

    def listen(self, listener: Callable[[list[str]], None]) -> None:
        """Have a function called after each change, on its thread, with the keys that changed."""
        self._listeners.append(listener)

    def keep_others(self, values: Mapping[str, Any]) -> None:
        """Keep values, as they are, under keys that are no settings here. Raises InvalidRequest."""
        self._refuse_if_frozen()
        known = Settings.keys()
        assert not known.keys() & values.keys(), "settings are changed by `change`"
        try:
            json.dumps(values, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidRequest(f"A setting of {', '.join(values)} cannot be kept: {error}.") from error
        with self._lock:
            if stamp(self._path) != self._stamp:
                self.reload()
            changed = [key for key, value in values.items() if self._kept.get(key, NOTHING) != value]
            self._write(self._current, {**self._kept, **values})
        self._tell(changed)

    def _refuse_if_frozen(self) -> None:
        if self._frozen:
            raise InvalidRequest(
                "The settings are frozen. Start the server without --freeze-settings to change them."
            )

    def _write(self, settings: Settings, kept: dict[str, Any]) -> None:
        write_atomically(self._path, as_json(settings, kept))
        self._stamp, self._kept, self._current = stamp(self._path), kept, settings

    def _tell(self, keys: list[str]) -> None:
        for listener in self._listeners if keys else []:
            listener(keys)

    def _plan(self, options: dict[str, Any]) -> tuple[Settings, Settings]:
        """The settings as they are on disk, and with these options. Raises NotFound or InvalidRequest."""
        if stamp(self._path) != self._stamp:
            self.reload()
        before, changed = self._current, self._current.changed(options)
        self._rules.check(before, changed)
        return before, changed

    def check(self, options: dict[str, Any]) -> None:
        """Raise what `change` would raise, and change nothing."""
        self._refuse_if_frozen()
        with self._lock:
            self._plan(options)

    def change(self, options: dict[str, Any]) -> Settings:
        """Change options by key and save. Raises NotFound or InvalidRequest, and then nothing was changed."""
        self._refuse_if_frozen()
        with self._lock:
            before, changed = self._plan(options)
            kept = {key: value for key, value in self._kept.items() if key not in options}
            self._write(changed, kept)
        old, new = before.options(), changed.options()
        self._tell([key for key in options if new[key] != old[key]])
        return changed


def stamp(path: Path) -> tuple[int, int] | None:
    """What changes when a file is edited; None where there is no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def as_json(settings: Settings, kept: dict[str, Any]) -> bytes:
    """The options that differ from the defaults, and what else stood in the file."""
    defaults = Settings().model_dump(mode="json")
    values = settings.model_dump(mode="json")
    changed = {
        key: values[section][field]
        for key, (section, field) in Settings.keys().items()
        if values[section][field] != defaults[section][field]
    }
    return (json.dumps(changed | kept, indent=4, ensure_ascii=False) + "\n").encode(errors="replace")


def read_options(path: Path) -> dict[str, Any]:
    """The JSON object in a file; nothing where there is no file. Raises UnusableFile."""
    # Whatever JSON holds; checked below.
    found: Any
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UnusableFile(f"{path.name} is too large to be a list of options.")
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise UnusableFile(f"{path.name} cannot be read: {error}.") from error
    if not isinstance(found, dict):
        raise UnusableFile(f"{path.name} should hold an object with option names, such as {{}}.")
    return cast("dict[str, Any]", found)


def put_aside(path: Path) -> str:
    """Rename a damaged file, so that it can be mended; the sentence that says so."""
    broken = path.with_name(f"{path.name}.broken")
    number = 1
    while broken.exists():
        number += 1
        broken = path.with_name(f"{path.name}.broken-{number}")
    try:
        path.rename(broken)
    except OSError as error:
        return f"The default settings are used, and the file will be replaced ({error.strerror})."
    return f"The default settings are used; the file was kept as {broken.name}."


def sort_options(found: dict[str, Any], base: Settings) -> ImportedOptions:
    """Options sorted into usable ones, unknown keys and refused values; None means unset in A1111."""
    known = Settings.keys()
    options: dict[str, Any] = {}
    refused: list[str] = []
    for key, value in found.items():
        if key not in known or value is None:
            continue
        ours = SPELLINGS.get(key, {}).get(value, value) if isinstance(value, str) else value
        try:
            base = base.changed({key: ours})
            options[key] = ours
        except WebuiError as error:
            refused.append(str(error))
    unknown = tuple(key for key in found if key not in known)
    return ImportedOptions(options, unknown, tuple(refused))


def explain_options(imported: ImportedOptions, name: str) -> tuple[str, ...]:
    """What to tell about keys and values that are not used."""
    unknown = [
        f"{name} has options unknown here, which were left as they are: {', '.join(imported.unknown)}."
    ]
    refused = [f"{sentence} The default is used; correct it in {name}." for sentence in imported.refused]
    return tuple((unknown if imported.unknown else []) + refused)
