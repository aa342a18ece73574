"""The running average (EMA) of what is trained, which makes calmer files than the last step."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class RunningAverage:
    """Of parameters, on their device. A decay of 0 keeps none, and is free."""

    def __init__(self, parameters: Iterable[nn.Parameter], decay: float) -> None:
        self._decay = decay
        self._parameters = list(parameters) if decay else []
        self._averages = [each.detach().clone() for each in self._parameters]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the parameters after a step, counted from 1; the first steps are forgotten sooner."""
        if not self._parameters:
            return
        decay = min(self._decay, (1 + step) / (10 + step))
        for average, parameter in zip(self._averages, self._parameters, strict=True):
            average.lerp_(parameter.detach(), 1 - decay)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The parameters are their averages while the context is open, and bit-exactly themselves after."""
        kept = [each.data for each in self._parameters]
        for parameter, average in zip(self._parameters, self._averages, strict=True):
            parameter.data = average
        try:
            yield
        finally:
            for parameter, data in zip(self._parameters, kept, strict=True):
                parameter.data = data

    def state(self) -> list[Tensor]:
        """For resuming."""
        return [each.detach().cpu() for each in self._averages]

    def load_state(self, state: Sequence[Tensor]) -> None:
        """What `state` gave."""
        for average, value in zip(self._averages, state, strict=True):
            average.copy_(value)
