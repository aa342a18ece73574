"""Attention in slices of queries: the same numbers in less memory, where torch's kernel holds all scores."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from diffusers.models.attention_processor import Attention
from torch import Tensor, nn
from torch.nn import functional

from webui.models.cpu.cpu_modules import FastAttention


class SlicedAttention(FastAttention):
    """Attention that takes at most so many queries at once. No query's result needs another query."""

    def __init__(self, queries: int) -> None:
        super().__init__(in_blocks=False)
        self._queries = queries

    def multiply(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Query (B, heads, T, D), key and value (B, heads, K, D) to (B, T, heads · D)."""
        slices = query.split(self._queries, dim=2)
        found = [functional.scaled_dot_product_attention(each, key, value) for each in slices]
        return torch.cat(found, dim=2).transpose(1, 2).flatten(2)


@contextmanager
def sliced_attention(network: nn.Module, queries: int) -> Iterator[None]:
    """All attention of a network takes at most so many queries at once while the context is open."""
    processor = SlicedAttention(queries)
    kept = [(module, module.processor) for module in network.modules() if isinstance(module, Attention)]
    try:
        for module, _ in kept:
            module.set_processor(processor)  # type: ignore[arg-type]  # its annotation lists diffusers' own
        yield
    finally:
        for module, before in kept:
            module.set_processor(before)  # type: ignore[arg-type]
