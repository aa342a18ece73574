"""Dropout that draws from a generator of its own, so that a repeated call leaves out the same values."""

from dataclasses import dataclass

import torch
from torch import Tensor

# A prime that keeps the layers' seeds apart.
SEED_STEP = 1_000_003


@dataclass(frozen=True, slots=True, eq=False)
class Dropout:
    """Leaves out a share of values by the generator's seed and the layer's number, at every call.

    Gradient checkpointing calls layers again in the backward pass, and has to get the same answer.
    """

    share: float
    generator: torch.Generator
    number: int

    def __call__(self, values: Tensor) -> Tensor:
        """Some values as 0, the others larger by as much; nothing without gradients, as in sampling."""
        if not self.share or not torch.is_grad_enabled():
            return values
        seed = (self.generator.initial_seed() + SEED_STEP * (self.number + 1)) % 2**63
        own = torch.Generator(values.device).manual_seed(seed)
        kept = torch.rand(values.shape, generator=own, device=values.device) >= self.share
        return values * kept.to(values.dtype) / (1 - self.share)
