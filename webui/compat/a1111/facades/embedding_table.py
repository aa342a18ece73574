"""A1111's embedding database, over the catalog's embeddings."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from webui.compat.a1111.facades import checkpoints, reaching
from webui.core.errors import UnusableFile, WebuiError
from webui.core.model_file import ModelKind
from webui.library.files.headers import read_header
from webui.library.recognise.checkpoint_layouts import text_width
from webui.models.files import embedding_files
from webui.models.files.embeddings import Embeddings
from webui.prompts.networks import EmbeddingChoice
from webui.store.files.atomic import write_atomically

SHORT_HASH_DIGITS = 12
CHECKSUM_MODULUS = 16**4


class ListedEmbedding:
    """An embedding as A1111 knows it; `vec` is a tensor (n, width), of SDXL a table of two."""

    def __init__(self, vec: Any, name: str, step: int | None = None) -> None:  # noqa: ANN401 - a tensor or a table
        """Of vectors."""
        self.vec, self.name, self.step = vec, name, step
        tensors = list(vec.values()) if isinstance(vec, Mapping) else [vec]
        self.vectors: int = tensors[0].shape[0] if isinstance(tensors[0], Tensor) else 0
        self.shape: int = sum(each.shape[-1] for each in tensors if isinstance(each, Tensor))
        self.cached_checksum: str | None = None
        self.sd_checkpoint: str | None = None
        self.sd_checkpoint_name: str | None = None
        self.optimizer_state_dict: Any = None
        self.filename: str | None = None
        self.hash: str | None = None
        self.shorthash: str | None = None

    def set_hash(self, value: str) -> None:
        """The SHA-256 of its file."""
        self.hash, self.shorthash = value, value[:SHORT_HASH_DIGITS]

    def save(self, filename: str | os.PathLike[str]) -> None:
        """Write it, as safetensors whatever the name's type is. Raises StorageError."""
        tables = self.vec if isinstance(self.vec, Mapping) else {"emb_params": self.vec}
        tensors = {str(key): value.detach().cpu().contiguous() for key, value in tables.items()}
        write_atomically(Path(filename).with_suffix(".safetensors"), save(tensors))

    def checksum(self) -> str:
        """Four hex digits of its vectors."""
        if self.cached_checksum is None:
            tensors = list(self.vec.values()) if isinstance(self.vec, Mapping) else [self.vec]
            number = 0
            for value in (torch.cat([each.reshape(-1).float().cpu() for each in tensors]) * 100).tolist():
                number = (number * 281 ^ int(value) * 997) & 0xFFFFFFFF
            self.cached_checksum = f"{number % CHECKSUM_MODULUS:04x}"
        return self.cached_checksum


