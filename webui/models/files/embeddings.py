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
from webui.library.catalog.catalog import Catalog
from webui.library.catalog.embedding_sizes import NamedTokens
from webui.library.files.picture_embeddings import PICTURE
from webui.models.files.embedding_files import Embedding, make_embedding, read_embedding

KEPT_EMBEDDINGS = 256
SHORT_HASH_DIGITS = 12


@dataclass(frozen=True, slots=True)
class EmbeddingEntry:
    """An embedding on disk."""

    name: str
    path: Path
    version: Hashable
    file: ModelFile


@dataclass(frozen=True, slots=True, eq=False)
class BundledEmbedding:
    """An embedding that came along in a LoRA: that one's name in the prompt and its file, and the tensors.

    `lora` is empty where an extension gave it.
    """

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
        self._lock = threading.RLock()

    def entries(self) -> dict[str, EmbeddingEntry]:
        """Every embedding by name, as of the catalog's last scan; of two with one name the later counts."""
        version = self._catalog.version
        with self._lock:
            if self._entries is None or self._entries[0] != version:
                files = self._catalog.files(ModelKind.EMBEDDING)
                # Pictures last, so that theirs counts of two with one name.
                files.sort(key=lambda file: file.container == PICTURE)
                self._entries = version, {file.word: _entry(file) for file in files}
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
        return self._catalog.sha256(entry.file)[:SHORT_HASH_DIGITS]

    def usable(
        self,
        texts: Iterable[str],
        towers: tuple[TextTower, ...],
        bundled: Mapping[str, BundledEmbedding],
    ) -> UsableEmbeddings:
        """Those whose names occur in texts and that fit the text encoders; `bundled` have no file.

        Those of extensions have no hash: it is empty.
        """
        tokens = NamedTokens(texts)
        inversions: dict[str, TextualInversion] = {}
        hashes: dict[str, str] = {}
        keys: list[Hashable] = []
        warnings: list[str] = []
        given = {name for name, each in bundled.items() if not each.lora}
        for name, entry in self.entries().items():
            if name in given or not tokens.name(name) or (embedding := self.read(entry)) is None:
                continue
            inversion = embedding.for_towers(towers)
            if inversion is None:
                warnings.append(
                    f"The embedding {name!r} is for another kind of checkpoint, so its name is read as words."
                )
                continue
            inversions[name], hashes[name] = inversion, self.short_hash(entry)
            keys.append((name, entry.version))
        for name, each in bundled.items():
            # As in A1111, those in the embeddings folder come before those of LoRAs.
            if name in inversions or not tokens.name(name):
                continue
            inversion = make_embedding(each.tensors, name).for_towers(towers)
            if inversion is not None:
                # A1111 writes the LoRA's name where the hash of a file would be.
                inversions[name], hashes[name] = inversion, each.lora
                keys.append((name, each.version))
        return UsableEmbeddings(inversions, hashes, tuple(keys), tuple(warnings))


def _entry(file: ModelFile) -> EmbeddingEntry:
    return EmbeddingEntry(file.word, file.path, (file.path, file.size, file.mtime_ns), file)
