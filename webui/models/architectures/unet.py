"""The U-Net of Stable Diffusion (Rombach et al. 2022): built from its dimensions, and its tensors' names."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor, nn

from webui.library.recognise.dimensions import UNetDimensions

# Module names inside a residual block, original -> diffusers.
RESIDUAL_NAMES = {
    "in_layers.0": "norm1",
    "in_layers.2": "conv1",
    "emb_layers.1": "time_emb_proj",
    "out_layers.0": "norm2",
    "out_layers.3": "conv2",
    "skip_connection": "conv_shortcut",
}
UNET_NAMES = {
    "input_blocks.0.0": "conv_in",
    "time_embed.0": "time_embedding.linear_1",
    "time_embed.2": "time_embedding.linear_2",
    "label_emb.0.0": "class_embedding.linear_1",
    "label_emb.0.2": "class_embedding.linear_2",
    "out.0": "conv_norm_out",
    "out.2": "conv_out",
}


class SkipSizedUpsample(nn.Module):
    """Doubles height and width, convolves, then takes the size of the skip connection it will be joined to.

    A latent whose sides are not multiples of 8 does not halve evenly. A1111 resizes after the convolution,
    diffusers before it; the pictures differ, and ours are A1111's.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        """Keep the convolution of the module it replaces."""
        super().__init__()
        self.conv = conv

    def forward(self, hidden_states: Tensor, output_size: tuple[int, int] | None = None) -> Tensor:
        """(B, C, h, w) to (B, C, 2h, 2w), or to `output_size`."""
        hidden_states = self.conv(nn.functional.interpolate(hidden_states, scale_factor=2.0, mode="nearest"))
        if output_size is not None and tuple(hidden_states.shape[-2:]) != tuple(output_size):
            hidden_states = nn.functional.interpolate(hidden_states, tuple(output_size), mode="nearest")
        return hidden_states


def build_unet(dimensions: UNetDimensions, *, heads: int | None, head_size: int) -> UNet2DConditionModel:
    """U-Net on the meta device; `heads` per attention, or where None as many as `head_size` goes into the
    channels.
    """
    levels = dimensions.levels
    uneven = any(len(set(level.down_depths + level.up_depths)) > 1 for level in levels)
    depths = [_level_depth(level.down_depths) for level in levels]
    if not levels[-1].has_attention:
        # diffusers gives the middle the depth of the last level, which has no transformer of its own here.
        depths[-1] = dimensions.middle_depth or 1
    # Any: diffusers annotates tuples of one where it takes any length.
    configuration: dict[str, Any] = {
        "in_channels": dimensions.in_channels,
        "out_channels": dimensions.out_channels,
        "block_out_channels": tuple(level.channels for level in levels),
        "layers_per_block": tuple(len(level.down_depths) for level in levels),
        "down_block_types": tuple(
            "CrossAttnDownBlock2D" if level.has_attention else "DownBlock2D" for level in levels
        ),
        "mid_block_type": "UNetMidBlock2DCrossAttn" if dimensions.middle_depth else "UNetMidBlock2D",
        "up_block_types": tuple(
            "CrossAttnUpBlock2D" if level.has_attention else "UpBlock2D" for level in reversed(levels)
        ),
        "transformer_layers_per_block": [list(level.down_depths) for level in levels] if uneven else depths,
        "reverse_transformer_layers_per_block": [list(level.up_depths) for level in reversed(levels)]
        if uneven
        else None,
        "attention_head_dim": tuple(heads or max(1, level.channels // head_size) for level in levels),
        "cross_attention_dim": dimensions.context,
        "use_linear_projection": dimensions.has_linear_projections,
        "time_embedding_dim": dimensions.time_embedding,
        "class_embed_type": "projection" if dimensions.vector else None,
        "projection_class_embeddings_input_dim": dimensions.vector,
    }
    with torch.device("meta"):
        unet = UNet2DConditionModel(**configuration)
    for block in unet.up_blocks.children():
        if isinstance(block.upsamplers, nn.ModuleList):
            block.upsamplers = nn.ModuleList(SkipSizedUpsample(_conv(each)) for each in block.upsamplers)
    return unet.eval().requires_grad_(False)


def _conv(upsampler: nn.Module) -> nn.Conv2d:
    conv = upsampler.conv
    assert isinstance(conv, nn.Conv2d)
    return conv


def _level_depth(depths: tuple[int, ...]) -> int:
    return max(1, *depths)


def unet_module_names(dimensions: UNetDimensions) -> dict[str, str]:
    """Names of residual blocks, transformers and outer modules, original -> diffusers, without a trailing
    dot.
    """
    return dict(UNET_NAMES) | dict(_block_names(dimensions))


def _block_names(dimensions: UNetDimensions) -> Iterator[tuple[str, str]]:
    """Pairs of (original, diffusers) block names, walking the U-Net from its input to its output."""
    last = len(dimensions.levels) - 1
    index = 1
    for number, level in enumerate(dimensions.levels):
        for block in range(len(level.down_depths)):
            yield f"input_blocks.{index}.0", f"down_blocks.{number}.resnets.{block}"
            yield f"input_blocks.{index}.1", f"down_blocks.{number}.attentions.{block}"
            index += 1
        if number < last:
            yield f"input_blocks.{index}.0.op", f"down_blocks.{number}.downsamplers.0.conv"
            index += 1
    yield "middle_block.0", "mid_block.resnets.0"
    yield "middle_block.1", "mid_block.attentions.0" if dimensions.middle_depth else "mid_block.resnets.1"
    yield "middle_block.2", "mid_block.resnets.1"
    index = 0
    for number, level in enumerate(reversed(dimensions.levels)):
        for block, depth in enumerate(level.up_depths):
            yield f"output_blocks.{index}.0", f"up_blocks.{number}.resnets.{block}"
            if depth:
                yield f"output_blocks.{index}.1", f"up_blocks.{number}.attentions.{block}"
            if number < last and block == len(level.up_depths) - 1:
                yield (
                    f"output_blocks.{index}.{2 if depth else 1}.conv",
                    f"up_blocks.{number}.upsamplers.0.conv",
                )
            index += 1


def original_names(names: Iterable[str], dimensions: UNetDimensions) -> dict[str, str]:
    """diffusers' names of modules, each with its name in the original code."""
    blocks = {new: old for old, new in unet_module_names(dimensions).items()}
    residual = {new: old for old, new in RESIDUAL_NAMES.items()}
    found: dict[str, str] = {}
    for name in names:
        parts = name.split(".")
        for length in range(len(parts), 0, -1):
            block = ".".join(parts[:length])
            if block in blocks:
                inner = ".".join(parts[length:])
                inner = residual.get(inner, inner) if ".resnets." in block else inner
                found[name] = ".".join(part for part in (blocks[block], inner) if part)
                break
    return found


def to_diffusers_unet(tensors: Mapping[str, Tensor], dimensions: UNetDimensions) -> dict[str, Tensor]:
    """A U-Net's tensors under diffusers' names; the tensors are not copied."""
    names = unet_module_names(dimensions)
    return {_rename(key, names): tensor for key, tensor in tensors.items()}


def _rename(key: str, names: Mapping[str, str]) -> str:
    parts = key.split(".")
    for length in (4, 3, 2):
        block = ".".join(parts[:length])
        if block in names:
            inner = ".".join(parts[length:-1])
            inner = RESIDUAL_NAMES.get(inner, inner)
            return ".".join(part for part in (names[block], inner, parts[-1]) if part)
    return key
