"""Every card in memory, made anew when the catalog changed; searches and pages touch no file."""

import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Iterable
from operator import attrgetter
from pathlib import Path

from webui.core.errors import NotFound
from webui.core.model_file import ModelFile
from webui.models.cards.card import CardEntry, CardFolder, CardPage, CardQuery, card_id, make_entry
from webui.models.catalog import Catalog
from webui.store.card_cache import CardCache
from webui.store.sidecars import PREVIEW_ENDS, READ_ENDS, CardText, base_name, preview_end, read_card

logger = logging.getLogger(__name__)

SORT_KEYS = {
    "modified": attrgetter("file.mtime_ns"),
    "size": attrgetter("file.size"),
    "family": attrgetter("file.family"),
}
Listing = dict[str, "os.DirEntry[str]"]


class CardIndex:
    """The cards of all models. Any thread."""

    def __init__(self, catalog: Catalog, cache: CardCache) -> None:
        """Reads nothing before the first question."""
        self._catalog = catalog
        self._cache = cache
        self._lock = threading.RLock()
        self._entries: dict[str, CardEntry] = {}
        self._seen: int | None = None
        self._edits = 0

    @property
    def version(self) -> str:
        """Changes when anything about the cards did."""
        return f"{self._catalog.version}.{self._edits}"

    def page(self, query: CardQuery) -> CardPage:
        """The cards that match, a page of them."""
        entries = [entry for entry in self.entries() if query.kind is None or entry.file.kind == query.kind]
        folders = folders_of(entries)
        matching = [entry for entry in entries if is_match(entry, query)]
        fitting = [entry for entry in matching if entry.file.fits(query.family)]
        key = SORT_KEYS.get(query.sort)
        if key is not None:
            fitting.sort(key=key)
        if query.descending:
            fitting.reverse()
        chosen = fitting[query.offset : query.offset + query.limit]
        return CardPage(
            total=len(fitting),
            hidden=len(matching) - len(fitting),
            offset=query.offset,
            cards=[entry.card for entry in chosen],
            folders=folders,
            version=self.version,
        )

    def entries(self) -> list[CardEntry]:
        """All cards, by name, made anew if the catalog changed."""
        with self._lock:
            version = self._catalog.version
            if version != self._seen:
                self._rebuild()
                self._seen = version
            return list(self._entries.values())

    def find(self, identity: str) -> CardEntry:
        """The card of an id. Raises NotFound."""
        self.entries()
        entry = self._entries.get(identity)
        if entry is None:
            raise NotFound("There is no such card any more. Refresh the list.")
        return entry

    def of(self, file: ModelFile) -> CardEntry:
        """The card of a file. Raises NotFound."""
        return self.find(card_id(file.path))

    def reread(self) -> None:
        """Look at the folders and all sidecars again."""
        with self._lock:
            self._catalog.scan()
            self._seen = None
            self._edits += 1
            self.entries()

    def refresh(self, path: Path) -> CardEntry:
        """Read the sidecars of one file again, after they were changed."""
        with self._lock:
            known = self.find(card_id(path))
            listing = listed(path.parent)
            ends = ends_of(path, listing)
            entry = make_entry(known.file, read_card(path, ends), preview_stamp(path, ends, listing))
            self._entries[known.id] = entry
            self._edits += 1
            return entry

    def _rebuild(self) -> None:
        start = time.perf_counter()
        files = self._catalog.all_files()
        known = self._cache.all()
        fresh: dict[Path, tuple[str, CardText]] = {}
        listings: dict[Path, Listing] = {}
        entries: dict[str, CardEntry] = {}
        for file in files:
            folder = file.path.parent
            if folder not in listings:
                listings[folder] = listed(folder)
            listing = listings[folder]
            ends = ends_of(file.path, listing)
            stamp = stamp_of(file.path, ends, listing)
            cached = known.get(file.path)
            if not stamp:
                text = CardText()
            elif cached is not None and cached[0] == stamp:
                text = cached[1]
            else:
                text = read_card(file.path, ends)
                fresh[file.path] = (stamp, text)
            entry = make_entry(file, text, preview_stamp(file.path, ends, listing))
            entries[entry.id] = entry
        self._cache.put(fresh)
        self._entries = entries
        logger.debug("Made %d cards in %.2f s", len(entries), time.perf_counter() - start)


def listed(folder: Path) -> Listing:
    """What lies in a folder, by name."""
    try:
        with os.scandir(folder) as entries:
            return {entry.name: entry for entry in entries}
    except OSError:
        return {}


def ends_of(path: Path, listing: Listing) -> tuple[str, ...]:
    """Which sidecars a file has."""
    base = base_name(path)
    return tuple(end for end in (*READ_ENDS, *PREVIEW_ENDS) if base + end in listing)


def stamp_of(path: Path, ends: Iterable[str], listing: Listing) -> str:
    """What changes when a sidecar that is read changes; empty where there is none."""
    base = base_name(path)
    return " ".join(
        f"{end}:{stat.st_size}:{stat.st_mtime_ns}"
        for end in ends
        if end in READ_ENDS and (stat := stat_of(listing[base + end])) is not None
    )


def preview_stamp(path: Path, ends: Iterable[str], listing: Listing) -> int:
    """What changes when the preview does; 0 without one."""
    end = preview_end(path, ends)
    stat = stat_of(listing[base_name(path) + end]) if end else None
    return stat.st_mtime_ns ^ stat.st_size if stat else 0


def stat_of(entry: "os.DirEntry[str]") -> os.stat_result | None:
    """Size and time of a file, None if it went away."""
    try:
        return entry.stat()
    except OSError:
        return None


def is_match(entry: CardEntry, query: CardQuery) -> bool:
    """Whether a card has every word, lies in the folder, and is a favourite if only those are wanted."""
    if query.favourites and not entry.text.favourite:
        return False
    if query.folder and entry.folder != query.folder and not entry.folder.startswith(f"{query.folder}/"):
        return False
    return all(word in entry.searched for word in query.text.casefold().split())


def folders_of(entries: Iterable[CardEntry]) -> list[CardFolder]:
    """The folders with their counts, those above them included, in order."""
    direct = Counter(entry.folder for entry in entries)
    counts: Counter[str] = Counter()
    for folder, count in direct.items():
        parts = folder.split("/") if folder else []
        for depth in range(1, len(parts) + 1):
            counts["/".join(parts[:depth])] += count
    return [CardFolder(path=path, count=counts[path]) for path in sorted(counts, key=str.casefold)]
