"""Prompts to what cross attention reads: chunks of tokens through CLIP, weighted, side by side.

Follows A1111 1.10.1: the texts of one prompt's schedule go through CLIP as one batch, and restoring the mean
after weighting goes over that whole batch, so they affect each other.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn

from webui.diffusion.conditioning import EncodedPart, PromptEmbedding, ScheduledEmbedding
from webui.prompts.chunks import (
    Chunking,
    EmbeddingFix,
    EmbeddingNames,
    Emphasis,
    PromptChunk,
    chunk_text,
    empty_chunk,
)
from webui.prompts.conditioning import PromptPlan
from webui.prompts.tokenizer import ClipTokenizer, VocabularyStyle, clip_tokenizer

# Sinusoids of sizes and scores fall in frequency from 1 to 1/10000 (Vaswani et al. 2017).
LONGEST_PERIOD = 10000.0


@dataclass(frozen=True, slots=True)
class Reading:
    """Which of a tower's states are read, and how its tokens are made.

    `skipped_layers` are left off the end; `clip_skip` says whether the user's clip skip replaces that number:
    always (SD1), where the request's `sdxl_clip_l_skip` asks for it (SDXL's first), or never (OpenCLIP).
    """

    tokenizer: VocabularyStyle
    skipped_layers: int
    clip_skip: Literal["always", "on request", "never"]
    has_final_norm: bool
    gives_pooled: bool = False


class TextTower(nn.Module):
    """One CLIP text transformer, read layer by layer so that it can stop early and take embeddings'
    vectors.
    """

    def __init__(self, text_model: Any, text_projection: nn.Linear | None, reading: Reading) -> None:  # noqa: ANN401 (transformers types CLIPTextModel as Any)
        """`text_model` is transformers' CLIPTextModel; its parts keep their names for LoRAs to find."""
        super().__init__()
        self.text_model = text_model
        self.text_projection = text_projection
        self.reading = reading

    @property
    def tokenizer(self) -> ClipTokenizer:
        """The tokenizer this tower was trained with."""
        return clip_tokenizer(self.reading.tokenizer)

    @property
    def width(self) -> int:
        """Numbers per token."""
        return self.text_model.embeddings.token_embedding.weight.shape[1]

    def skipped_layers(self, options: "EncodingOptions") -> int:
        """How many layers at the end are not read."""
        rule = self.reading.clip_skip
        if rule == "always" or (rule == "on request" and options.sdxl_clip_l_skip):
            return min(max(options.clip_skip, 1), len(self.text_model.encoder.layers)) - 1
        return self.reading.skipped_layers

    def forward(
        self, tokens: Tensor, skipped_layers: int, injections: Sequence["Injection"] = ()
    ) -> "TowerOutput":
        """Token ids (B, 77) to states (B, 77, D) and pooled (B, P), both float32."""
        model = self.text_model
        hidden = model.embeddings.token_embedding(tokens)
        for injection in injections:
            # An embedding moved on with the text after a comma may reach past the chunk's end (see
            # chunks.py).
            vectors = injection.vectors[: tokens.shape[1] - injection.position]
            hidden[injection.row, injection.position : injection.position + len(vectors)] = vectors.to(hidden)
        hidden = hidden + model.embeddings.position_embedding(
            model.embeddings.position_ids[:, : tokens.shape[1]]
        )
        count = len(model.encoder.layers) - skipped_layers
        states = hidden
        for number, layer in enumerate(model.encoder.layers, start=1):
            if number > count and not self.reading.gives_pooled:
                break
            hidden = layer(hidden, None, is_causal=True)
            if number == count:
                states = hidden
        if self.reading.has_final_norm:
            states = model.final_layer_norm(states)
        return TowerOutput(
            states.float(), self._pooled(hidden, tokens) if self.reading.gives_pooled else None
        )

    def _pooled(self, last: Tensor, tokens: Tensor) -> Tensor:
        """The last layer's state at the first end mark (the highest id), projected: (B, P)."""
        at_end = self.text_model.final_layer_norm(last)[torch.arange(len(tokens)), tokens.argmax(dim=-1)]
        if self.text_projection is not None:
            at_end = self.text_projection(at_end)
        return at_end.float()


