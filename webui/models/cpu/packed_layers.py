"""Linear layers and convolutions with weights in the order that a processor's kernels (oneDNN) read fastest.

The module's own `weight` stays as the file has it, mapped and in the file's format; the packed copy is made
of it in the format of the first input, and again whenever another tensor takes its place or it is written to.
What LoRAs do to the weight is done on the way into the packed copy, so that a changed weight is never kept
beside it, and taking the change away leaves nothing to restore. Where there is memory for it, the copy of the
unchanged weight waits meanwhile, and is there at once when the change is taken away.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

# From a layer's own weight (any format) to the weight it computes with, of the same shape, in a format.
Change = Callable[[Tensor, torch.dtype], Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class PackedWeight:
    """One packed copy, the state of the weight it was made of, and what was done to it.

    `source` is held so that its address cannot become another weight's. Writing to a parameter counts its
    version up; writing to `parameter.data` does not, and after that `forget_packed` is needed.
    """

    source: Tensor
    version: int
    dtype: torch.dtype
    change: Change | None
    parts: tuple[Tensor, ...]

    @property
    def size_bytes(self) -> int:
        """Memory that the copy takes."""
        return self.source.numel() * self.dtype.itemsize

    def is_of(self, weight: Tensor) -> bool:
        """Whether the weight is still what was packed."""
        return (
            self.version == weight._version
            and self.source.data_ptr() == weight.data_ptr()
            and self.source.dtype == weight.dtype
        )


def has_kernels(dtype: torch.dtype) -> bool:
    """Whether oneDNN has kernels of its own for a format on this processor; yes, where it does not say."""
    names = {torch.bfloat16: "_is_mkldnn_bf16_supported", torch.float16: "_is_mkldnn_fp16_supported"}
    if dtype not in names or not torch.backends.mkldnn.is_available():
        return True
    try:
        return bool(getattr(torch.ops.mkldnn, names[dtype])())
    except (AttributeError, RuntimeError):
        return True


def can_pack(dtype: torch.dtype) -> bool:
    """Whether this processor and this torch compute with packed weights of a format."""
    if not torch.backends.mkldnn.is_available() or not has_kernels(dtype):
        return False
    try:
        with torch.no_grad():
            # The operators are torch's own for compiled code and may change, so they are tried.
            linear, conv = PackedLinear(16, 16), PackedConv2d(16, 16, 3, padding=1)
            linear.to(dtype)(torch.zeros(1, 16, dtype=dtype))
            conv.to(dtype)(torch.zeros(1, 16, 8, 8, dtype=dtype))
    except (RuntimeError, AttributeError, TypeError):
        return False
    return True


class PackedLinear(nn.Linear):
    """A linear layer on a processor; also where weight and input have different formats."""

    packed: PackedWeight | None = None
    change: Change | None = None
    # Whether a copy of the unchanged weight is kept while another is in its place, and that copy.
    keeps_unchanged = False
    unchanged: PackedWeight | None = None

    def forward(self, input: Tensor) -> Tensor:
        """(..., in) to (..., out) in the input's format."""
        if needs_gradient(input, self):
            return functional.linear(input, weight_of(self, input), bias_of(self, input))
        (weight,) = self.packed_parts(input)
        return torch.ops.mkldnn._linear_pointwise(input, weight, bias_of(self, input), "none", [], "")

    def packed_parts(self, input: Tensor, count: int = 1) -> tuple[Tensor, ...]:
        """The weight, cut along its outputs into `count` packed parts."""
        packed = current_copy(self, input.dtype, count)
        if packed is None:
            rows = input.numel() // input.shape[-1]
            parts = tuple(
                torch.ops.mkldnn._reorder_linear_weight(part.contiguous(), rows)
                for part in weight_of(self, input).detach().chunk(count)
            )
            packed = self.packed = packed_weight(self, input.dtype, parts)
        return packed.parts


