"""LoRA files by A1111's names for them, and their hashes."""

import difflib
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from webui.core.model_file import ModelFile, ModelKind
from webui.library.catalog.catalog import Catalog

SHORT_HASH_DIGITS = 12
OUTPUT_NAME, TRAINERS_HASH = "ss_output_name", "sshs_model_hash"
# A1111 never takes this for an alias.
FORBIDDEN = "none"


@dataclass(frozen=True, slots=True)
class LoraEntry:
    """A LoRA: its file's name without folder and suffix, and the name its trainer gave it."""

    name: str
    alias: str
    file: ModelFile


@dataclass(frozen=True, slots=True)
class LoraNames:
    """Every name that finds a LoRA. Of two files with the same name, the later one is found, as in A1111."""

    entries: tuple[LoraEntry, ...]
    by_name: dict[str, LoraEntry]
    by_alias: dict[str, LoraEntry]
    ambiguous: frozenset[str]

    @classmethod
    def of(cls, files: Iterable[ModelFile]) -> "LoraNames":
        """Of these files."""
        entries = tuple(entry_of(file) for file in files)
        by_name: dict[str, LoraEntry] = {}
        by_alias: dict[str, LoraEntry] = {}
        ambiguous = {FORBIDDEN}
        for entry in entries:
            by_name[entry.name] = entry
            if entry.alias in by_alias:
                ambiguous.add(entry.alias.lower())
            by_alias[entry.name] = by_alias[entry.alias] = entry
        return cls(entries, by_name, by_alias, frozenset(ambiguous))

    def find(self, name: str) -> LoraEntry | None:
        """The LoRA of a file's name, or of an alias that only one has."""
        return (self.by_name if name.lower() in self.ambiguous else self.by_alias).get(name)

    def preferred(self, entry: LoraEntry, *, by_file_name: bool) -> str:
        """The name to write into a prompt: the alias, unless file names are wanted or several have it."""
        return entry.name if by_file_name or entry.alias.lower() in self.ambiguous else entry.alias

    def nearest(self, name: str) -> str | None:
        """The name spelled most like this one; None if nothing is near."""
        known = {spelled.lower(): spelled for spelled in self.by_alias}
        close = difflib.get_close_matches(name.lower(), known, n=1)
        return known[close[0]] if close else None


class LoraFiles:
    """The LoRAs of a catalog. May be used from any thread."""

    def __init__(self, catalog: Catalog) -> None:
        """Looks at the catalog when it is first asked."""
        self._catalog = catalog
        self._names: tuple[int, LoraNames] | None = None
        self._lock = threading.Lock()

    def names(self) -> LoraNames:
        """Every LoRA, as of the catalog's last scan."""
        version = self._catalog.version
        with self._lock:
            if self._names is None or self._names[0] != version:
                # Those that nothing here can use are found too, so that it can be said what they are for.
                others = [
                    file
                    for file in self._catalog.unusable()
                    if file.kind is ModelKind.LORA and not file.is_misplaced
                ]
                self._names = version, LoraNames.of([*others, *self._catalog.files(ModelKind.LORA)])
            return self._names[1]

    def find(self, name: str) -> LoraEntry | None:
        """The LoRA of a name; waits until all are known, and looks again before it gives up."""
        self._catalog.settle(ModelKind.LORA)
        found = self.names().find(name)
        if found is None:
            self._catalog.scan()
            found = self.names().find(name)
        return found

    def short_hash(self, entry: LoraEntry) -> str:
        """The 12 digits that A1111 writes: the trainer's hash, else that of the file's tensors."""
        written = entry.file.metadata.get(TRAINERS_HASH)
        return (written or self._catalog.data_hash(entry.file))[:SHORT_HASH_DIGITS]

    def local_names(self, hashes: Mapping[str, str], *, by_file_name: bool = False) -> dict[str, str]:
        """What LoRAs of a foreign picture are called here, by their names there, as far as it is known.

        `hashes` are those of the picture's infotext, by name there. No file is read for it: those whose hash
        was never computed are found only where they have the name.
        """
        names = self.names()
        wanted = {short for name, short in hashes.items() if self._known(names.find(name)) != short}
        known = ((self._known(entry), entry) for entry in (names.entries if wanted else ()))
        found = {short: entry for short, entry in known if short in wanted}
        return {
            name: names.preferred(found[short], by_file_name=by_file_name)
            for name, short in hashes.items()
            if short in found
        }

    def _known(self, entry: LoraEntry | None) -> str | None:
        """The short hash, if it is known without reading the file."""
        if entry is None:
            return None
        written = entry.file.metadata.get(TRAINERS_HASH) or self._catalog.known_data_hash(entry.file)
        return written[:SHORT_HASH_DIGITS] if written else None


def entry_of(file: ModelFile) -> LoraEntry:
    """A file's names."""
    name = file.stem
    return LoraEntry(name, file.metadata.get(OUTPUT_NAME) or name, file)
