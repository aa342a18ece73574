"""The normal numbers an NVIDIA card draws, on any device: Philox 4x32-10 (Salmon et al. 2011), Box-Muller."""

from math import prod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

ROUNDS = 10
MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
# Added to the two halves of the key after each round: the golden ratio and the square root of 3, less 1.
KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
WORD = 2**32
# CUDA's float32 constants for 2^-32 and 2 pi 2^-32.
TO_UNIT = np.float32(2.3283064e-10)
TO_ANGLE = np.float32(2.3283064e-10 * 6.2831855)


class PhiloxGenerator:
    """A stream of normal numbers from a seed (64 bits), as `torch.randn` draws them on CUDA."""

    def __init__(self, seed: int) -> None:
        self._key = (seed % WORD, seed // WORD % WORD)
        self._draws = 0

    def randn(self, shape: tuple[int, ...]) -> Tensor:
        """The next draw, float32 on the CPU."""
        count = prod(shape)
        first, second = philox(self._draws, count, self._key)
        self._draws += 1
        return torch.from_numpy(box_muller(first, second).reshape(shape))


def philox(draw: int, count: int, key: tuple[int, int]) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """The first two of four random words for each of `count` threads in one draw."""
    a = np.full(count, draw, dtype=np.uint32)
    b = np.zeros(count, dtype=np.uint32)
    c = np.arange(count, dtype=np.uint32)
    d = np.zeros(count, dtype=np.uint32)
    for turn in range(ROUNDS):
        low_key, high_key = (
            np.uint32((part + turn * step) % WORD) for part, step in zip(key, KEY_STEPS, strict=True)
        )
        first, second = a * MULTIPLIERS[0], c * MULTIPLIERS[1]
        a, b, c, d = (
            high_word(second) ^ b ^ low_key,
            second.astype(np.uint32),
            high_word(first) ^ d ^ high_key,
            first.astype(np.uint32),
        )
    return a, b


def high_word(values: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """The upper 32 bits."""
    return (values >> np.uint64(32)).astype(np.uint32)


def box_muller(first: NDArray[np.uint32], second: NDArray[np.uint32]) -> NDArray[np.float32]:
    """One normal number from two uniform words (Box and Muller 1958); CUDA uses the sine."""
    # uint32 times float32 is float64 here, as in the emulation whose numbers A1111 shows.
    radius = np.sqrt(-2.0 * np.log(first * TO_UNIT + TO_UNIT / 2))
    return (radius * np.sin(second * TO_ANGLE + TO_ANGLE / 2)).astype(np.float32)
