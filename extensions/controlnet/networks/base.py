"""What a control network is given at each evaluation, and what it answers with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class ControlCall:
    """One evaluation of the U-Net that is about to happen.

    latent (N, C, h, w) as the U-Net takes it (C is 9 where the checkpoint inpaints), timestep (N,), crossattn
    (N, T, D), vector (N, V) of SDXL or None. hint (1 or N, 3, H, W) is the picture to follow, 0…1, its size 8
    times the latent's; -1 marks what an inpaint network is to fill. `share` is how much of the sampling is
    done, 0…1. `task` is what kind of hint it is, by its name in `controlnet.UNION_TASKS`; only networks made
    for several kinds ask for it.
    """

    latent: Tensor
    timestep: Tensor
    crossattn: Tensor
    vector: Tensor | None
    hint: Tensor
    share: float = 0.0
    task: str = ""


@dataclass(frozen=True, slots=True)
class Residuals:
    """What is added inside the U-Net.

    `down` (one a skip, finest first) and `mid` come from ControlNets and are added after the encoder;
    `intrablock` (one a level, finest first) comes from T2I-Adapters and is added within it. Each is
    (N, C, h, w).
    """

    down: tuple[Tensor, ...] = ()
    mid: Tensor | None = None
    intrablock: tuple[Tensor, ...] = ()

    @property
    def layers(self) -> tuple[Tensor, ...]:
        """All of them, in the order of `scaled`'s weights: down, mid, intrablock."""
        mid = () if self.mid is None else (self.mid,)
        return (*self.down, *mid, *self.intrablock)

    def scaled(self, weights: float | Sequence[float]) -> "Residuals":
        """Each times its weight: one for all, or one for each of `layers`. Raises ValueError otherwise."""
        layers = self.layers
        each = [float(weights)] * len(layers) if isinstance(weights, int | float) else list(weights)
        if len(each) != len(layers):
            raise ValueError(f"There are {len(layers)} layers to weigh, but {len(each)} weights.")
        return self._with([layer * weight for layer, weight in zip(layers, each, strict=True)])

    def by_row(self, weights: Tensor) -> "Residuals":
        """Each row of the batch times its weight (N,): so the prompt's rows can be followed more than the
        negative prompt's.
        """
        return self._with([layer * weights.to(layer).view(-1, 1, 1, 1) for layer in self.layers])

    def masked(self, mask: Tensor) -> "Residuals":
        """Only where the mask (1 or N, 1, H, W), 0…1 and of any size, says so."""
        return self._with(
            [
                layer * functional.interpolate(mask.to(layer), layer.shape[-2:], mode="area")
                for layer in self.layers
            ]
        )

    def plus(self, other: "Residuals") -> "Residuals":
        """The sum of two networks' residuals for one U-Net. Raises ValueError if they fit different ones."""
        if self.down and other.down and len(self.down) != len(other.down):
            raise ValueError(
                f"One network steers {len(self.down)} layers, the other {len(other.down)}: they are made for "
                "different checkpoints."
            )
        mids = [mid for mid in (self.mid, other.mid) if mid is not None]
        return Residuals(
            _sums(self.down, other.down), torch.stack(mids).sum(0) if mids else None,
            _sums(self.intrablock, other.intrablock),
        )  # fmt: skip

    def on(self, device: torch.device) -> "Residuals":
        """The same on a device."""
        return self._with([layer.to(device) for layer in self.layers])

    def arguments(self) -> Mapping[str, object]:
        """As diffusers' U-Net takes them, by argument; nothing for no residuals.

        The lists are new ones, because that U-Net empties them.
        """
        found: dict[str, object] = {}
        if self.down or self.mid is not None:
            found["down_block_additional_residuals"] = tuple(self.down)
            found["mid_block_additional_residual"] = self.mid
        if self.intrablock:
            found["down_intrablock_additional_residuals"] = list(self.intrablock)
        return found

    def _with(self, layers: Sequence[Tensor]) -> "Residuals":
        """The same places with other tensors."""
        after_down = len(self.down)
        after_mid = after_down + (self.mid is not None)
        return replace(
            self,
            down=tuple(layers[:after_down]),
            mid=None if self.mid is None else layers[after_down],
            intrablock=tuple(layers[after_mid:]),
        )


def _sums(first: tuple[Tensor, ...], second: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Sums of pairs; where one tuple is shorter, the other's tensor alone."""
    pairs = zip_longest(first, second)
    return tuple(b if a is None else a if b is None else a + b for a, b in pairs)


class ControlNetwork(Protocol):
    """A loaded control network that answers with residuals.

    `kind` and `family` are values of the catalog's ModelKind and Family.
    """

    @property
    def kind(self) -> str:
        """The catalog's kind of its file."""
        ...

    @property
    def family(self) -> str:
        """The family of the checkpoints that it was trained with."""
        ...

    @property
    def size_bytes(self) -> int:
        """What its weights take in memory."""
        ...

    def modules(self) -> list[nn.Module]:
        """The torch modules that hold its weights: the manager moves those between devices."""
        ...

    def evaluate(self, call: ControlCall) -> Residuals:
        """The residuals for one evaluation, in the network's number format."""
        ...
