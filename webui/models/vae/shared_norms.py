"""Group norms that take one picture's numbers for all its tiles.

A group norm (Wu & He 2018) brings each group of channels to mean 0 and variance 1 over the whole picture.
On a tile alone it would do so over the tile, and sky and shadow would drift towards each other.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn


@dataclass(slots=True)
class GroupSums:
    """Means and squares of one norm's groups (G,), float32, summed over tiles of equal weight."""

    tiles: int = 0
    mean: Tensor = field(default_factory=lambda: torch.zeros(()))
    square: Tensor = field(default_factory=lambda: torch.zeros(()))

    def add(self, groups: Tensor) -> None:
        """One more tile's values (G, N)."""
        groups = groups.float()
        self.tiles += 1
        self.mean = self.mean.to(groups.device) + groups.mean(1)
        self.square = self.square.to(groups.device) + groups.square().mean(1)

    def scale_and_shift(self, norm: nn.GroupNorm) -> tuple[Tensor, Tensor]:
        """What a channel is multiplied with and what is then added, each (C,), in place of the norm."""
        mean, square = self.mean / self.tiles, self.square / self.tiles
        deviation = ((square - mean.square()).clamp(min=0) + norm.eps).sqrt()
        channels = norm.num_channels // norm.num_groups
        scale = norm.weight.float() / deviation.repeat_interleave(channels)
        return scale, norm.bias.float() - mean.repeat_interleave(channels) * scale


Sums = Mapping[nn.GroupNorm, GroupSums]


@contextmanager
def measure_norms(network: nn.Module) -> Iterator[Sums]:
    """Note what the group norms of a network see while the context is open."""
    sums = {norm: GroupSums() for norm in network.modules() if isinstance(norm, nn.GroupNorm)}

    def note(norm: nn.Module, given: tuple[Tensor], _: Tensor) -> None:
        assert isinstance(norm, nn.GroupNorm)
        sums[norm].add(given[0].reshape(norm.num_groups, -1))

    handles = [norm.register_forward_hook(note) for norm in sums]
    try:
        yield sums
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def fix_norms(sums: Sums) -> Iterator[None]:
    """Let group norms use these numbers while the context is open; those never measured stay as they are."""
    numbers = {norm: noted.scale_and_shift(norm) for norm, noted in sums.items() if noted.tiles}

    def replace(norm: nn.Module, given: tuple[Tensor], _: Tensor) -> Tensor:
        assert isinstance(norm, nn.GroupNorm)
        scale, shift = numbers[norm]
        # Behind the channels stand height and width, or, in attention, places.
        shape = (1, -1, *(1,) * (given[0].ndim - 2))
        return torch.addcmul(shift.view(shape), given[0].float(), scale.view(shape)).to(given[0].dtype)

    handles = [norm.register_forward_hook(replace) for norm in numbers]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