class PackedConv2d(nn.Conv2d):
    """A convolution on a processor; also where weight and input have different formats."""

    packed: PackedWeight | None = None
    change: Change | None = None
    # Whether a copy of the unchanged weight is kept while another is in its place, and that copy.
    keeps_unchanged = False
    unchanged: PackedWeight | None = None

    def forward(self, input: Tensor) -> Tensor:
        """(B, in, h, w) to (B, out, h, w) in the input's format, channels last."""
        if needs_gradient(input, self):
            return self._conv_forward(input, weight_of(self, input), bias_of(self, input))
        input, padding = self._padded(input)
        return torch.ops.mkldnn._convolution_pointwise(
            input, *self._arguments(input, padding), "none", [], ""
        )

    def add_to(self, input: Tensor, other: Tensor) -> Tensor:
        """The convolution's output plus `other` (B, out, h, w), rounded once."""
        if needs_gradient(input, self):
            return self(input) + other
        input, padding = self._padded(input)
        arguments = self._arguments(input, padding)
        return torch.ops.mkldnn._convolution_pointwise.binary(
            input, other, *arguments, "add", 1.0, None, [], None
        )

    def _arguments(self, input: Tensor, padding: list[int]) -> tuple[object, ...]:
        stride, dilation = list(self.stride), list(self.dilation)
        weight = self._packed_weight(input)
        return weight, bias_of(self, input), padding, stride, dilation, self.groups

    def _padded(self, input: Tensor) -> tuple[Tensor, list[int]]:
        """The input, channels last, and what is left to pad with zeros; tiling pads with the other side."""
        if self.padding_mode != "zeros":
            input = functional.pad(input, self._reversed_padding_repeated_twice, mode=self.padding_mode)
            padding = [0, 0]
        else:
            assert not isinstance(self.padding, str), "no network here names its padding"
            padding = list(self.padding)
        return input.contiguous(memory_format=torch.channels_last), padding

    def _packed_weight(self, input: Tensor) -> Tensor:
        packed = current_copy(self, input.dtype)
        if packed is None:
            part = torch.ops.mkldnn._reorder_convolution_weight(
                weight_of(self, input).detach(),
                list(self._padding_pair()),
                list(self.stride),
                list(self.dilation),
                self.groups,
                list(input.shape),
            )
            packed = self.packed = packed_weight(self, input.dtype, (part,))
        return packed.parts[0]

    def _padding_pair(self) -> tuple[int, ...]:
        return (0, 0) if self.padding_mode != "zeros" or isinstance(self.padding, str) else self.padding


def current_copy(
    layer: PackedLinear | PackedConv2d, dtype: torch.dtype, count: int = 1
) -> PackedWeight | None:
    """The packed copy of the layer's weight as it is now, in a format and in so many parts.

    Where there is none, the copy that was in use is put aside or freed before a new one is made.
    """
    for packed in (layer.packed, layer.unchanged):
        if (
            packed is not None
            and (packed.dtype, packed.change, len(packed.parts)) == (dtype, layer.change, count)
            and packed.is_of(layer.weight)
        ):
            if packed is layer.unchanged:
                layer.packed, layer.unchanged = packed, None
            return packed
    used, layer.packed = layer.packed, None
    if used is not None and used.change is None and layer.change is not None and layer.keeps_unchanged:
        layer.unchanged = used
    if layer.unchanged is not None and not layer.unchanged.is_of(layer.weight):
        layer.unchanged = None
    return None


def packed_weight(
    layer: PackedLinear | PackedConv2d, dtype: torch.dtype, parts: tuple[Tensor, ...]
) -> PackedWeight:
    """A packed copy of a layer's weight as it is now."""
    return PackedWeight(layer.weight.detach(), layer.weight._version, dtype, layer.change, parts)


def weight_of(layer: PackedLinear | PackedConv2d, input: Tensor) -> Tensor:
    """The weight that the layer computes with, in the input's format; a convolution's is channels last, from
    which it is packed in less than half the time.
    """
    stored, dtype = layer.weight, input.dtype
    if layer.change is not None:
        return layer.change(stored.detach(), dtype)
    if isinstance(layer, PackedConv2d):
        return stored.to(dtype, memory_format=torch.channels_last)
    return stored.to(dtype)


def bias_of(module: nn.Linear | nn.Conv2d, input: Tensor) -> Tensor | None:
    """The module's bias in the input's format."""
    return None if module.bias is None else module.bias.to(input.dtype)


def needs_gradient(input: Tensor, module: nn.Linear | nn.Conv2d) -> bool:
    """Whether what is computed here is to be differentiated, which packed kernels are not."""
    return torch.is_grad_enabled() and (input.requires_grad or module.weight.requires_grad)


def is_watched(module: nn.Module) -> bool:
    """Whether hooks listen at a module, so that it has to be called and not gone around."""
    return bool(module._forward_hooks or module._forward_pre_hooks)


def pack_layer(layer: nn.Module) -> nn.Module:
    """The packed layer in place of a plain one, on the same parameters; other layers as they are."""
    if type(layer) is nn.Linear:
        packed: nn.Module = PackedLinear(1, 1, device="meta")
    elif type(layer) is nn.Conv2d:
        packed = PackedConv2d(1, 1, 1, device="meta")
    else:
        return layer
    packed.__dict__.update(layer.__dict__)
    return packed


def packed_layers(module: nn.Module) -> list[PackedLinear | PackedConv2d]:
    """The packed layers below a module."""
    return [layer for layer in module.modules() if isinstance(layer, PackedLinear | PackedConv2d)]


def packed_bytes(module: nn.Module) -> int:
    """Memory that the packed copies below a module take; those that wait do not count, as they go first."""
    return sum(layer.packed.size_bytes for layer in packed_layers(module) if layer.packed is not None)


def keep_unchanged(module: nn.Module, *, keep: bool) -> None:
    """Whether the layers below keep the copies of unchanged weights while changes are in use."""
    for layer in packed_layers(module):
        layer.keeps_unchanged = keep
        if not keep:
            layer.unchanged = None


def forget_packed(module: nn.Module) -> None:
    """Free all packed copies below a module; the next call makes them again."""
    for layer in packed_layers(module):
        layer.packed = layer.unchanged = None
