"""A network rebuilt for speed on a processor: the same parameters under the same names, in faster modules.

Nothing of diffusers is changed; modules of ours stand in place of some of its own, one network at a time.
"""

from typing import Any

import torch
from diffusers.models.activations import GEGLU
from diffusers.models.attention_processor import Attention, AttnProcessor2_0
from diffusers.models.resnet import ResnetBlock2D
from torch import Tensor, nn
from torch.nn import functional

from webui.models.cpu.block_attention import MANY_KEYS, block_attention
from webui.models.cpu.packed_layers import PackedConv2d, PackedLinear, is_watched, needs_gradient, pack_layer

IMAGE_AXES = 4
BOTH_HALVES = 2
# The first convolution tells the network's format to those who ask, and is too small to gain from packing.
FORMAT_TELLING = "conv_in"


class FastResidual(nn.Module):
    """A residual block that adds its input in the last convolution, and activates in place."""

    def __init__(self, block: ResnetBlock2D) -> None:
        """Keep the layers of the block it replaces."""
        super().__init__()
        self.norm1, self.conv1, self.norm2, self.conv2 = block.norm1, block.conv1, block.norm2, block.conv2
        self.time_emb_proj, self.conv_shortcut = block.time_emb_proj, block.conv_shortcut

    def forward(self, input_tensor: Tensor, temb: Tensor | None = None) -> Tensor:
        """(B, C, h, w) and the timestep's embedding (B, E) to (B, C', h, w)."""
        hidden = self.conv1(functional.silu(self.norm1(input_tensor), inplace=True))
        if self.time_emb_proj is not None and temb is not None:
            hidden = hidden.add_(self.time_emb_proj(functional.silu(temb))[:, :, None, None])
        hidden = functional.silu(self.norm2(hidden), inplace=True)
        if self.conv_shortcut is not None:
            input_tensor = self.conv_shortcut(input_tensor)
        if isinstance(self.conv2, PackedConv2d) and not is_watched(self.conv2):
            return self.conv2.add_to(hidden, input_tensor)
        return self.conv2(hidden).add_(input_tensor)


class FastGeglu(nn.Module):
    """A gated linear unit (Shazeer 2020) that activates and multiplies inside its two products."""

    def __init__(self, geglu: GEGLU) -> None:
        """Keep the layer of the module it replaces."""
        super().__init__()
        self.proj = geglu.proj

    def forward(self, hidden_states: Tensor) -> Tensor:
        """(B, T, D) to (B, T, D')."""
        proj = self.proj
        if (
            not isinstance(proj, PackedLinear)
            or is_watched(proj)
            or proj.bias is None
            or needs_gradient(hidden_states, proj)
        ):
            hidden, gate = proj(hidden_states).chunk(BOTH_HALVES, dim=-1)
            return hidden * functional.gelu(gate)
        weight, gate_weight = proj.packed_parts(hidden_states, BOTH_HALVES)
        bias, gate_bias = proj.bias.to(hidden_states.dtype).chunk(BOTH_HALVES)
        operator = torch.ops.mkldnn._linear_pointwise
        gate = operator(hidden_states, gate_weight, gate_bias, "gelu", [], "none")
        return operator.binary(hidden_states, gate, weight, bias, "mul")


class FastAttention:
    """Attention as diffusers' processors do it, in blocks where they are faster."""

    def __init__(self, *, in_blocks: bool) -> None:
        """`in_blocks`: many tokens go through `block_attention`."""
        self.in_blocks = in_blocks
        self._general = AttnProcessor2_0()

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
        **others: Any,  # noqa: ANN401 (what diffusers and extensions give a processor)
    ) -> Tensor:
        """(B, T, D) or (B, C, h, w), attending to itself or to the text (B, K, E), to the same shape."""
        if attention_mask is not None or temb is not None or not is_plain(attn):
            return self._general(attn, hidden_states, encoder_hidden_states, attention_mask, temb, **others)
        tokens = hidden_states
        if hidden_states.ndim == IMAGE_AXES:
            tokens = hidden_states.flatten(2).transpose(1, 2)
        if attn.group_norm is not None:
            tokens = attn.group_norm(tokens.transpose(1, 2)).transpose(1, 2)
        context = tokens if encoder_hidden_states is None else encoder_hidden_states
        assert attn.to_out is not None, "Stable Diffusion's attention has an output layer"
        output = attn.to_out[0](self._attend(attn, tokens, context))
        if hidden_states.ndim == IMAGE_AXES:
            output = output.transpose(1, 2).reshape(hidden_states.shape)
        if attn.residual_connection:
            output = output + hidden_states
        return output

    def _attend(self, attn: Attention, tokens: Tensor, context: Tensor) -> Tensor:
        """Tokens (B, T, D) and context (B, K, E) to (B, T, heads · size)."""
        assert attn.to_k is not None and attn.to_v is not None, "keys and values have layers of their own"
        query, key, value = (
            projected.unflatten(-1, (attn.heads, -1)).transpose(1, 2)
            for projected in (attn.to_q(tokens), attn.to_k(context), attn.to_v(context))
        )
        return self.multiply(query, key, value)

    def multiply(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Query (B, heads, T, D), key and value (B, heads, K, D) to (B, T, heads · D)."""
        is_long = key.shape[2] >= MANY_KEYS and query.shape[2] >= MANY_KEYS
        if self.in_blocks and is_long and not torch.is_grad_enabled() and query.dtype != torch.float32:
            return block_attention(query, key, value)
        return functional.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)


def is_plain(attn: Attention) -> bool:
    """Whether an attention has none of the parts that Stable Diffusion's do not have."""
    extras = (attn.spatial_norm, attn.norm_cross, attn.norm_q, attn.norm_k)
    return not any(extras) and attn.rescale_output_factor == 1.0


def can_replace(block: ResnetBlock2D) -> bool:
    """Whether a residual block is of the kind that `FastResidual` computes."""
    return (
        block.upsample is None
        and block.downsample is None
        and block.time_embedding_norm == "default"
        and not block.skip_time_act
        and block.output_scale_factor == 1.0
        and isinstance(block.nonlinearity, nn.SiLU)
        and block.dropout.p == 0
    )


def speed_up(module: nn.Module, *, in_blocks: bool) -> set[str]:
    """Put faster modules into a U-Net, VAE or text encoder, before or after its weights are filled in.

    Returns the names of weights that may stay in the file's format whatever is computed in.
    """
    _replace_below(module, FastAttention(in_blocks=in_blocks))
    return {
        f"{name}.weight"
        for name, layer in module.named_modules()
        if isinstance(layer, PackedLinear | PackedConv2d)
    }


def _replace_below(module: nn.Module, attention: FastAttention) -> None:
    for name, child in list(module.named_children()):
        if name != FORMAT_TELLING:
            _replace_below(child, attention)
            faster = _faster(child)
            if faster is not child:
                setattr(module, name, faster)
    if isinstance(module, Attention):
        module.set_processor(attention)  # type: ignore[arg-type]  # its annotation lists diffusers' own


def _faster(child: nn.Module) -> nn.Module:
    if isinstance(child, ResnetBlock2D) and can_replace(child):
        return FastResidual(child)
    if isinstance(child, GEGLU):
        return FastGeglu(child)
    return pack_layer(child)
