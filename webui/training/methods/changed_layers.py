"""What is trained at one layer: plain LoRA beside it, or a change of its weight by LyCORIS's formulas."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from webui.diffusion.adapters.weight_changes import (
    Decomposed,
    Factor,
    Hadamard,
    Kronecker,
    LowRank,
    WeightChange,
)
from webui.training.methods.dropout import Dropout

Layer = nn.Linear | nn.Conv2d
# What torch's own layers begin with, kohya's and LyCORIS's networks too.
KAIMING = math.sqrt(5)


class ChangedLayer(nn.Module, ABC):
    """Trained parameters of one layer. `ends` pairs their names here with the ends of names in files."""

    ends: tuple[tuple[str, str], ...] = ()

    def __init__(self, layer: Layer, rank: int, alpha: float, dropout: Dropout) -> None:
        """For a layer, which it leaves as it is."""
        super().__init__()
        # In a list, so that the layer's own weights do not become parameters of this.
        self._layer, self.rank, self.alpha, self.dropout = [layer], rank, alpha, dropout

    @property
    def layer(self) -> Layer:
        """The layer that is changed."""
        return self._layer[0]

    @property
    def scale(self) -> float:
        """Of the change."""
        return self.alpha / self.rank

    @abstractmethod
    def forward(self, given: Tensor) -> Tensor:
        """What the changed layer answers."""

    def tensors(self) -> dict[str, Tensor]:
        """The layer's tensors as a file has them, by the ends of their names."""
        found = {end: self.get_parameter(name).detach() for name, end in self.ends}
        return found | {"alpha": torch.tensor(self.alpha)}

    def load_tensors(self, tensors: Mapping[str, Tensor]) -> list[str]:
        """Take over a file's tensors; names of those that are missing or of another shape."""
        wrong = [
            end
            for name, end in self.ends
            if end not in tensors
            or tensors[end].numel() != self.get_parameter(name).numel()
            or tensors[end].shape[0] != self.get_parameter(name).shape[0]
        ]
        if not wrong:
            for name, end in self.ends:
                own = self.get_parameter(name)
                own.data.copy_(tensors[end].reshape(own.shape))
            if "alpha" in tensors:
                self.alpha = float(tensors["alpha"])
        return wrong


class LowRankLayer(ChangedLayer):
    """LoRA (Hu et al. 2021): two small layers beside the layer; nothing of its weight's size is made."""

    ends = (("down", "lora_down.weight"), ("up", "lora_up.weight"))

    def __init__(
        self, layer: Layer, rank: int, alpha: float, dropout: Dropout, generator: torch.Generator
    ) -> None:
        """`down` at random, `up` zero: it changes nothing yet."""
        super().__init__(layer, rank, alpha, dropout)
        rows, *others = layer.weight.shape
        self.down = nn.Parameter(uniform((rank, *others), layer.weight.device, generator))
        # The second convolution is over single pixels.
        ones = [1] * (len(others) - 1)
        self.up = nn.Parameter(torch.zeros(rows, rank, *ones, device=layer.weight.device))

    def forward(self, given: Tensor) -> Tensor:
        """The layer's answer and the small layers' (B, …)."""
        layer = self.layer
        if isinstance(layer, nn.Conv2d):
            return self._convolve(layer, given)
        rows = given.reshape(-1, given.shape[-1])
        whole = functional.linear(rows, layer.weight, layer.bias)
        hidden = functional.linear(rows, self.down.to(given.dtype)) * self.scale
        hidden = self.dropout(hidden)
        # In one call: the product is added where the layer's answer lies.
        answer = torch.addmm(whole, hidden, self.up.to(whole.dtype).t())
        return answer.reshape(*given.shape[:-1], answer.shape[-1])

    def _convolve(self, layer: nn.Conv2d, given: Tensor) -> Tensor:
        hidden = convolve(layer, given, self.down.to(given.dtype), None) * self.scale
        return convolve(layer, given, layer.weight, layer.bias) + functional.conv2d(
            self.dropout(hidden), self.up.to(hidden.dtype)
        )


class WeightLayer(ChangedLayer):
    """The layer with a changed weight, which is made anew at each call."""

    @abstractmethod
    def change(self) -> WeightChange:
        """The change as the parameters are now."""

    def forward(self, given: Tensor) -> Tensor:
        """The changed layer's answer (B, …)."""
        layer = self.layer
        # In 32 bits also where the networks compute in fewer.
        with torch.autocast(given.device.type, enabled=False):
            exact = layer.weight.float()
            weight = (exact + self.change().delta(exact)).to(layer.weight.dtype)
        if isinstance(layer, nn.Conv2d):
            return convolve(layer, given, weight, layer.bias)
        return functional.linear(given, weight, layer.bias)


