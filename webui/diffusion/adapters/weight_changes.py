"""What LoRAs and their kin do to one weight: LoRA (Hu et al. 2021) and the LyCORIS family (Yeh et al. 2023).

Each kind gives a `delta` of the weight's shape for the weight as it is; how much of it is added is the
artist's choice. Scales are A1111's: alpha over rank, where a file has both.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

IMAGE_AXES, MATRIX_AXES = 4, 2
# (out, in, kh, kw) as channels-last tensors lie in memory: (out, kh, kw, in).
CHANNELS_LAST = (0, 2, 3, 1)
# Numbers handled at once on a processor: as 32 bits they stay in its cache.
BLOCK = 2**19
SMALLEST = torch.finfo(torch.float32).tiny


class WeightChange(Protocol):
    """One way to change a weight."""

    def fits(self, shape: torch.Size) -> bool:
        """Whether it is for a weight of this shape."""
        ...

    def delta(self, weight: Tensor) -> Tensor:
        """What to add to `weight` (float32, any device) at full strength; its shape, float32."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class LowRank:
    """LoRA: up (out, rank) times down (rank, in · kernel)."""

    up: Tensor
    down: Tensor
    scale: float = 1.0

    def fits(self, shape: torch.Size) -> bool:
        """By the sides of both matrices."""
        fits_rows = self.up.shape[0] == shape[0] and self.up.shape[1] == self.down.shape[0]
        return len(shape) > 1 and fits_rows and self.down.shape[1] == shape[1:].numel()

    def delta(self, weight: Tensor) -> Tensor:
        """The product of both."""
        product = on(self.up, weight) @ on(self.down, weight)
        return product.reshape(weight.shape) * self.scale

    def limited(self, rank: int | None) -> "LowRank":
        """With its first ranks only; the scale stays that of all of them."""
        if rank is None:
            return self
        return replace(self, up=self.up[:, :rank], down=self.down[:rank])


@dataclass(frozen=True, slots=True, eq=False)
class TuckerLoRA:
    """LoCon with a core (rank, rank, kh, kw) between up (out, rank) and down (rank, in)."""

    up: Tensor
    down: Tensor
    core: Tensor
    scale: float = 1.0

    def fits(self, shape: torch.Size) -> bool:
        """By the sides of all three."""
        return tuple(shape) == (self.up.shape[0], self.down.shape[1], *self.core.shape[2:])

    def delta(self, weight: Tensor) -> Tensor:
        """Core times both matrices."""
        parts = on(self.core, weight), on(self.up, weight), on(self.down, weight)
        return torch.einsum("n m k l, i n, m j -> i j k l", *parts) * self.scale


