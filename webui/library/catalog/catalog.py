"""Every model on disk: scanned, identified by its header, found by any of its names. Loads no weights and no
torch.
"""

import bisect
import json
import logging
import os
import threading
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import itemgetter
from pathlib import Path

from webui.core.errors import ModelNotFound, UnusableFile
from webui.core.model_file import Family, ModelFile, ModelKind
from webui.library.catalog.added_networks import AddedNetworks
from webui.library.catalog.entries import BATCH, is_plain_picture, list_known_files, read_files
from webui.library.catalog.folders import FoundFile, ModelFolders, describe_file, find_files
from webui.library.catalog.index import CatalogIndex
from webui.library.catalog.model_names import match, natural_order, nearest
from webui.library.files.file_types import SAFETENSORS_SUFFIXES
from webui.library.files.hashing import data_hash_of, sha256_of
from webui.library.recognise.kinds import article, noun, with_article
from webui.store.files.regular_files import is_regular, read_regular
from webui.store.header_cache import HeaderCache
from webui.store.sidecars import MAX_BYTES as MAX_CARD_BYTES

logger = logging.getLogger(__name__)

AUTOMATIC, NONE = "Automatic", "None"
# So many new files are read before the page comes: a tenth of a second, and few people add more at once.
FIRST_BATCH = 200


