"""Encoded prompts, kept across runs: the next picture of the same prompt needs no text encoder."""

from collections.abc import Callable, Hashable

from torch import Tensor

from webui.diffusion.conditioning import EncodedPart
from webui.models.memory import LeastRecentlyUsed

# An SDXL prompt of one chunk takes 0.6 MB, so this holds some two hundred of them.
BUDGET_BYTES = 128 * 2**20

EncodedParts = tuple[EncodedPart, ...]


class ConditioningCache:
    """Encoded prompts by everything that decides them: text encoder, plan and options."""

    def __init__(self, budget_bytes: int = BUDGET_BYTES) -> None:
        """Starts empty."""
        self._kept: LeastRecentlyUsed[EncodedParts] = LeastRecentlyUsed(budget_bytes, _size_of)

    def get_or_make(self, key: Hashable, make: Callable[[], EncodedParts]) -> EncodedParts:
        """What was kept under the key, else what `make` gives, which is then kept."""
        found = self._kept.get(key)
        if found is None:
            found = make()
            self._kept.put(key, found)
        return found

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()


def _size_of(parts: EncodedParts) -> int:
    embeddings = [entry.embedding for part in parts for entry in part.schedule]
    return sum(_bytes(embedding.crossattn) + _bytes(embedding.vector) for embedding in embeddings)


def _bytes(tensor: Tensor | None) -> int:
    return 0 if tensor is None else tensor.numel() * tensor.element_size()
