"""The embeddings of a catalog: by name, read when a prompt uses them."""

import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from webui.core.errors import UnusableFile
from webui.core.model_file import ModelFile, ModelKind
from webui.diffusion.text_encoder import TextTower, TextualInversion
from webui.models.catalog import Catalog
from webui.models.embedding_files import PICTURE_SUFFIXES, Embedding, embedding_from, read_embedding
from webui.models.embedding_sizes import occurs, squeezed
from webui.models.hashing import sha256_of

KEPT_EMBEDDINGS = 256
SHORT_HASH_DIGITS = 12
PREVIEW = ".preview"


@dataclass(frozen=True, slots=True)
class EmbeddingEntry:
    """An embedding on disk; `file` is None for pictures that carry one."""

    name: str
    path: Path
    version: Hashable
    file: ModelFile | None = None


@dataclass(frozen=True, slots=True, eq=False)
class BundledEmbedding:
    """An embedding that came along in a LoRA: that one's name in the prompt and its file, and the tensors."""

    lora: str
    version: Hashable
    tensors: Mapping[str, Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class UsableEmbeddings:
    """The embeddings that a prompt may name: for the text encoders, their hashes, and what decides both."""

    inversions: Mapping[str, TextualInversion]
    short_hashes: Mapping[str, str]
    key: Hashable = ()
    warnings: tuple[str, ...] = ()


class Embeddings:
    """Finds and reads embeddings. May be used from any thread."""

    def __init__(self, catalog: Catalog) -> None:
        """Looks at the catalog when it is first asked."""
        self._catalog = catalog
        self._entries: tuple[int, dict[str, EmbeddingEntry]] | None = None
        self._read: OrderedDict[Hashable, Embedding | None] = OrderedDict()
        self._hashes: dict[Hashable, str] = {}
        self._lock = threading.RLock()

    def entries(self) -> dict[str, EmbeddingEntry]:
        """Every embedding by name, as of the catalog's last scan; of two with one name the later counts."""
        version = self._catalog.version
        with self._lock:
            if self._entries is None or self._entries[0] != version:
                files = self._catalog.files(ModelKind.EMBEDDING)
                entries = {file.path.stem: _entry(file) for file in files}
                self._entries = version, entries | self._in_pictures(files)
            return self._entries[1]

    def read(self, entry: EmbeddingEntry) -> Embedding | None:
        """An embedding's vectors; None if its file holds none that can be read."""
        with self._lock:
            if entry.version not in self._read:
                try:
                    self._read[entry.version] = read_embedding(entry.path)
                except UnusableFile:
                    self._read[entry.version] = None
            self._read.move_to_end(entry.version)
            while len(self._read) > KEPT_EMBEDDINGS:
                self._read.popitem(last=False)
            return self._read[entry.version]

    def short_hash(self, entry: EmbeddingEntry) -> str:
        """The 12 digits that A1111 writes."""
        if entry.file is not None:
            return self._catalog.sha256(entry.file)[:SHORT_HASH_DIGITS]
        with self._lock:
            if entry.version not in self._hashes:
                self._hashes[entry.version] = sha256_of(entry.path)
            return self._hashes[entry.version][:SHORT_HASH_DIGITS]

    def usable(
        self,
        texts: Iterable[str],
        towers: tuple[TextTower, ...],
        bundled: Mapping[str, BundledEmbedding],
    ) -> UsableEmbeddings:
        """Those whose names occur in texts and that fit the text encoders; `bundled` came along in LoRAs."""
        joined = [squeezed(text) for text in texts]
        inversions: dict[str, TextualInversion] = {}
        hashes: dict[str, str] = {}
        keys: list[Hashable] = []
        warnings: list[str] = []
        for name, entry in self.entries().items():
            if not occurs(name, joined) or (embedding := self.read(entry)) is None:
                continue
            inversion = embedding.for_towers(towers)
            if inversion is None:
                warnings.append(
                    f"The embedding {name!r} is for another kind of checkpoint, so its name is read as words."
                )
                continue
            inversions[name], hashes[name] = inversion, self.short_hash(entry)
            keys.append((name, entry.version))
        for name, given in bundled.items():
            # As in A1111, those in the embeddings folder come first.
            if name in inversions or not occurs(name, joined):
                continue
            inversion = embedding_from(given.tensors, name).for_towers(towers)
            if inversion is not None:
                # A1111 writes the LoRA's name where the hash of a file would be.
                inversions[name], hashes[name] = inversion, given.lora
                keys.append((name, given.version))
        return UsableEmbeddings(inversions, hashes, tuple(keys), tuple(warnings))

    def _in_pictures(self, files: Iterable[ModelFile]) -> dict[str, EmbeddingEntry]:
        """Embeddings that pictures carry; a picture named like a model file is its preview."""
        others = {file.path.with_suffix("") for file in files}
        found: dict[str, EmbeddingEntry] = {}
        for folder in self._catalog.folders.embeddings:
            for path in sorted(folder.rglob("*")):
                is_picture = path.suffix.lower() in PICTURE_SUFFIXES and path.is_file()
                if not is_picture or path.stem.lower().endswith(PREVIEW) or path.with_suffix("") in others:
                    continue
                stat = path.stat()
                entry = EmbeddingEntry(path.stem, path, (path, stat.st_size, stat.st_mtime_ns))
                if (embedding := self.read(entry)) is not None:
                    found[embedding.name] = EmbeddingEntry(embedding.name, path, entry.version)
        return found


def _entry(file: ModelFile) -> EmbeddingEntry:
    return EmbeddingEntry(file.path.stem, file.path, (file.path, file.size, file.mtime_ns), file)