@dataclass(frozen=True, slots=True, eq=False)
class Factor:
    """A matrix as it is, as a product, or as a core between two matrices (LoHa, LoKr).

    With a core (rank, rank, kh, kw), `first` is (rank, rows) and `second` (rank, columns); without one
    (rows, rank) and (rank, columns). `second` None: `first` is the whole.
    """

    first: Tensor
    second: Tensor | None = None
    core: Tensor | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows, columns, and the kernel where it has one."""
        if self.second is None:
            return tuple(self.first.shape)
        if self.core is None:
            return (self.first.shape[0], self.second.flatten(1).shape[1])
        return (self.first.shape[1], self.second.shape[1], *self.core.shape[2:])

    def whole(self, like: Tensor) -> Tensor:
        """The matrix, or (rows, columns, kh, kw)."""
        first = on(self.first, like)
        if self.second is None:
            return first
        second = on(self.second, like)
        if self.core is None:
            return first.flatten(1) @ second.flatten(1)
        return torch.einsum("i j k l, i r, j s -> r s k l", on(self.core, like), first, second)


@dataclass(frozen=True, slots=True, eq=False)
class Hadamard:
    """LoHa: two low-rank matrices multiplied element by element (Hyeon-Woo et al. 2022)."""

    first: Factor
    second: Factor
    scale: float = 1.0

    def fits(self, shape: torch.Size) -> bool:
        """By the size of both."""
        sizes = [torch.Size(factor.shape) for factor in (self.first, self.second)]
        return all(size[0] == shape[0] and size.numel() == shape.numel() for size in sizes)

    def delta(self, weight: Tensor) -> Tensor:
        """Their product."""
        product = self.first.whole(weight) * self.second.whole(weight)
        return product.reshape(weight.shape) * self.scale


@dataclass(frozen=True, slots=True, eq=False)
class Kronecker:
    """LoKr: the Kronecker product of a small matrix and a larger one."""

    first: Factor
    second: Factor
    scale: float = 1.0

    def fits(self, shape: torch.Size) -> bool:
        """By the size of the product."""
        first, second = self.first.shape, torch.Size(self.second.shape)
        return first[0] * second[0] == shape[0] and first[0] * first[1] * second.numel() == shape.numel()

    def delta(self, weight: Tensor) -> Tensor:
        """The product."""
        first, second = self.first.whole(weight), self.second.whole(weight)
        if second.ndim == IMAGE_AXES:
            first = first.reshape(*first.shape[:2], 1, 1)
        return torch.kron(first, second.contiguous()).reshape(weight.shape) * self.scale


@dataclass(frozen=True, slots=True, eq=False)
class Difference:
    """Full: the difference itself. Norms have theirs in the same way."""

    difference: Tensor
    scale: float = 1.0

    def fits(self, shape: torch.Size) -> bool:
        """By how many numbers there are, and rows among them."""
        rows = self.difference.shape[:1]
        return self.difference.numel() == shape.numel() and (rows == shape[:1] or len(rows) == 0)

    def delta(self, weight: Tensor) -> Tensor:
        """The difference in the weight's shape."""
        return on(self.difference, weight).reshape(weight.shape) * self.scale


@dataclass(frozen=True, slots=True, eq=False)
class Rescaling:
    """IA3 (Liu et al. 2022): each input or output channel times a number of its own."""

    factors: Tensor
    on_input: bool
    scale: float = 1.0

    def fits(self, shape: torch.Size) -> bool:
        """By the number of channels."""
        return len(shape) > 1 and self.factors.numel() == shape[1 if self.on_input else 0]

    def delta(self, weight: Tensor) -> Tensor:
        """The weight times the numbers."""
        sides = [1] * weight.ndim
        sides[1 if self.on_input else 0] = -1
        return weight * on(self.factors, weight).reshape(sides) * self.scale


@dataclass(frozen=True, slots=True, eq=False)
class GeneralLoRA:
    """GLoRA (Chavan et al. 2023): the weight times one low-rank matrix (in, in), plus another.

    `inward` (in, rank) and `outward` (rank, in) make the first, `added` is the second.
    """

    inward: Tensor
    outward: Tensor
    added: LowRank
    scale: float = 1.0

    def fits(self, shape: torch.Size) -> bool:
        """By the sides of all four matrices."""
        return self.added.fits(shape) and self.inward.shape[0] == self.outward.shape[1] == shape[1]

    def delta(self, weight: Tensor) -> Tensor:
        """Both parts."""
        inward, outward = on(self.inward, weight), on(self.outward, weight)
        turned = torch.einsum("o i ..., i r, r j -> o j ...", weight, inward, outward)
        return (turned + self.added.delta(weight)) * self.scale


