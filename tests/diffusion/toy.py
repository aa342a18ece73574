"""A toy network whose answers tell what it was given, and prompts for it."""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from webui.diffusion.conditioning import Conditioning, EncodedPart, PromptEmbedding, ScheduledEmbedding


@dataclass
class Call:
    """One evaluation."""

    latent: Tensor
    timestep: Tensor
    crossattn: Tensor
    vector: Tensor | None
    residuals: dict[str, Any] = field(default_factory=dict)


class ToyNetwork(nn.Module):
    """Predicts the mean of each prompt's embedding, and remembers how it was called."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.calls: list[Call] = []

    def forward(
        self, latent: Tensor, timestep: Tensor, crossattn: Tensor, vector: Tensor | None, **residuals: Any
    ) -> Tensor:
        self.calls.append(Call(latent, timestep, crossattn, vector, residuals))
        mean = crossattn.mean(dim=(1, 2))[:, None, None, None] * self.weight
        return latent[:, :4] * 0.1 + mean


def prompt(value: float, weight: float = 1.0, tokens: int = 3) -> EncodedPart:
    """A prompt whose embedding is one number."""
    return EncodedPart(weight, (ScheduledEmbedding(1000, PromptEmbedding(torch.full((tokens, 2), value))),))


def prompts(*values: float, tokens: int = 3) -> Conditioning:
    """One such prompt for each image."""
    return Conditioning(tuple((prompt(value, tokens=tokens),) for value in values))