class DecomposedLayer(WeightLayer):
    """DoRA (Liu et al. 2024) on LoRA, with a length for each input channel, the form that A1111 reads."""

    ends = (*LowRankLayer.ends, ("lengths", "dora_scale"))

    def __init__(
        self, layer: Layer, rank: int, alpha: float, dropout: Dropout, generator: torch.Generator
    ) -> None:
        """Begins with the weight's own lengths: it changes nothing yet."""
        super().__init__(layer, rank, alpha, dropout)
        weight = layer.weight.detach().float()
        rows, *others = weight.shape
        ones = [1] * (len(others) - 1)
        self.down = nn.Parameter(uniform((rank, *others), weight.device, generator))
        self.up = nn.Parameter(torch.zeros(rows, rank, *ones, device=weight.device))
        axes = [axis for axis in range(weight.ndim) if axis != 1]
        self.lengths = nn.Parameter(torch.linalg.vector_norm(weight, dim=axes, keepdim=True))

    def change(self) -> WeightChange:
        """LoRA at the lengths."""
        return Decomposed(LowRank(self.up.flatten(1), self.down.flatten(1), self.scale), self.lengths)


class HadamardLayer(WeightLayer):
    """LoHa (Hyeon-Woo et al. 2022)."""

    ends = tuple((name, name) for name in ("hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b"))

    def __init__(
        self, layer: Layer, rank: int, alpha: float, dropout: Dropout, generator: torch.Generator
    ) -> None:
        """Begins as LyCORIS does: the second's left side is zero."""
        super().__init__(layer, rank, alpha, dropout)
        rows, columns, device = layer.weight.shape[0], layer.weight.shape[1:].numel(), layer.weight.device
        self.hada_w1_a = nn.Parameter(normal((rows, rank), 0.1, device, generator))
        self.hada_w1_b = nn.Parameter(normal((rank, columns), 1.0, device, generator))
        self.hada_w2_a = nn.Parameter(torch.zeros(rows, rank, device=device))
        self.hada_w2_b = nn.Parameter(normal((rank, columns), 1.0, device, generator))

    def change(self) -> WeightChange:
        """The product of both."""
        first, second = Factor(self.hada_w1_a, self.hada_w1_b), Factor(self.hada_w2_a, self.hada_w2_b)
        return Hadamard(first, second, self.scale)


class KroneckerLayer(WeightLayer):
    """LoKr: a small matrix, and a larger one, which is whole where a product would be no smaller."""

    def __init__(
        self,
        layer: Layer,
        rank: int,
        alpha: float,
        dropout: Dropout,
        generator: torch.Generator,
        factor: int = -1,
    ) -> None:
        """Begins as LyCORIS does. Where the larger matrix is whole, alpha is the rank: it scales nothing."""
        device = layer.weight.device
        rows, columns, *kernel = layer.weight.shape
        (a, b), (c, d) = split(rows, factor), split(columns, factor)
        is_whole = rank >= max(b, d) / 2
        super().__init__(layer, rank, float(rank) if is_whole else alpha, dropout)
        names = {"lokr_w1": uniform((a, c), device, generator)}
        if is_whole:
            names["lokr_w2"] = torch.zeros(b, d, *kernel, device=device)
        else:
            names["lokr_w2_a"] = uniform((b, rank), device, generator)
            names["lokr_w2_b"] = torch.zeros(rank, d * math.prod(kernel), device=device)
        for name, tensor in names.items():
            self.register_parameter(name, nn.Parameter(tensor))
        self.ends = tuple((name, name) for name in names)

    def change(self) -> WeightChange:
        """The Kronecker product."""
        first = Factor(self.get_parameter("lokr_w1"))
        if "lokr_w2" in self._parameters:
            return Kronecker(first, Factor(self.get_parameter("lokr_w2")), self.scale)
        second = Factor(self.get_parameter("lokr_w2_a"), self.get_parameter("lokr_w2_b"))
        return Kronecker(first, second, self.scale)


def split(size: int, factor: int) -> tuple[int, int]:
    """Two factors of a layer's side, the smaller first, as LyCORIS finds them.

    The smaller is `factor` where that divides the side; else the largest divisor not above it that leaves
    the factors closer to each other, and for -1 the closest there are.
    """
    if factor > 0 and size % factor == 0:
        return min(factor, size // factor), max(factor, size // factor)
    limit = size if factor < 0 else factor
    smaller = max(each for each in range(1, math.isqrt(size) + 1) if size % each == 0 and each <= limit)
    return smaller, size // smaller


def convolve(layer: nn.Conv2d, given: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """With another weight of the layer's kernel."""
    return functional.conv2d(given, weight, bias, layer.stride, layer.padding, layer.dilation, layer.groups)


def uniform(shape: tuple[int, ...], device: torch.device, generator: torch.Generator) -> Tensor:
    """He's uniform numbers (2015) with a = √5, drawn on the processor, so that devices get the same."""
    empty = torch.empty(shape)
    return nn.init.kaiming_uniform_(empty, a=KAIMING, generator=generator).to(device)


def normal(
    shape: tuple[int, ...], deviation: float, device: torch.device, generator: torch.Generator
) -> Tensor:
    """Normal numbers, drawn on the processor."""
    return torch.empty(shape).normal_(0.0, deviation, generator=generator).to(device)
