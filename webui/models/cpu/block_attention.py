"""Attention over many tokens on a processor: blocks of queries against all keys, in products and softmax.

Faster than torch's fused kernel where that kernel's small products are slow. Scores are kept in 16 bits; so
that this costs no accuracy, each query's scores are shifted to lie around 0 at their largest, where 16 bits
are finest and softmax weighs most.
"""

import math
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

# Scores in one block of a head, 4 MB: larger ones fall out of the caches, smaller ones make threads wait for
# each other more often than they work.
BLOCK_SCORES = 2**21
# Below this many keys the fused kernel is as good.
MANY_KEYS = 1024
# The largest score is looked for among every eighth key; a neighbour's is near enough to shift by.
KEY_STEP = 8
ALIGNED = 8
ALIGNED_OUTPUT = 16
WORTH_IT = 0.93
TRIAL_SHAPE = (1, 1, 2048, 40)
TRIAL_ROUNDS = 3


def block_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Query (B, heads, T, D), key and value (B, heads, K, D) to (B, T, heads · D), of the same format."""
    batch, heads, tokens, size = query.shape
    group = _group(batch * heads)
    queries, keys = _with_shift(query), _with_ones(key)
    # Kernels write rows of whole vectors faster than parts of one.
    values = functional.pad(value, (0, -size % ALIGNED_OUTPUT)).flatten(0, 1)
    output = query.new_empty(batch, tokens, heads, size)
    places = output.permute(0, 2, 1, 3)
    for first in range(0, batch * heads, group):
        chosen = slice(first, first + group)
        turned = keys[chosen].transpose(1, 2)
        # The shift of a query is one more number of it, which the keys multiply with 1.
        queries[chosen, :, size] = -torch.bmm(queries[chosen], turned[..., ::KEY_STEP]).amax(-1)
        attended = _attend(queries[chosen], turned, values[chosen])
        for offset in range(len(attended)):
            places[divmod(first + offset, heads)] = attended[offset, :, :size]
    return output.view(batch, tokens, heads * size)


def _attend(queries: Tensor, turned: Tensor, values: Tensor) -> Tensor:
    """Queries (G, T, W), keys (G, W, K), values (G, K, D) to (G, T, D)."""
    group, tokens, _ = queries.shape
    output = queries.new_empty(group, tokens, values.shape[-1])
    rows = min(tokens, max(1, BLOCK_SCORES // turned.shape[-1]))
    # The same memory for every block: fresh pages would take longer than the products.
    scores = queries.new_empty(2, group * rows * turned.shape[-1])
    for first in range(0, tokens, rows):
        block = queries[:, first : first + rows]
        shape = (group, block.shape[1], turned.shape[-1])
        raw, weights = (memory[: math.prod(shape)].view(shape) for memory in scores)
        torch.bmm(block, turned, out=raw)
        torch.softmax(raw, dim=-1, out=weights)
        torch.bmm(weights, values, out=output[:, first : first + rows])
    return output


def _group(heads: int) -> int:
    """How many heads to take at once: one for each thread, as far as they divide evenly."""
    threads = torch.get_num_threads()
    return max(count for count in range(1, threads + 1) if heads % count == 0)


def _with_shift(query: Tensor) -> Tensor:
    """(B, heads, T, D) scaled, to (B · heads, T, W) with zeros after the D numbers."""
    batch, heads, tokens, size = query.shape
    wide = query.new_zeros(batch, heads, tokens, _width(size))
    torch.mul(query, size**-0.5, out=wide[..., :size])
    return wide.flatten(0, 1)


def _with_ones(key: Tensor) -> Tensor:
    """(B, heads, K, D) to (B · heads, K, W) with a 1 after the D numbers and zeros after that."""
    batch, heads, tokens, size = key.shape
    wide = key.new_zeros(batch, heads, tokens, _width(size))
    wide[..., :size] = key
    wide[..., size] = 1
    return wide.flatten(0, 1)


def _width(size: int) -> int:
    return (size // ALIGNED + 1) * ALIGNED


@torch.no_grad()
def blocks_are_faster(dtype: torch.dtype, clock: Callable[[], float] = time.thread_time) -> bool:
    """Whether this processor does attention faster in blocks than in torch's kernel; takes some 30 ms."""
    if dtype == torch.float32:
        # The kernel's scores have 32 bits there, and so must ours: then nothing is won.
        return False
    tokens = torch.randn(TRIAL_SHAPE, generator=torch.Generator().manual_seed(0)).to(dtype)
    fused, blocks = float("inf"), float("inf")
    for _ in range(TRIAL_ROUNDS):
        start = clock()
        functional.scaled_dot_product_attention(tokens, tokens, tokens)
        middle = clock()
        block_attention(tokens, tokens, tokens)
        fused, blocks = min(fused, middle - start), min(blocks, clock() - middle)
    return blocks < WORTH_IT * fused