@dataclass(frozen=True, slots=True, eq=False)
class TowerOutput:
    """States (B, T, D) and, of towers that give it, the pooled text (B, P)."""

    states: Tensor
    pooled: Tensor | None


@dataclass(frozen=True, slots=True, eq=False)
class Injection:
    """An embedding's vectors (n, D), to stand at `position` (from the start mark, 0) of row `row`."""

    row: int
    position: int
    vectors: Tensor


@dataclass(frozen=True, slots=True)
class VectorRule:
    """What SDXL is told beside the prompt: numbers that become `frequencies` sinusoids each.

    `has_score` (refiner): the aesthetic score takes the place of the target size.
    """

    frequencies: int
    has_score: bool = False


@dataclass(frozen=True, slots=True)
class PictureSize:
    """Pixels."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class EncodingOptions:
    """What the request says about reading prompts; sizes are the picture's (SDXL is told them)."""

    emphasis: Emphasis = "Original"
    clip_skip: int = 1
    comma_backtrack: int = 20
    sdxl_clip_l_skip: bool = False
    size: PictureSize = PictureSize(1024, 1024)
    crop_top: int = 0
    crop_left: int = 0
    low_aesthetic_score: float = 2.5
    high_aesthetic_score: float = 6.0


@dataclass(frozen=True, slots=True, eq=False)
class TextualInversion:
    """An embedding's vectors for each tower, (n, D) each, the same n."""

    vectors: tuple[Tensor, ...]

    @property
    def count(self) -> int:
        """How many tokens it takes."""
        return len(self.vectors[0])