@dataclass(frozen=True, slots=True, eq=False)
class Rotation:
    """OFT (Qiu et al. 2023) and BOFT (Liu et al. 2024): blocks of output channels are rotated.

    `blocks` (stages, count, side, side) rotate as they are where `is_rotation` is set; else they are
    generators, skew-symmetric once made so, of norm `constraint` at most (0: of any). A butterfly's stages
    mix channels that lie ever further apart. `rescale` multiplies output channels afterwards.
    """

    blocks: Tensor
    is_butterfly: bool = False
    is_rotation: bool = False
    constraint: float = 0.0
    rescale: Tensor | None = None
    scale: float = 1.0

    def fits(self, shape: torch.Size) -> bool:
        """By the number of output channels."""
        return len(shape) > 1 and self.blocks.shape[1] * self.blocks.shape[2] == shape[0]

    def delta(self, weight: Tensor) -> Tensor:
        """The rotated weight less the weight."""
        turns = self._rotations(weight)
        turned = weight
        for stage, turn in enumerate(turns):
            if self.is_butterfly:
                turned = _butterfly(turn, turned, stage)
            else:
                # OFT's files hold the rotation of rows on the left, hence transposed.
                turned = _blockwise(turn.transpose(-1, -2), turned)
        if self.rescale is not None:
            turned = turned * on(self.rescale, weight).reshape(-1, *[1] * (weight.ndim - 1))
        return (turned - weight) * self.scale

    def _rotations(self, weight: Tensor) -> Tensor:
        """The blocks as rotations, float32."""
        blocks = on(self.blocks, weight)
        if self.is_rotation:
            return blocks
        skew = blocks - blocks.transpose(-1, -2)
        if self.constraint > 0:
            norm = skew.norm()
            skew = skew * ((norm.clamp(max=self.constraint) + 1e-8) / (norm + 1e-8))
        eye = torch.eye(blocks.shape[-1], device=weight.device)
        # Cayley's form of a rotation.
        return (eye + skew) @ torch.linalg.inv(eye - skew)


@dataclass(frozen=True, slots=True, eq=False)
class InputRotation:
    """OFT as PEFT and OneTrainer have it (Qiu et al. 2025, OFTv2): blocks of input channels are rotated.

    `generators` (count, side · (side - 1) / 2) are the upper halves of skew-symmetric matrices; one alone is
    for all blocks. `is_scaled`: OneTrainer's larger numbers, divided by twice the root of side - 1.
    Of matrices only: convolutions are turned in opposite directions by the two programs.
    """

    generators: Tensor
    is_scaled: bool = False

    @property
    def side(self) -> int:
        """Of a block."""
        return (1 + math.isqrt(1 + 8 * self.generators.shape[1])) // 2

    def fits(self, shape: torch.Size) -> bool:
        """By the number of input channels."""
        count, elements = self.generators.shape
        if len(shape) != MATRIX_AXES or self.side * (self.side - 1) != 2 * elements:
            return False
        return shape[1] == count * self.side or (count == 1 and shape[1] % self.side == 0)

    def delta(self, weight: Tensor) -> Tensor:
        """The rotated weight less the weight."""
        columns = weight.reshape(weight.shape[0], -1, self.side)
        turns = self._turns(weight).expand(columns.shape[1], -1, -1)
        return torch.einsum("o r c, r k c -> o r k", columns, turns).reshape(weight.shape) - weight

    def _turns(self, like: Tensor) -> Tensor:
        """The blocks as rotations (count, side, side): Cayley's form, as a series as in training."""
        generators = on(self.generators, like)
        if self.is_scaled:
            generators = generators / (2 * math.sqrt(self.side - 1))
        rows, columns = torch.triu_indices(self.side, self.side, 1, device=like.device)
        skew = torch.zeros(len(generators), self.side, self.side, device=like.device)
        skew[:, rows, columns] = generators
        skew = skew - skew.transpose(-1, -2)
        second = skew @ skew
        eye = torch.eye(self.side, device=like.device)
        return eye + 2 * (skew + second + second @ skew) + second @ second


def _blockwise(turns: Tensor, weight: Tensor) -> Tensor:
    """Each block of rows times its matrix (count, side, side)."""
    rows = weight.reshape(turns.shape[0], turns.shape[1], -1)
    return (turns @ rows).reshape(weight.shape)


