"""Attention in blocks against torch's own."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from webui.models.cpu.block_attention import block_attention


def exact(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Attention in 64 bits, (B, T, heads · D)."""
    output = functional.scaled_dot_product_attention(query.double(), key.double(), value.double())
    return output.transpose(1, 2).flatten(2)


def tokens(*shape: int, seed: int, scale: float = 1.0) -> Tensor:
    """Random numbers in bfloat16."""
    return (torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * scale).bfloat16()


@pytest.mark.parametrize(("heads", "size", "count"), [(2, 40, 300), (3, 64, 256), (1, 24, 70)])
def test_blocks_give_what_torch_gives_in_32_bits(heads: int, size: int, count: int) -> None:
    query, key, value = (tokens(2, heads, count, size, seed=seed).float() for seed in range(3))
    torch.testing.assert_close(
        block_attention(query, key, value).double(), exact(query, key, value), atol=1e-5, rtol=1e-4
    )


def test_16_bit_scores_lose_little_even_where_they_are_large() -> None:
    # Scores of up to 50 are 0.25 apart in bfloat16; what softmax makes of that must not show.
    query, key = tokens(1, 2, 512, 40, seed=0, scale=3.0), tokens(1, 2, 512, 40, seed=1, scale=3.0)
    value = tokens(1, 2, 512, 40, seed=2)
    wanted = exact(query, key, value)
    fused = functional.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
    error = (block_attention(query, key, value) - wanted).pow(2).mean().sqrt()
    assert error < 4 * (fused - wanted).pow(2).mean().sqrt()
    scores = (query * 40**-0.5) @ key.transpose(-1, -2)
    plain = (scores.softmax(-1) @ value).transpose(1, 2).flatten(2)
    assert error < 0.7 * (plain - wanted).pow(2).mean().sqrt()


def test_text_of_another_length_is_attended_to() -> None:
    query, key, value = (
        tokens(1, 2, 300, 40, seed=0),
        tokens(1, 2, 77, 40, seed=1),
        tokens(1, 2, 77, 40, seed=2),
    )
    torch.testing.assert_close(
        block_attention(query, key, value).double(), exact(query, key, value), atol=0.02, rtol=0.02
    )
