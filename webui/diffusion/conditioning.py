"""Conditioning: the encoded prompts of a batch over the steps; what each evaluation sees."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class PromptEmbedding:
    """One encoded prompt: `crossattn` (T, D), and for SDXL and others a `vector` (Dv,)."""

    crossattn: Tensor
    vector: Tensor | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ScheduledEmbedding:
    """An embedding that holds up to and including an evaluation, counted from 0."""

    end_at_step: int
    embedding: PromptEmbedding


@dataclass(frozen=True, slots=True, eq=False)
class EncodedPart:
    """What stands between two ANDs: its weight, and what it is over the steps (at least one entry)."""

    weight: float
    schedule: tuple[ScheduledEmbedding, ...]

    def at(self, step: int) -> PromptEmbedding:
        """The embedding for an evaluation.

        Past the end it is the first again, as in A1111 (DPM adaptive gets there).
        """
        for entry in self.schedule:
            if step <= entry.end_at_step:
                return entry.embedding
        return self.schedule[0].embedding


@dataclass(slots=True, eq=False)
class EmbeddingBatch:
    """Rows of embeddings: `crossattn` (N, T, D), `vector` (N, Dv) or None."""

    crossattn: Tensor
    vector: Tensor | None = None

    def __len__(self) -> int:
        return len(self.crossattn)

    @property
    def tokens(self) -> int:
        """T."""
        return self.crossattn.shape[1]

    def rows(self, start: int, stop: int) -> "EmbeddingBatch":
        """Some of the rows."""
        return EmbeddingBatch(
            self.crossattn[start:stop], None if self.vector is None else self.vector[start:stop]
        )

    def select(self, rows: list[int]) -> "EmbeddingBatch":
        """Some of the rows, one after the other."""
        if not rows:
            return self.rows(0, 0)
        vector = None if self.vector is None else pick(self.vector, rows)
        return EmbeddingBatch(pick(self.crossattn, rows), vector)

    def joined(self, other: "EmbeddingBatch") -> "EmbeddingBatch":
        """These rows, then the other's, which must have as many tokens."""
        vector = None
        if self.vector is not None and other.vector is not None:
            vector = torch.cat([self.vector, other.vector])
        return EmbeddingBatch(torch.cat([self.crossattn, other.crossattn]), vector)


@dataclass(frozen=True, slots=True, eq=False)
class Conditioning:
    """The prompts of a batch: for each image its AND parts, at least one.

    A negative prompt has one of weight 1.
    """

    images: tuple[tuple[EncodedPart, ...], ...]

    @classmethod
    def repeat(cls, parts: Sequence[EncodedPart], batch_size: int) -> "Conditioning":
        """The same prompt for every image."""
        return cls((tuple(parts),) * batch_size)

    @property
    def parts(self) -> list[tuple[int, int, EncodedPart]]:
        """All parts as (image, part, it), in the order of the rows of a batch."""
        return [(i, j, part) for i, image in enumerate(self.images) for j, part in enumerate(image)]

    def at(self, step: int) -> EmbeddingBatch:
        """One row for each part; shorter ones are padded with their last vector, as in A1111."""
        embeddings = [part.at(step) for _, _, part in self.parts]
        tokens = max(len(embedding.crossattn) for embedding in embeddings)
        crossattn = torch.stack([pad_with_last(embedding.crossattn, tokens) for embedding in embeddings])
        vectors = [embedding.vector for embedding in embeddings if embedding.vector is not None]
        return EmbeddingBatch(crossattn, torch.stack(vectors) if vectors else None)


def pick(values: Tensor, rows: list[int]) -> Tensor:
    """Rows in the given order, at least one.

    Made of slices, because a list of indices would have to wait for the device.
    """
    return torch.cat([values[row : row + 1] for row in rows])


def pad_with_last(crossattn: Tensor, tokens: int) -> Tensor:
    """(..., T, D) with the last vector repeated up to `tokens`."""
    missing = tokens - crossattn.shape[-2]
    if missing <= 0:
        return crossattn
    last = crossattn[..., -1:, :]
    return torch.cat([crossattn, last.expand(*last.shape[:-2], missing, last.shape[-1])], dim=-2)


def pad_equally(
    cond: EmbeddingBatch, uncond: EmbeddingBatch, empty: Tensor
) -> tuple[EmbeddingBatch, EmbeddingBatch]:
    """The shorter of the two filled up with the encoded empty prompt (77, D), as often as it fits in."""
    repeats = abs(cond.tokens - uncond.tokens) // len(empty)
    if cond.tokens < uncond.tokens:
        return pad_with(cond, empty, repeats), uncond
    return cond, pad_with(uncond, empty, repeats)


def pad_with(batch: EmbeddingBatch, empty: Tensor, repeats: int) -> EmbeddingBatch:
    """Rows with (77, D) appended `repeats` times."""
    padding = empty.to(batch.crossattn).repeat(len(batch), repeats, 1)
    return EmbeddingBatch(torch.cat([batch.crossattn, padding], dim=1), batch.vector)


def fit_uncond(uncond: EmbeddingBatch, tokens: int) -> EmbeddingBatch:
    """The negative prompts padded with their last vector, or cut, to `tokens`: A1111's padding before 1.6."""
    return EmbeddingBatch(pad_with_last(uncond.crossattn, tokens)[:, :tokens], uncond.vector)
