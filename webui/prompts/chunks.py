"""A text as chunks of 75 tokens with their weights, as CLIP reads them.

Follows A1111 1.10.1: a chunk that overflows soon after a comma breaks at the comma, BREAK starts a new chunk,
and the names of embeddings make room for their vectors. As there, an embedding whose tokens move on with the
text after a comma keeps its fix in the chunk they left, so that old pictures come out the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from webui.core.attention import WeightedText, parse_attention
from webui.core.errors import InvalidRequest
from webui.prompts.tokenizer import ClipTokenizer

Emphasis = Literal["None", "Ignore", "Original", "No norm"]
"""What weights do, by A1111's names. `None` takes brackets and BREAK for text; `Ignore` reads them and weighs
nothing; the other two scale the encoder's output, with and without restoring its mean."""

# CLIP was trained with 77 tokens; two of them are the marks of start and end.
TOKENS_PER_CHUNK = 75
# How far back, in tokens, A1111 looks for a comma to break at, unless told otherwise.
COMMA_BACKTRACK = 20


@dataclass(frozen=True, slots=True)
class EmbeddingFix:
    """Where an embedding's vectors go: `offset` counts a chunk's tokens after the start mark, from 0."""

    offset: int
    name: str
    vectors: int


@dataclass(frozen=True, slots=True)
class PromptChunk:
    """77 token ids with the marks of start and end, and a multiplier for each.

    Past the text stand end marks: `padded` gives the ids for encoders that pad otherwise.
    """

    tokens: tuple[int, ...]
    multipliers: tuple[float, ...]
    fixes: tuple[EmbeddingFix, ...] = ()

    def padded(self, end_id: int, pad_id: int) -> tuple[int, ...]:
        """The tokens with `pad_id` in place of everything after the first end mark."""
        end = self.tokens.index(end_id) + 1
        return self.tokens[:end] + (pad_id,) * (len(self.tokens) - end)


@dataclass(frozen=True, slots=True)
class ChunkedText:
    """A text's chunks, at least one, and how many tokens are in use."""

    chunks: tuple[PromptChunk, ...]
    token_count: int
    warnings: tuple[str, ...] = ()


class EmbeddingNames:
    """Finds the names of textual-inversion embeddings among tokens, as the tokenizer splits them."""

    def __init__(self, tokenizer: ClipTokenizer, vectors: Mapping[str, int]) -> None:
        """`vectors` maps each embedding's name to how many vectors it holds, at most 75."""
        self._names: dict[tuple[int, ...], tuple[str, int]] = {}
        lengths: dict[int, set[int]] = {}
        for name, count in vectors.items():
            if tokens := tuple(tokenizer.encode(name)):
                self._names.setdefault(tokens, (name, count))
                lengths.setdefault(tokens[0], set()).add(len(tokens))
        # Of the names that begin with a token: their lengths, the longest first.
        self._lengths = {first: sorted(found, reverse=True) for first, found in lengths.items()}

    def find(self, tokens: Sequence[int], position: int) -> tuple[str, int, int] | None:
        """The longest name starting at a position: (name, vectors, length of the name in tokens)."""
        for length in self._lengths.get(tokens[position], ()):
            found = self._names.get(tuple(tokens[position : position + length]))
            if found is not None:
                return *found, length
        return None


@dataclass(frozen=True, slots=True)
class Chunking:
    """How texts become chunks: the same for all texts of one request and text encoder."""

    tokenizer: ClipTokenizer
    emphasis: Emphasis = "Original"
    comma_backtrack: int = COMMA_BACKTRACK
    embeddings: EmbeddingNames | None = None


def chunk_text(text: str, chunking: Chunking) -> ChunkedText:
    """Read attention and BREAK in a text and cut its tokens into chunks."""
    if chunking.emphasis == "None":
        runs, warnings = (WeightedText(text, 1.0),), ()
    else:
        attention = parse_attention(text)
        runs, warnings = attention.runs, attention.warnings
    filling = _Filling(chunking)
    for run in runs:
        if run.is_break:
            filling.end_chunk()
        else:
            filling.add(chunking.tokenizer.encode(run.text), run.weight)
    return ChunkedText(*filling.finish(), warnings)