class Catalog:
    """The models in the folders, as far as they were scanned. May be used from any thread."""

    def __init__(self, folders: ModelFolders, cache: HeaderCache) -> None:
        """Knows nothing before the first `begin` or `scan`."""
        self._folders = folders
        # What extensions offer beside the files.
        self.added = AddedNetworks()
        self._cache = cache
        self._index = CatalogIndex(())
        self._version = 0
        # Files that were found and wait to be read.
        self._unread: tuple[FoundFile, ...] = ()
        # Of all of the above; told when one of them changes.
        self._changed = threading.Condition(threading.RLock())
        # Held by the thread that scans the folders.
        self._scan_lock = threading.RLock()
        self._is_scanning = False
        # What others said of files since the scan began, which knows less of them.
        self._touched: set[Path] = set()
        self._hashing: dict[Path, threading.Lock] = {}

    def begin(self) -> None:
        """For the start of the server: take what is remembered, and read the first few of the other files.

        The others wait for `scan`; what needs them waits with `settle`.
        """
        with self._run_scan() as batches:
            next(batches)

    def scan(self) -> list[ModelFile]:
        """Scan the folders again; files that did not change cost one `stat` each."""
        start = time.perf_counter()
        with self._run_scan() as batches:
            for _ in batches:
                pass
        files = list(self._index.files)
        logger.info("Found %d model files in %.2f s", len(files), time.perf_counter() - start)
        return files

    @property
    def unread(self) -> int:
        """How many files were found that are still to be read."""
        return len(self._unread)

    def settle(self, *kinds: ModelKind) -> None:
        """Wait until every file that may be of these kinds was read; all files if none is given."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: not self._is_scanning or self.is_settled(*kinds))
                if self.is_settled(*kinds):
                    return
            self.scan()

    def is_settled(self, *kinds: ModelKind) -> bool:
        """Whether no file that may be of these kinds is still to be read."""
        roots = {file.root for file in self._unread}
        return not any(self._folders.may_hold(root, kinds or tuple(ModelKind)) for root in roots)

    @contextmanager
    def _run_scan(self) -> Generator[Iterator[None], None, None]:
        """One scan of the folders at a time: batches to go through; the index has more after each."""
        with self._scan_lock:
            with self._changed:
                self._is_scanning = True
                self._touched.clear()
                known = self._index.by_path
            try:
                yield self._batches(known)
            finally:
                with self._changed:
                    self._is_scanning = False
                    self._changed.notify_all()

    def _batches(self, known: Mapping[Path, ModelFile]) -> Iterator[None]:
        found = list(find_files(self._folders))
        files, unread = list_known_files(found, self._folders, self._cache, known)
        ordered = [(self._order(file), file) for file in files if not is_plain_picture(file)]
        size = FIRST_BATCH
        while True:
            batch, unread = unread[:size], unread[size:]
            fresh = read_files(batch, self._folders, self._cache)
            ordered += [(self._order(file), file) for file in fresh if not is_plain_picture(file)]
            ordered.sort(key=itemgetter(0))
            self._publish([file for _, file in ordered], unread)
            yield
            if not unread:
                return
            size = BATCH

    def _publish(self, files: Sequence[ModelFile], unread: Sequence[FoundFile]) -> None:
        """Take what a scan knows by now, but for files of which others know more."""
        with self._changed:
            touched = self._touched
            if touched:
                others = [file for file in self._index.files if file.path in touched]
                files = [file for file in files if file.path not in touched]
                files = sorted([*files, *others], key=self._order)
            self._unread = tuple(file for file in unread if file.path not in touched)
            self._replace(files)

    def add(self, path: Path) -> ModelFile:
        """A file that came into one of the folders, known without a scan of all the others."""
        root = self._folders.root_of(path)
        found = describe_file(root, path) if root else None
        if found is None:
            raise ModelNotFound(f"{path.name} lies in none of the model folders.")
        (file,) = read_files([found], self._folders, self._cache)
        with self._changed:
            self._touched.add(path)
            files = [each for each in self._index.files if each.path != path]
            bisect.insort(files, file, key=self._order)
            self._replace(files)
        return file

    def forget(self, path: Path) -> None:
        """Leave out a file that was moved away."""
        with self._changed:
            self._touched.add(path)
            self._replace([file for file in self._index.files if file.path != path])

    def _replace(self, files: Sequence[ModelFile]) -> None:
        """Take these files, in order, for those in the folders."""
        self._index = CatalogIndex(tuple(files))
        self._version += 1
        self._changed.notify_all()

    def _order(self, file: ModelFile) -> tuple[bool, list[tuple[int, int | str]]]:
        """The user's own models come before the bundled one, and numbers in names count by value."""
        starter = self._folders.starter
        is_bundled = starter is not None and str(file.path).startswith(f"{starter}{os.sep}")
        return is_bundled, natural_order(file)

    @property
    def version(self) -> int:
        """How often its files were scanned: what was made of them holds until this changes."""
        return self._version

    @property
    def folders(self) -> ModelFolders:
        """The folders that it scans."""
        return self._folders

    def add_embeddings(self, folder: Path) -> None:
        """Look for embeddings in a further folder, from the next scan on."""
        with self._scan_lock:
            self._folders = self._folders.with_embeddings(folder)

    def files(self, kind: ModelKind | None = None) -> list[ModelFile]:
        """Usable files of a kind (or of all) that are known by now, in the order of pickers."""
        return list(self._index.usable.get(kind, ()))

    def unusable(self) -> list[ModelFile]:
        """Files that cannot be used, each with its reason."""
        return list(self._index.unusable)

    def all_files(self, kind: ModelKind | None = None) -> list[ModelFile]:
        """Usable files and others, in the order in which pickers show them."""
        return [file for file in self._index.files if kind in {None, file.kind}]

    def search(
        self, text: str, kind: ModelKind | None = None, family: Family | None = None
    ) -> list[ModelFile]:
        """Files, usable or not, whose name, folder, hash or title holds every word of a text.

        With a family, those that are known to be for another one are left out.
        """
        return self._index.search(text, kind, family)

    def by_hash(self, digest: str) -> ModelFile | None:
        """The file of a SHA-256 (or its first ten digits or more) or of A1111's first hash, if known."""
        return self._index.by_hash(digest)

    def find_checkpoint(self, name: str) -> ModelFile:
        """The checkpoint of a name or hash; the first of all for an empty name. Waits until all are known."""
        if name:
            return self.find(ModelKind.CHECKPOINT, name)
        self.settle(ModelKind.CHECKPOINT)
        checkpoints = self.files(ModelKind.CHECKPOINT) or self._files_after_scan(ModelKind.CHECKPOINT)
        if not checkpoints:
            raise ModelNotFound(
                "There is no checkpoint. Put one into models/Stable-diffusion and refresh the list."
            )
        return checkpoints[0]

    def known_checkpoint(self, name: str) -> ModelFile | None:
        """The same without waiting for files that are still to be read; None if it is not known by now."""
        if self._unread and not self._is_known_checkpoint(name):
            return None
        try:
            return self.find_checkpoint(name)
        except (ModelNotFound, UnusableFile):
            return None

    def _is_known_checkpoint(self, name: str) -> bool:
        if not self.is_settled(ModelKind.CHECKPOINT):
            return False
        return bool(
            self._index.match(ModelKind.CHECKPOINT, name) if name else self.files(ModelKind.CHECKPOINT)
        )

    def find_vae(self, name: str) -> ModelFile:
        """The VAE file of a name or hash."""
        return self.find(ModelKind.VAE, name)

    def find(self, kind: ModelKind, name: str) -> ModelFile:
        """The file of a kind by any of A1111's names for it; scans the folders again before it gives
        up.
        """
        self.settle(kind)
        found = self._index.match(kind, name)
        if found is None:
            self.scan()
            found = self._index.match(kind, name)
        if found is None:
            raise self._not_found(kind, name)
        return found

    def _not_found(self, kind: ModelKind, name: str) -> ModelNotFound | UnusableFile:
        """Why a name finds nothing: its file is of another kind or of no use, or there is none."""
        wanted = noun(kind)
        other = match(self._index.files, name)
        if other is not None and other.reason is not None and _reason_matters(other, kind):
            return UnusableFile(f"{other.name} cannot be used as {article(wanted)}. {other.reason}")
        if other is not None:
            return UnusableFile(f"{other.name} is {with_article(other.kind)}, not {article(wanted)}.")
        close = nearest(self.files(kind), name)
        hint = (
            f"Did you mean {close!r}?"
            if close
            else f"Put it into its models folder and refresh the list of {wanted}s."
        )
        return ModelNotFound(f"No {wanted} is named {name!r}. {hint}")

    def vae_for(
        self, checkpoint: ModelFile, choice: str = AUTOMATIC, *, choice_first: bool = True
    ) -> ModelFile | None:
        """The VAE file a checkpoint is used with, None for the one inside it.

        A choice other than "Automatic" decides, unless `choice_first` is off and the checkpoint's card names
        a VAE. "Automatic" takes a VAE whose file name begins with the checkpoint's.
        """
        if choice != AUTOMATIC and choice_first:
            return self._chosen_vae(choice)
        preferred = preferred_vae(checkpoint)
        if preferred not in {None, "", AUTOMATIC}:
            return self._chosen_vae(str(preferred))
        if choice != AUTOMATIC:
            return self._chosen_vae(choice)
        self.settle(ModelKind.VAE)
        return next(
            (vae for vae in self.files(ModelKind.VAE) if vae.file_name.startswith(checkpoint.stem)), None
        )

    def sha256(self, file: ModelFile) -> str:
        """SHA-256 of a file, computed at the first call (about 1 s a GB) and remembered until the file
        changes. Two who ask at once wait for the same computation.
        """
        with self._changed:
            lock = self._hashing.setdefault(file.path, threading.Lock())
        with lock:
            known = self._cache.hashes(file.path, file.size, file.mtime_ns).sha256
            if known is None:
                known = sha256_of(file.path)
                self._cache.remember_hashes(file.path, file.size, file.mtime_ns, sha256=known)
        if file.sha256 != known:
            with self._changed:
                self._touched.add(file.path)
                self._index = CatalogIndex(
                    tuple(
                        each.model_copy(update={"sha256": known}) if each.path == file.path else each
                        for each in self._index.files
                    )
                )
        return known

    def data_hash(self, file: ModelFile) -> str:
        """The hash by which A1111 knows a LoRA: of what follows its header; of pickles that of the file."""
        if file.path.suffix.lower() not in SAFETENSORS_SUFFIXES:
            return self.sha256(file)
        known = self.known_data_hash(file)
        if known is None:
            known = data_hash_of(file.path)
            self._cache.remember_hashes(file.path, file.size, file.mtime_ns, data_hash=known)
        return known

    def known_data_hash(self, file: ModelFile) -> str | None:
        """The same, if it was computed before."""
        hashes = self._cache.hashes(file.path, file.size, file.mtime_ns)
        return hashes.data_hash if file.path.suffix.lower() in SAFETENSORS_SUFFIXES else hashes.sha256

    def _files_after_scan(self, kind: ModelKind) -> list[ModelFile]:
        self.scan()
        return self.files(kind)

    def _chosen_vae(self, choice: str) -> ModelFile | None:
        return None if choice == NONE else self.find_vae(choice)


def _reason_matters(file: ModelFile, wanted: ModelKind) -> bool:
    """Whether a file's own reason says more than that it is of another kind."""
    return file.is_misplaced or file.kind in {wanted, ModelKind.UNKNOWN, ModelKind.DIFFUSION_MODEL}


def preferred_vae(checkpoint: ModelFile) -> str | None:
    """The VAE that the card of a checkpoint names: `vae` in the `.json` beside it, as A1111 keeps it."""
    path = checkpoint.path.with_suffix(".json")
    if checkpoint.path.is_dir() or not is_regular(path):
        return None
    try:
        card = json.loads(read_regular(path, MAX_CARD_BYTES).decode("utf-8"))
    except (OSError, ValueError, RecursionError):
        logger.warning("%s beside a checkpoint is not valid JSON; it is ignored", path.name)
        return None
    vae = card.get("vae") if isinstance(card, dict) else None
    return vae if isinstance(vae, str) else None