class EmbeddingDatabase:
    """The embeddings that fit the selected checkpoint, and the others."""

    def __init__(self) -> None:
        """Empty until it is filled."""
        self.ids_lookup: dict[int, Any] = {}
        self.word_embeddings: dict[str, ListedEmbedding] = {}
        self.skipped_embeddings: dict[str, ListedEmbedding] = {}
        self.expected_shape = -1
        self.embedding_dirs: dict[str, Any] = {}
        self.previously_displayed_embeddings: tuple[str, ...] = ()
        self.image_embedding_directory: Any = None
        self._filled: tuple[object, ...] = ()
        # Whether runs look for embeddings where this one does, as in A1111 those of `model_hijack` do.
        self.is_of_runs = False

    def add_embedding_dir(self, path: str) -> None:
        """Look there too when the next list is made."""
        self.embedding_dirs[path] = path
        self._filled = ()
        services = reaching.services()
        if self.is_of_runs and services is not None and Path(path).is_dir():
            services.catalog.add_embeddings(Path(path).resolve())
            services.catalog.scan()

    def clear_embedding_dirs(self) -> None:
        """Look in the program's folders alone."""
        self.embedding_dirs.clear()
        self._filled = ()

    def register_embedding(self, embedding: ListedEmbedding, model: object = None) -> ListedEmbedding | None:
        """Have it in the list until that is made again. Where it lies in no file, prompts may name it too."""
        return self.register_embedding_by_name(embedding, model, embedding.name)

    def register_embedding_by_name(
        self, embedding: ListedEmbedding | None, model: object, name: str
    ) -> ListedEmbedding | None:
        """The same by another name; None takes the name away."""
        if embedding is None:
            self.word_embeddings.pop(name, None)
        else:
            self.word_embeddings[name] = embedding
        return embedding

    def list_given(self) -> tuple[EmbeddingChoice, ...]:
        """Those that extensions registered, and that lie in no file."""
        return tuple(
            choice
            for name, each in self.word_embeddings.items()
            if not each.filename and (choice := choice_of(name, each.vec)) is not None
        )

    def get_expected_shape(self) -> int:
        """Width of the text that the selected checkpoint reads; -1 where there is none."""
        try:
            return text_width(read_header(checkpoints.selected_file().path)) or -1
        except (WebuiError, RuntimeError):
            return -1

    def load_textual_inversion_embeddings(self, force_reload: bool = False) -> None:
        """List them, where files or the checkpoint changed since."""
        services = reaching.services()
        if services is None:
            return
        if force_reload:
            services.catalog.scan()
        services.catalog.settle(ModelKind.EMBEDDING)
        self.expected_shape = self.get_expected_shape()
        state = (services.catalog.version, self.expected_shape, *self.embedding_dirs)
        if state == self._filled and not force_reload:
            return
        self._filled = state
        self.word_embeddings.clear()
        self.skipped_embeddings.clear()
        known = Embeddings(services.catalog)
        for name, entry in known.entries().items():
            self._list(name, known.read(entry), entry.path, entry.file.sha256)
        for folder in self.embedding_dirs:
            self.load_from_dir(folder)

    def load_from_dir(self, embdir: Any) -> None:  # noqa: ANN401 - a path, or an object that has one
        """List the files of a folder that the program does not know."""
        folder = Path(getattr(embdir, "path", embdir))
        if folder.is_dir():
            for file in sorted(each for each in folder.rglob("*") if each.is_file()):
                self.load_from_file(str(file), file.name)

    def load_from_file(self, path: str, filename: str) -> None:
        """List a file; one that is no embedding is left out."""
        try:
            found = embedding_files.read_embedding(Path(path))
        except (UnusableFile, OSError):
            return
        if Path(filename).stem not in self.word_embeddings:
            self._list(Path(filename).stem, found, Path(path), None)

    def find_embedding_at_position(self, tokens: object, offset: int) -> tuple[None, None]:
        """None: the run finds embeddings in texts itself."""
        return None, None

    def _list(
        self, name: str, found: embedding_files.Embedding | None, path: Path, sha256: str | None
    ) -> None:
        if found is None:
            return
        vectors = dict(found.vectors)
        made = ListedEmbedding(vectors[""] if list(vectors) == [""] else vectors, name, found.step)
        made.sd_checkpoint, made.sd_checkpoint_name = found.sd_checkpoint, found.sd_checkpoint_name
        made.filename = str(path)
        if sha256:
            made.set_hash(sha256)
        fits = self.expected_shape in (-1, made.shape)
        (self.word_embeddings if fits else self.skipped_embeddings)[name] = made


def choice_of(name: str, vec: Any) -> EmbeddingChoice | None:  # noqa: ANN401 - a tensor or a table
    """An embedding in memory for a run; None where it has no vectors."""
    tables: Mapping[str, Any] = vec if isinstance(vec, Mapping) else {"emb_params": vec}
    tensors = {
        str(key): each.detach().float().cpu() for key, each in tables.items() if isinstance(each, Tensor)
    }
    if not tensors or not all(each.ndim == 2 and len(each) for each in tensors.values()):
        return None
    content = hashlib.sha256(b"".join(each.contiguous().numpy().tobytes() for each in tensors.values()))
    return EmbeddingChoice(name, tensors, ("in memory", content.hexdigest()))


def embedding_of(data: object, name: str, filename: str, path: str | None) -> ListedEmbedding:
    """An embedding in tables of a file. Raises UnusableFile."""
    found = embedding_files.make_embedding(data, name)
    vectors = dict(found.vectors)
    made = ListedEmbedding(vectors[""] if list(vectors) == [""] else vectors, found.name, found.step)
    made.sd_checkpoint, made.sd_checkpoint_name = found.sd_checkpoint, found.sd_checkpoint_name
    made.filename = path or filename
    return made