@dataclass(frozen=True, eq=False)
class TextEncoder:
    """The towers of a checkpoint, side by side, and what goes into its vector."""

    towers: tuple[TextTower, ...]
    vector: VectorRule | None = None
    inversions: Mapping[str, TextualInversion] = field(default_factory=dict)

    def chunking(self, tower: int, options: EncodingOptions) -> Chunking:
        """How texts become chunks for one tower."""
        tokenizer = self.towers[tower].tokenizer
        counts = {name: inversion.count for name, inversion in self.inversions.items()}
        names = EmbeddingNames(tokenizer, counts) if counts else None
        return Chunking(tokenizer, options.emphasis, options.comma_backtrack, names)

    @torch.no_grad()
    def encode(
        self, texts: Sequence[str], options: EncodingOptions, *, is_negative: bool = False
    ) -> list[PromptEmbedding]:
        """One embedding a text. Texts of one prompt's schedule belong together in one call: see the
        module.
        """
        return self.encode_for_training(texts, options, is_negative=is_negative)

    def encode_for_training(
        self, texts: Sequence[str], options: EncodingOptions, *, is_negative: bool = False
    ) -> list[PromptEmbedding]:
        """The same with gradients, where they are enabled."""
        outputs = [self._encode_tower(number, texts, options) for number in range(len(self.towers))]
        crossattn = torch.cat([output.states for output in outputs], dim=-1)
        vector = None
        if self.vector is not None:
            pooled = next(output.pooled for output in outputs if output.pooled is not None)
            if is_negative and not any(texts):
                # SDXL was trained with an empty negative prompt as zeros and not as the encoding of "".
                crossattn, pooled = torch.zeros_like(crossattn), torch.zeros_like(pooled)
            sizes = size_embedding(self.vector, options, is_negative=is_negative).to(pooled)
            vector = torch.cat([pooled, sizes.expand(len(texts), -1)], dim=-1)
        return [
            PromptEmbedding(row, None if vector is None else vector[index])
            for index, row in enumerate(crossattn)
        ]

    def encode_plan(
        self, planned: PromptPlan, options: EncodingOptions, *, is_negative: bool = False
    ) -> tuple[EncodedPart, ...]:
        """A planned prompt's AND parts with their schedules; each part is one batch."""
        parts: list[EncodedPart] = []
        for part in planned.parts:
            embeddings = self.encode(
                [entry.text for entry in part.schedule], options, is_negative=is_negative
            )
            schedule = zip(part.schedule, embeddings, strict=True)
            parts.append(
                EncodedPart(
                    part.weight,
                    tuple(ScheduledEmbedding(entry.end_at_step, each) for entry, each in schedule),
                )
            )
        return tuple(parts)

    def used_inversions(self, planned: PromptPlan, options: EncodingOptions) -> Iterator[tuple[str, ...]]:
        """Names of the embeddings in a plan: for each of its different texts and each tower, in order."""
        for schedule in dict.fromkeys(part.schedule for part in planned.parts):
            for number in range(len(self.towers)):
                chunking = self.chunking(number, options)
                rows = [chunk_text(entry.text, chunking).chunks for entry in schedule]
                places = range(max(len(row) for row in rows))
                fixes = (fix for i in places for row in rows if i < len(row) for fix in row[i].fixes)
                yield tuple(dict.fromkeys(fix.name for fix in fixes))

    def _encode_tower(self, number: int, texts: Sequence[str], options: EncodingOptions) -> TowerOutput:
        """One tower's states (B, 77 · chunks, D) and the pooled output of the first chunk."""
        tower, chunking = self.towers[number], self.chunking(number, options)
        rows = [chunk_text(text, chunking).chunks for text in texts]
        empty = empty_chunk(chunking.tokenizer)
        outputs = [
            self._encode_chunks(number, [row[place] if place < len(row) else empty for row in rows], options)
            for place in range(max(len(row) for row in rows))
        ]
        pooled = outputs[0].pooled if tower.reading.gives_pooled else None
        return TowerOutput(torch.cat([output.states for output in outputs], dim=1), pooled)

    def _encode_chunks(
        self, number: int, chunks: Sequence[PromptChunk], options: EncodingOptions
    ) -> TowerOutput:
        """The chunks at one place of all texts, weighted."""
        tower = self.towers[number]
        device = tower.text_model.embeddings.token_embedding.weight.device
        tokenizer = tower.tokenizer
        tokens = [
            chunk.tokens
            if tokenizer.pad_id == tokenizer.end_id
            else chunk.padded(tokenizer.end_id, tokenizer.pad_id)
            for chunk in chunks
        ]
        injections = [
            self._injection(number, row, fix) for row, chunk in enumerate(chunks) for fix in chunk.fixes
        ]
        output = tower(torch.tensor(tokens, device=device), tower.skipped_layers(options), injections)
        multipliers = torch.tensor([chunk.multipliers for chunk in chunks], device=device)
        return TowerOutput(weigh_states(output.states, multipliers, options.emphasis), output.pooled)

    def _injection(self, number: int, row: int, fix: EmbeddingFix) -> Injection:
        # The start mark stands before the chunk's first token.
        return Injection(row, fix.offset + 1, self.inversions[fix.name].vectors[number])


def weigh_states(states: Tensor, multipliers: Tensor, emphasis: Emphasis) -> Tensor:
    """States (B, T, D) times the weight of each token (B, T); "Original" restores the mean of the whole
    batch.
    """
    if emphasis in {"None", "Ignore"}:
        return states
    scaled = states * multipliers[..., None]
    return scaled * (states.mean() / scaled.mean()) if emphasis == "Original" else scaled


def size_embedding(rule: VectorRule, options: EncodingOptions, *, is_negative: bool) -> Tensor:
    """Original size, crop and target size (or aesthetic score) as sinusoids, (numbers · frequencies,)
    float32.
    """
    height, width = options.size.height, options.size.width
    score = options.low_aesthetic_score if is_negative else options.high_aesthetic_score
    told = [
        height,
        width,
        options.crop_top,
        options.crop_left,
        *([score] if rule.has_score else [height, width]),
    ]
    return embed_numbers(told, rule.frequencies)


def embed_numbers(numbers: Sequence[float], frequencies: int) -> Tensor:
    """Each number as sinusoids, side by side: (len(numbers) · frequencies,) float32."""
    half = frequencies // 2
    periods = torch.exp(
        -torch.log(torch.tensor(LONGEST_PERIOD)) * torch.arange(half, dtype=torch.float32) / half
    )
    angles = torch.tensor(numbers, dtype=torch.float32)[:, None] * periods
    return torch.cat([angles.cos(), angles.sin()], dim=-1).flatten()
