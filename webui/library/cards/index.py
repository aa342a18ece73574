"""Every card in memory, brought up to date when the catalog changed; searches and pages touch no file."""

import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from operator import attrgetter
from pathlib import Path

from webui.core.errors import NotFound
from webui.core.model_file import Family, ModelFile, ModelKind
from webui.library.cards.card import (
    Card,
    CardEntry,
    CardFolder,
    CardPage,
    CardQuery,
    CardUpdate,
    card_id,
    id_of_key,
    make_card,
    make_entry,
)
from webui.library.cards.insertion import Insertion
from webui.library.catalog.catalog import Catalog
from webui.store.card_cache import CardCache
from webui.store.files.regular_files import entries_of, is_regular_entry
from webui.store.header_cache import key_of
from webui.store.sidecars import PREVIEW_ENDS, READ_ENDS, CardText, base_name, preview_end, read_card

logger = logging.getLogger(__name__)

SORT_KEYS = {
    "modified": attrgetter("file.mtime_ns"),
    "size": attrgetter("file.size"),
    "family": attrgetter("file.family"),
}
LISTED_ENDS = (*READ_ENDS, *PREVIEW_ENDS)
Listing = dict[str, "os.DirEntry[str]"]


class CardIndex:
    """The cards of all models. Any thread."""

    def __init__(self, catalog: Catalog, cache: CardCache, insertion: Insertion) -> None:
        """Reads nothing before the first question."""
        self._catalog = catalog
        self._cache = cache
        self._insertion = insertion
        self._lock = threading.RLock()
        self._entries: dict[str, CardEntry] = {}
        self._seen: int | None = None
        self._edits = 0
        self._updates: dict[str, CardUpdate] = {}
        self._by_kind: tuple[str, dict[ModelKind | None, KindCards]] = "", {}

    @property
    def version(self) -> str:
        """Tells of what the cards were made; the catalog may know more by now."""
        return f"{self._seen}.{self._edits}"

    def page(self, query: CardQuery) -> CardPage:
        """The cards that match, a page of them."""
        cards = self._cards_of(query.kind)
        matching = matches(cards.entries, query)
        fitting = cards.fitting(matching, query.family)
        with_newer = [entry for entry in fitting if entry.id in self._updates] if self._updates else []
        shown = with_newer if query.newer else fitting
        key = SORT_KEYS.get(query.sort)
        if key is not None:
            shown.sort(key=key)
        if query.descending:
            shown.reverse()
        chosen = shown[query.offset : query.offset + query.limit]
        return CardPage(
            total=len(shown),
            hidden=len(matching) - len(fitting),
            unread=self._catalog.unread,
            newer=len(with_newer),
            offset=query.offset,
            cards=[self.card(entry) for entry in chosen],
            folders=cards.folders,
            version=cards.version,
        )

    def matching(self, query: CardQuery) -> list[CardEntry]:
        """All cards that match, by name, those for other families left out."""
        cards = self._cards_of(query.kind)
        found = cards.fitting(matches(cards.entries, query), query.family)
        return [entry for entry in found if entry.id in self._updates] if query.newer else found

    def card(self, entry: CardEntry) -> Card:
        """An entry as a page shows it."""
        insert, insert_negative = self._insertion.of(entry.file, entry.text)
        return make_card(entry, insert, insert_negative, self._updates.get(entry.id))

    def note_update(self, identity: str, update: CardUpdate | None) -> None:
        """Show on a card from now on that there is a newer version, or that there is none."""
        with self._lock:
            if self._updates.get(identity) == update:
                return
            updates = {key: value for key, value in self._updates.items() if key != identity}
            self._updates = updates | ({identity: update} if update is not None else {})
            self._edits += 1

    def _cards_of(self, kind: ModelKind | None) -> "KindCards":
        """The cards of a kind, selected once until anything about the cards changes."""
        with self._lock:
            entries = self.entries()
            if self._by_kind[0] != self.version:
                self._by_kind = self.version, {}
            by_kind = self._by_kind[1]
            if kind not in by_kind:
                chosen = [entry for entry in entries if kind is None or entry.file.kind == kind]
                by_kind[kind] = KindCards(chosen, self.version)
            return by_kind[kind]

    def entries(self) -> list[CardEntry]:
        """All cards, by name, rebuilt if the catalog changed."""
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
            self._entries, self._seen = {}, None
            self._edits += 1
            self.entries()

    def refresh(self, path: Path) -> CardEntry:
        """Read the sidecars of one file again, after they were changed."""
        with self._lock:
            known = self.find(card_id(path))
            found = Sidecars(path, listed(path.parent))
            entry = make_entry(known.id, known.file, found.read(), preview_stamp(found, known.file))
            self._entries[known.id] = entry
            # Where the newer version came in, the older one is no longer behind.
            self._updates = {
                key: update
                for key, update in self._updates.items()
                if update.version_id != entry.text.version_id
            }
            self._edits += 1
            return entry

    def note_hash(self, identity: str, sha256: str) -> None:
        """Know a file's hash from now on, for searches and details."""
        with self._lock:
            known = self.find(identity)
            if known.file.sha256 != sha256:
                file = known.file.model_copy(update={"sha256": sha256})
                self._entries[identity] = add_file(known, file)
                self._edits += 1

    def without_cover(self, identity: str) -> None:
        """The picture inside a file turned out to be none: its card shows none from now on."""
        with self._lock:
            self._entries[identity] = replace(self.find(identity), preview_stamp=0)
            self._edits += 1

    def _rebuild(self) -> None:
        """Cards of the catalog's files, in its order. What is known of a file that did not change stays."""
        start = time.perf_counter()
        known = {entry.file.path: entry for entry in self._entries.values()}
        files = self._catalog.all_files()
        fresh = [file for file in files if not is_same(known.get(file.path), file)]
        made = {entry.file.path: entry for entry in self._read(fresh)}
        entries = (made.get(file.path) or add_file(known[file.path], file) for file in files)
        self._entries = {entry.id: entry for entry in entries}
        logger.debug("Made %d cards in %.2f s", len(made), time.perf_counter() - start)

    def _read(self, files: list[ModelFile]) -> Iterator[CardEntry]:
        """Cards from the cache, or from sidecars that changed since."""
        cached = self._cache.all() if files else {}
        fresh: dict[str, tuple[str, CardText]] = {}
        listings: dict[Path, Listing] = {}
        for file in files:
            folder = file.path.parent
            if folder not in listings:
                listings[folder] = listed(folder)
            found, key = Sidecars(file.path, listings[folder]), key_of(file.path)
            stamp, text = found.stamp(), CardText()
            if stamp:
                before, text = cached.get(key, ("", text))
                if before != stamp:
                    text = found.read()
                    fresh[key] = (stamp, text)
            yield make_entry(id_of_key(key), file, text, preview_stamp(found, file))
        self._cache.put(fresh)


