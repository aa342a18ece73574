# pyright: basic
"""A1111 patches torch's layers here; this program patches nothing."""

import torch
from torch.nn import functional

from webui.compat.a1111.facades.stand_ins import absent


class LoraPatches:
    """Torch's own functions of layers, for extensions that put theirs around them: whatever is there now."""

    def Linear_forward(self, layer, input):
        return functional.linear(input, layer.weight, layer.bias)

    def Conv2d_forward(self, layer, input):
        return layer._conv_forward(input, layer.weight, layer.bias)

    def GroupNorm_forward(self, layer, input):
        return functional.group_norm(input, layer.num_groups, layer.weight, layer.bias, layer.eps)

    def LayerNorm_forward(self, layer, input):
        return functional.layer_norm(input, layer.normalized_shape, layer.weight, layer.bias, layer.eps)

    def MultiheadAttention_forward(self, layer, *args, **kwargs):
        return _ATTENTION(layer, *args, **kwargs)

    def undo(self) -> None:
        """Nothing to do."""


_ATTENTION = torch.nn.MultiheadAttention.forward
_LOAD = torch.nn.Module._load_from_state_dict
for _name in ("Linear", "Conv2d", "GroupNorm", "LayerNorm", "MultiheadAttention"):
    setattr(
        LoraPatches,
        f"{_name}_load_state_dict",
        lambda self, layer, *args, **kwargs: _LOAD(layer, *args, **kwargs),
    )


def __getattr__(name):
    absent("lora_patches", name)