def empty_chunk(tokenizer: ClipTokenizer) -> PromptChunk:
    """What stands in for the missing chunks of a shorter text in a batch."""
    tokens = (tokenizer.start_id,) + (tokenizer.end_id,) * (TOKENS_PER_CHUNK + 1)
    return PromptChunk(tokens, (1.0,) * (TOKENS_PER_CHUNK + 2))


def token_limit(token_count: int) -> int:
    """How many tokens fit before another chunk is needed: 75, 150, …"""
    return max(1, -(-token_count // TOKENS_PER_CHUNK)) * TOKENS_PER_CHUNK


@dataclass(slots=True)
class _OpenChunk:
    tokens: list[int] = field(default_factory=list[int])
    multipliers: list[float] = field(default_factory=list[float])
    fixes: list[EmbeddingFix] = field(default_factory=list[EmbeddingFix])
    last_comma: int | None = None


class _Filling:
    """Chunks being filled, token by token."""

    def __init__(self, chunking: Chunking) -> None:
        self.chunking = chunking
        self.chunks: list[PromptChunk] = []
        self.token_count = 0
        self.open = _OpenChunk()

    def add(self, tokens: list[int], weight: float) -> None:
        """Append tokens of one weight."""
        position = 0
        while position < len(tokens):
            self._make_room(tokens[position])
            names = self.chunking.embeddings
            found = names.find(tokens, position) if names else None
            if found is None:
                self._append([tokens[position]], weight)
                position += 1
            else:
                name, vectors, length = found
                self._append_embedding(name, vectors, weight)
                position += length

    def end_chunk(self) -> None:
        """Fill the open chunk up with end marks and start another."""
        self._close(TOKENS_PER_CHUNK)

    def finish(self) -> tuple[tuple[PromptChunk, ...], int]:
        """The chunks and the count of tokens; the end marks of the last chunk are not counted."""
        if self.open.tokens or not self.chunks:
            self._close(len(self.open.tokens))
        return tuple(self.chunks), self.token_count

    def _make_room(self, token: int) -> None:
        tokenizer, backtrack = self.chunking.tokenizer, self.chunking.comma_backtrack
        size, comma = len(self.open.tokens), self.open.last_comma
        if token == tokenizer.comma_id:
            self.open.last_comma = size
        elif size == TOKENS_PER_CHUNK and comma is not None and 0 < size - comma <= backtrack:
            self._break_after(comma)
        if len(self.open.tokens) == TOKENS_PER_CHUNK:
            self.end_chunk()

    def _break_after(self, comma: int) -> None:
        moved, multipliers = self.open.tokens[comma + 1 :], self.open.multipliers[comma + 1 :]
        del self.open.tokens[comma + 1 :], self.open.multipliers[comma + 1 :]
        self.end_chunk()
        self.open.tokens, self.open.multipliers = moved, multipliers

    def _append(self, tokens: list[int], weight: float) -> None:
        self.open.tokens += tokens
        self.open.multipliers += [weight] * len(tokens)

    def _append_embedding(self, name: str, vectors: int, weight: float) -> None:
        if vectors > TOKENS_PER_CHUNK:
            raise InvalidRequest(
                f"The embedding {name!r} has {vectors} vectors, but a prompt takes {TOKENS_PER_CHUNK}. "
                "Take it out of the prompt or use a smaller one."
            )
        if len(self.open.tokens) + vectors > TOKENS_PER_CHUNK:
            self.end_chunk()
        self.open.fixes.append(EmbeddingFix(len(self.open.tokens), name, vectors))
        self._append([0] * vectors, weight)

    def _close(self, counted: int) -> None:
        start, end = self.chunking.tokenizer.start_id, self.chunking.tokenizer.end_id
        missing = TOKENS_PER_CHUNK - len(self.open.tokens)
        tokens = (start, *self.open.tokens, *[end] * missing, end)
        multipliers = (1.0, *self.open.multipliers, *[1.0] * missing, 1.0)
        self.chunks.append(PromptChunk(tokens, multipliers, tuple(self.open.fixes)))
        self.token_count += counted
        self.open = _OpenChunk()
