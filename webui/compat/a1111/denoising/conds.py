"""Encoded prompts in A1111's shapes, and the way between them and this program's.

A prompt is a list of AND parts, each with a weight and a schedule: embeddings and the evaluation up to which
each holds. An embedding is a tensor (T, D), or for SDXL a dict of `crossattn` (T, D) and `vector` (Dv,).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from webui.diffusion.conditioning import (
    Conditioning,
    EmbeddingBatch,
    EncodedPart,
    PromptEmbedding,
    ScheduledEmbedding,
    pad_with_last,
)

# A tensor, or a dict of them.
Cond = Any


class ScheduledPromptConditioning(NamedTuple):
    """An embedding and the last evaluation it holds for."""

    end_at_step: int
    cond: Cond


class ComposableScheduledPromptConditioning:
    """An AND part: its schedule and its weight."""

    def __init__(self, schedules: list[ScheduledPromptConditioning], weight: float = 1.0) -> None:
        self.schedules = schedules
        self.weight = weight


class MulticondLearnedConditioning:
    """The prompts of a batch, each with its AND parts. `shape` is (batch size,): extensions ask for it."""

    def __init__(self, shape: Any, batch: list[list[ComposableScheduledPromptConditioning]]) -> None:  # noqa: ANN401 - as A1111 takes it
        self.shape = shape
        self.batch = batch


class DictWithShape(dict[str, Tensor]):
    """SDXL's embeddings of a batch; its `shape` is that of `crossattn`."""

    def __init__(self, x: Mapping[str, Tensor], shape: object = None) -> None:
        super().__init__(x)

    @property
    def shape(self) -> torch.Size:
        """(N, T, D)."""
        return self["crossattn"].shape

    def to(self, *args: Any, **kwargs: Any) -> DictWithShape:  # noqa: ANN401 - as Tensor.to
        """The same elsewhere; changed in place, as A1111's."""
        for key, value in self.items():
            self[key] = value.to(*args, **kwargs)
        return self


class SdConditioning(list[str]):
    """Texts that are encoded together, and the size of the picture that they are for."""

    def __init__(
        self,
        prompts: Iterable[str],
        is_negative_prompt: bool = False,
        width: int | None = None,
        height: int | None = None,
        copy_from: Any = None,  # noqa: ANN401 - another one, or a plain list
    ) -> None:
        super().__init__(prompts)
        source = prompts if copy_from is None else copy_from
        self.is_negative_prompt = is_negative_prompt or getattr(source, "is_negative_prompt", False)
        self.width = width or getattr(source, "width", None)
        self.height = height or getattr(source, "height", None)
        self.distilled_cfg_scale = getattr(source, "distilled_cfg_scale", None)


def entry_at(schedule: Sequence[ScheduledPromptConditioning], step: int) -> Cond:
    """What holds for an evaluation; past the end it is the first again."""
    return next((entry.cond for entry in schedule if step <= entry.end_at_step), schedule[0].cond)


def stack_conds(tensors: Sequence[Tensor]) -> Tensor:
    """(N, T, D); shorter ones are filled with their last vector."""
    tokens = max(len(each) for each in tensors)
    return torch.stack([pad_with_last(each, tokens) for each in tensors])


def stack_embeddings(conds: Sequence[Cond]) -> Cond:
    """A batch of embeddings: a tensor, or for SDXL a DictWithShape."""
    if not isinstance(conds[0], Mapping):
        return stack_conds(conds)
    stacked = {
        key: stack_conds([each[key] for each in conds])
        if key == "crossattn"
        else torch.stack([each[key] for each in conds])
        for key in conds[0]
    }
    return DictWithShape(stacked)


def batch_at(conds: Sequence[Sequence[ScheduledPromptConditioning]], step: int) -> Cond:
    """The embeddings of a batch of negative prompts for an evaluation."""
    return stack_embeddings([entry_at(schedule, step) for schedule in conds])


def multicond_at(
    conds: MulticondLearnedConditioning, step: int
) -> tuple[list[list[tuple[int, float]]], Cond]:
    """Of each image its rows and their weights; and the embeddings of all rows."""
    places: list[list[tuple[int, float]]] = []
    rows: list[Cond] = []
    for parts in conds.batch:
        places.append([(len(rows) + index, part.weight) for index, part in enumerate(parts)])
        rows += [entry_at(part.schedules, step) for part in parts]
    return places, stack_embeddings(rows)


def to_cond(embedding: PromptEmbedding) -> Cond:
    """An embedding as A1111 has it."""
    if embedding.vector is None:
        return embedding.crossattn
    return {"crossattn": embedding.crossattn, "vector": embedding.vector}


def to_embedding(cond: Cond) -> PromptEmbedding:
    """And back."""
    if isinstance(cond, Mapping):
        return PromptEmbedding(cond["crossattn"], cond.get("vector"))
    return PromptEmbedding(cond)


def to_schedule(part: EncodedPart) -> list[ScheduledPromptConditioning]:
    """The schedule of an AND part."""
    return [
        ScheduledPromptConditioning(entry.end_at_step, to_cond(entry.embedding)) for entry in part.schedule
    ]


def to_multicond(conditioning: Conditioning) -> MulticondLearnedConditioning:
    """The prompts of a batch."""
    batch = [
        [ComposableScheduledPromptConditioning(to_schedule(part), part.weight) for part in image]
        for image in conditioning.images
    ]
    return MulticondLearnedConditioning((len(batch),), batch)


def to_schedules(conditioning: Conditioning) -> list[list[ScheduledPromptConditioning]]:
    """The negative prompts of a batch, which have one part each."""
    return [to_schedule(image[0]) for image in conditioning.images]


def to_part(schedule: Iterable[ScheduledPromptConditioning], weight: float = 1.0) -> EncodedPart:
    """An AND part of this program's."""
    return EncodedPart(
        weight, tuple(ScheduledEmbedding(entry.end_at_step, to_embedding(entry.cond)) for entry in schedule)
    )


def to_conditioning(conds: Any) -> Conditioning:  # noqa: ANN401 - either of A1111's two
    """The prompts of a batch for this program: from a multicond, or from schedules of negative prompts."""
    if isinstance(conds, MulticondLearnedConditioning):
        images = [tuple(to_part(part.schedules, part.weight) for part in parts) for parts in conds.batch]
    else:
        images = [(to_part(schedule),) for schedule in conds]
    return Conditioning(tuple(images))


def to_text(batch: EmbeddingBatch) -> Cond:
    """The rows of an evaluation: a tensor (N, T, D), or for SDXL a DictWithShape."""
    if batch.vector is None:
        return batch.crossattn
    return DictWithShape({"crossattn": batch.crossattn, "vector": batch.vector})


def to_batch(text: Cond) -> EmbeddingBatch:
    """And back."""
    if isinstance(text, Mapping):
        return EmbeddingBatch(text["crossattn"], text.get("vector"))
    return EmbeddingBatch(text)
