"""What an adapter is."""

from contextlib import AbstractContextManager
from typing import Protocol

from torch import nn


class Adapter(Protocol):
    """Changes a network while its context is open and puts everything back, bit by bit, when it closes."""

    def attach(self, network: nn.Module) -> AbstractContextManager[None]:
        """Change `network` until the context closes."""
        ...
