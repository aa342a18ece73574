"""Captions as the network reads them, encoded once where their encoders stay as they are."""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from webui.core.errors import StorageError
from webui.store.files.atomic import write_atomically
from webui.training.data.batch import TrainingBatch
from webui.training.methods.trainable import Trainable
from webui.training.networks import TextInput, TrainingNetworks

# So many captions stay in memory; SDXL's take half a megabyte each.
MOST_KEPT = 512


class Texts:
    """Encodes the captions of batches for one run; in a folder of its own it remembers them."""

    def __init__(
        self, networks: TrainingNetworks, trainable: Trainable, clip_skip: int, folder: Path | None
    ) -> None:
        """`folder` is where encodings are kept, None: they are made anew. It belongs to one checkpoint."""
        self._networks, self._trainable, self._clip_skip = networks, trainable, clip_skip
        self._folder = folder
        self._kept: OrderedDict[str, TextInput] = OrderedDict()
        self._writes = folder is not None

    def read(self, batch: TrainingBatch) -> TextInput:
        """The captions of a batch, with gradients where the text encoders are trained."""
        captions = [self._trainable.read_caption(caption) for caption in batch.captions]
        if self._trainable.trains_text or self._folder is None:
            text = self.encode(captions)
        else:
            text = join_texts([self._remembered(caption) for caption in captions], self._remembered(""))
        return self._networks.tell_sizes(text, batch.sizes)

    def encode(self, captions: Sequence[str]) -> TextInput:
        """Captions that were read by the method already."""
        with torch.set_grad_enabled(self._trainable.trains_text and torch.is_grad_enabled()):
            return self._networks.encode_text(captions, self._clip_skip)

    def _remembered(self, caption: str) -> TextInput:
        text = self._kept.pop(caption, None)
        if text is None:
            text = self._load(caption)
        self._kept[caption] = text
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        device = self._networks.device
        vector = None if text.vector is None else text.vector.to(device)
        return TextInput(text.crossattn.to(device), vector)

    def _load(self, caption: str) -> TextInput:
        """From disk, or encoded and put there."""
        assert self._folder is not None, "only what is kept is loaded"
        path = self._folder / f"{name_of(caption, self._clip_skip)}.safetensors"
        try:
            found = load_file(path)
            return TextInput(found["crossattn"], found.get("vector"))
        except (OSError, SafetensorError, KeyError):
            made = self.encode([caption])
        text = TextInput(made.crossattn.cpu(), None if made.vector is None else made.vector.cpu())
        self._write(path, text)
        return text

    def _write(self, path: Path, text: TextInput) -> None:
        if not self._writes:
            return
        tensors = {"crossattn": text.crossattn.contiguous()}
        if text.vector is not None:
            tensors["vector"] = text.vector.contiguous()
        try:
            write_atomically(path, save(tensors))
        except StorageError:
            # It is a convenience: with a full disk the run goes on without.
            self._writes = False


def name_of(caption: str, clip_skip: int) -> str:
    """The name of a caption's file."""
    return hashlib.sha256(f"{clip_skip}/{caption}".encode(errors="surrogatepass")).hexdigest()[:32]


def join_texts(texts: Sequence[TextInput], empty: TextInput) -> TextInput:
    """Encodings of (1, T, D) as one batch; after shorter ones stands the empty text, as in one encoding."""
    tokens = max(text.crossattn.shape[1] for text in texts)
    vectors = [text.vector for text in texts if text.vector is not None]
    rows = [lengthen(text.crossattn, tokens, empty.crossattn) for text in texts]
    return TextInput(torch.cat(rows), torch.cat(vectors) if vectors else None)


def lengthen(crossattn: Tensor, tokens: int, empty: Tensor) -> Tensor:
    """(1, T, D) with the empty text (1, 77, D) behind it up to `tokens`."""
    missing = (tokens - crossattn.shape[1]) // empty.shape[1]
    return torch.cat([crossattn, empty.repeat(1, missing, 1)], dim=1) if missing > 0 else crossattn