class KindCards:
    """The cards of one kind, with what every question about them needs and twenty thousand make slow."""

    def __init__(self, entries: list[CardEntry], version: str) -> None:
        """`entries` are by name; `version` is the index's when they were selected."""
        self.entries = entries
        self.version = version
        self.folders = folders_of(entries)
        self._fitting: dict[Family, list[CardEntry]] = {}

    def fitting(self, entries: list[CardEntry], family: Family) -> list[CardEntry]:
        """Those of the entries that fit a family, in a list of their own."""
        if entries is not self.entries:
            return fitting_for(entries, family)
        if family not in self._fitting:
            self._fitting[family] = fitting_for(entries, family)
        return list(self._fitting[family])


class Sidecars:
    """What lies beside one model, by the listing of its folder."""

    def __init__(self, path: Path, listing: Listing) -> None:
        self._path = path
        self._listing = listing
        self._base = base = base_name(path)
        self._ends = [end for end in LISTED_ENDS if base + end in listing]

    def read(self) -> CardText:
        """What they say."""
        return read_card(self._path, self._ends)

    def stamp(self) -> str:
        """What changes when one that is read changes; empty where there is none."""
        return " ".join(
            f"{end}:{stat.st_size}:{stat.st_mtime_ns}"
            for end in self._ends
            if end in READ_ENDS and (stat := self._stat(end)) is not None
        )

    def preview_stamp(self) -> int:
        """What changes when the preview does; 0 without one."""
        end = preview_end(self._path, self._ends)
        stat = self._stat(end) if end else None
        return stat.st_mtime_ns ^ stat.st_size if stat else 0

    def _stat(self, end: str) -> os.stat_result | None:
        """Size and time of a sidecar, None if it went away."""
        try:
            return self._listing[self._base + end].stat()
        except OSError:
            return None


def preview_stamp(found: Sidecars, file: ModelFile) -> int:
    """What changes when a card's picture does: the one beside the file, else the one inside; 0 for none."""
    return found.preview_stamp() or (file.mtime_ns ^ file.size if file.has_cover else 0)


def add_file(entry: CardEntry, file: ModelFile) -> CardEntry:
    """The card with what the catalog knows of its file by now, such as a hash."""
    if entry.file is file or entry.file == file:
        return entry
    return make_entry(entry.id, file, entry.text, entry.preview_stamp)


def is_same(entry: CardEntry | None, file: ModelFile) -> bool:
    """Whether the catalog tells the same of a file as when its card was made, but for a hash."""
    if entry is None:
        return False
    known = entry.file
    return (known.size, known.mtime_ns, known.kind, known.name) == (
        file.size, file.mtime_ns, file.kind, file.name
    )  # fmt: skip


def listed(folder: Path) -> Listing:
    """The regular files in a folder, by name."""
    return {entry.name: entry for entry in entries_of(folder) if is_regular_entry(entry)}


def matches(entries: list[CardEntry], query: CardQuery) -> list[CardEntry]:
    """The cards that have every word, lie in the folder, and are favourites if only those are wanted."""
    if query.favourites:
        entries = [entry for entry in entries if entry.text.favourite]
    if query.folder:
        below = f"{query.folder}/"
        entries = [
            entry for entry in entries if entry.folder == query.folder or entry.folder.startswith(below)
        ]
    for word in query.text.casefold().split():
        entries = [entry for entry in entries if word in entry.searched]
    return entries


def fitting_for(entries: list[CardEntry], family: Family) -> list[CardEntry]:
    """Those that may be used with checkpoints of a family, in a list of their own; see ModelFile.fits."""
    if family is Family.UNKNOWN:
        return list(entries)
    families = (Family.UNKNOWN, family)
    return [entry for entry in entries if entry.file.family in families]


def folders_of(entries: Iterable[CardEntry]) -> list[CardFolder]:
    """The folders with their counts, those above them included, in order."""
    direct = Counter(entry.folder for entry in entries)
    counts: Counter[str] = Counter()
    for folder, count in direct.items():
        parts = folder.split("/") if folder else []
        for depth in range(1, len(parts) + 1):
            counts["/".join(parts[:depth])] += count
    return [CardFolder(path=path, count=counts[path]) for path in sorted(counts, key=str.casefold)]
