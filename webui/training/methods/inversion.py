"""Textual inversion (Gal et al. 2022): a word whose vectors are learned, and everything else stays."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from webui.core.errors import InvalidRequest
from webui.core.model_file import ModelKind
from webui.core.work.training_run import TrainingRun
from webui.diffusion.text_encoder import EncodingOptions, TextTower, TextualInversion
from webui.models.files.embedding_files import FIRST, PARAMETERS, SECOND, read_embedding
from webui.prompts.chunks import chunk_text
from webui.training.methods.base import BaseTrainable
from webui.training.methods.files import write_pickle, write_tensors
from webui.training.methods.metadata import TrainedOn
from webui.training.methods.trainable import ParameterGroup
from webui.training.networks import TrainingNetworks

# What stands for the word in captions, as in A1111's templates.
PLACE = re.compile(r"\[name\]", re.IGNORECASE)
# What A1111 begins from where nothing is said, and the token that its files name.
USUAL_TEXT, USUAL_TOKEN = "*", 265
NO_WEIGHTS = EncodingOptions(emphasis="None")


class TrainableInversion(BaseTrainable):
    """The run's name as a word, with vectors for each text encoder."""

    kind = ModelKind.EMBEDDING

    def __init__(self, run: TrainingRun, networks: TrainingNetworks) -> None:
        """From the init text, or from the file to go on from. Raises InvalidRequest, UnusableFile."""
        super().__init__()
        self._name, self._networks = run.name, networks
        self._towers = networks.model.text_encoder.towers
        # SDXL's pair is no pickle of A1111's.
        self.suffix = ".safetensors" if len(self._towers) > 1 else ".pt"
        if run.start_from:
            begin = read_vectors(Path(run.start_from), self._towers)
        else:
            text = USUAL_TEXT if run.init_text is None else run.init_text
            begin = tuple(initial_vectors(tower, text, run.vectors or 1) for tower in self._towers)
        self.vectors = tuple(nn.Parameter(each.to(networks.device, torch.float32)) for each in begin)
        if not self._find_word(self._name):
            raise InvalidRequest(
                f"The name {self._name!r} cannot be a word of prompts: nothing of it is read. Choose letters."
            )

    @property
    def groups(self) -> list[ParameterGroup]:
        """The vectors."""
        return [ParameterGroup("embedding", list(self.vectors))]

    @property
    def trains_text(self) -> bool:
        """The vectors' gradients come through the text encoders."""
        return True

    def parameters(self) -> dict[str, nn.Parameter]:
        """The vectors by the number of their text encoder."""
        return {f"vectors.{number}": each for number, each in enumerate(self.vectors)}

    @contextmanager
    def attach(self) -> Iterator[None]:
        """The word is known while the context is open."""
        model = self._networks.model
        kept = model.text_encoder
        inversion = TextualInversion(self.vectors)
        model.text_encoder = replace(kept, inversions={**kept.inversions, self._name: inversion})
        try:
            yield
        finally:
            model.text_encoder = kept

    def read_caption(self, caption: str) -> str:
        """With the word in place of "[name]"; where it is not in the caption, it stands before it."""
        read = PLACE.sub(lambda _: self._name, caption)
        if self._find_word(read):
            return read
        return f"{self._name}, {read}" if read.strip() else self._name

    def save(self, path: Path, metadata: Mapping[str, str]) -> None:
        """Write A1111's pickle, or a safetensors file: one table, or SDXL's two."""
        tensors = [each.detach().cpu().clone() for each in self.vectors]
        if path.suffix == ".safetensors":
            names = (FIRST, SECOND) if len(tensors) > 1 else ("emb_params",)
            write_tensors(path, dict(zip(names, tensors, strict=True)), metadata)
            return
        noted = TrainedOn.read(metadata)
        content = {
            "string_to_token": {USUAL_TEXT: USUAL_TOKEN},
            PARAMETERS: {USUAL_TEXT: tensors[0]},
            "name": self._name,
            "step": noted.step,
            "sd_checkpoint": noted.short_hash,
            "sd_checkpoint_name": noted.checkpoint,
        }
        write_pickle(path, content)

    def _find_word(self, caption: str) -> bool:
        """Whether the first text encoder reads the word in a caption."""
        inversion = TextualInversion(self.vectors)
        known = replace(self._networks.model.text_encoder, inversions={self._name: inversion})
        chunks = chunk_text(caption, known.chunking(0, NO_WEIGHTS)).chunks
        return any(chunk.fixes for chunk in chunks)


def initial_vectors(tower: TextTower, text: str, count: int) -> Tensor:
    """Vectors (count, D) to begin from: those of the text's tokens, spread; zeros for an empty text."""
    table = tower.text_model.embeddings.token_embedding.weight.detach()
    tokens = tower.tokenizer.encode(text)[:count]
    if not tokens:
        return torch.zeros(count, table.shape[1])
    return torch.stack([table[tokens[place * len(tokens) // count]] for place in range(count)]).float().cpu()


def read_vectors(path: Path, towers: tuple[TextTower, ...]) -> tuple[Tensor, ...]:
    """An embedding's vectors for each text encoder. Raises InvalidRequest, UnusableFile."""
    embedding = read_embedding(path)
    found = None if embedding is None else embedding.for_towers(towers)
    if found is None:
        raise InvalidRequest(
            f"{path.name} cannot be gone on from: it is no embedding for this checkpoint's text encoders. "
            "Choose one that was trained for the same family."
        )
    return found.vectors