def _butterfly(turns: Tensor, weight: Tensor, stage: int) -> Tensor:
    """One stage: channels `2^stage · side / 2` apart meet in a block."""
    stride = 2**stage * (turns.shape[-1] // 2)
    order = torch.arange(weight.shape[0], device=weight.device)
    order = order.reshape(-1, 2, stride).transpose(1, 2).reshape(-1)
    turned = torch.empty_like(weight)
    turned[order] = _blockwise(turns, weight[order])
    return turned


@dataclass(frozen=True, slots=True, eq=False)
class Decomposed:
    """DoRA (Liu et al. 2024): the changed weight, each column or row brought to a length of its own.

    `lengths` has a side of 1 along the axis that is measured: (1, in, …) for columns, (out, 1, …) for rows.
    """

    change: WeightChange
    lengths: Tensor

    @property
    def is_of_rows(self) -> bool:
        """Whether each output channel has a length, and not each input channel."""
        return self.lengths.ndim == 1 or self.lengths.shape[1] == 1

    def fits(self, shape: torch.Size) -> bool:
        """By the change and by the number of lengths."""
        return self.change.fits(shape) and self.lengths.numel() == shape[0 if self.is_of_rows else 1]

    def delta(self, weight: Tensor) -> Tensor:
        """The changed weight at the new lengths, less the weight."""
        changed = weight + self.change.delta(weight)
        kept = 0 if self.is_of_rows else 1
        others = [axis for axis in range(weight.ndim) if axis != kept]
        sides = [1] * weight.ndim
        sides[kept] = -1
        lengths = on(self.lengths, weight).reshape(sides)
        # Columns of zeros have no direction; they stay zeros.
        found = torch.linalg.vector_norm(changed, dim=others, keepdim=True).clamp_min(SMALLEST)
        return changed * (lengths / found) - weight


@dataclass(frozen=True, slots=True, eq=False)
class FirstChannels:
    """A change for the 4 channels of a latent, on an inpainting network's first convolution of 9."""

    change: WeightChange
    channels: int

    def fits(self, shape: torch.Size) -> bool:
        """By the part that is changed."""
        return len(shape) == IMAGE_AXES and self.change.fits(self._narrow(shape))

    def delta(self, weight: Tensor) -> Tensor:
        """The change, and zeros for the mask and the masked picture."""
        found = torch.zeros_like(weight)
        found[:, : self.channels] = self.change.delta(weight[:, : self.channels].contiguous())
        return found

    def _narrow(self, shape: torch.Size) -> torch.Size:
        return torch.Size((shape[0], self.channels, *shape[2:]))


def on(tensor: Tensor, like: Tensor) -> Tensor:
    """A file's tensor in float32 where the weight is."""
    return tensor.to(like.device, torch.float32)


def changed_weight(
    weight: Tensor,
    changes: Sequence[tuple[WeightChange, float]],
    dtype: torch.dtype,
    into: Tensor | None = None,
) -> Tensor:
    """A new weight in `dtype`: changes (each with its strength) applied in order; `weight` stays as it is.

    `into` (the weight's shape, `dtype`, any order in memory) takes the numbers; None makes a new tensor.
    """
    if weight.ndim > 1:
        low_rank = [(change, strength) for change, strength in changes if isinstance(change, LowRank)]
        if len(low_rank) == len(changes):
            into = torch.empty(weight.shape, dtype=dtype, device=weight.device) if into is None else into
            _add_low_rank(weight, low_rank, into)
            return into
    result = weight.float()
    for change, strength in changes:
        result = result + change.delta(result) * strength
    return result.to(dtype) if into is None else into.copy_(result)


def _add_low_rank(weight: Tensor, changes: Sequence[tuple[LowRank, float]], into: Tensor) -> None:
    """All products at once and rounded once: a multiple of the speed where the device has the format."""
    ups = [on(each.up, weight) * (each.scale * strength) for each, strength in changes]
    up = torch.cat(ups, dim=1).to(into.dtype)
    down = torch.cat([each.down.to(weight.device, into.dtype) for each, _ in changes])
    if not into.is_contiguous():
        # Channels last: in that order all three are rows of numbers that follow each other.
        down = down.unflatten(1, weight.shape[1:]).permute(CHANNELS_LAST).flatten(1)
        weight, into = weight.permute(CHANNELS_LAST), into.permute(CHANNELS_LAST)
    target = into.view(into.shape[0], -1)
    if weight.device.type != "cpu":
        into.copy_(weight)
        target.addmm_(up, down)
        return
    count = max(1, BLOCK // target.shape[1])
    for start in range(0, len(target), count):
        rows = slice(start, start + count)
        source = weight[rows]
        # Between two half formats a processor is four times as fast by way of 32 bits, in its cache.
        is_direct = source.dtype == into.dtype or torch.float32 in (source.dtype, into.dtype)
        into[rows].copy_(source if is_direct else source.float())
        target[rows].addmm_(up[rows], down)
