"""Control networks with random weights, in diffusers' names and in those of their authors' code."""

import re
from collections.abc import Mapping
from typing import Any

import torch
from diffusers import ControlNetModel, ControlNetUnionModel, T2IAdapter
from torch import Tensor, nn

POOLED = 1280
NUMBERS = 6
NUMBER_WIDTH = 256
VECTOR = POOLED + NUMBERS * NUMBER_WIDTH
# Every count is a multiple of 32 because activations are normalised in 32 groups.
SD1: dict[str, Any] = {
    "block_out_channels": (32, 64, 64, 64),
    "layers_per_block": 2,
    "attention_head_dim": 8,
    "cross_attention_dim": 768,
}
SD2: dict[str, Any] = {
    "block_out_channels": (64, 64, 128, 128),
    "layers_per_block": 2,
    "attention_head_dim": (1, 1, 2, 2),
    "cross_attention_dim": 1024,
    "use_linear_projection": True,
}
SDXL: dict[str, Any] = {
    "block_out_channels": (64, 128, 128),
    "layers_per_block": 2,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "transformer_layers_per_block": (1, 2, 3),
    "attention_head_dim": (1, 2, 2),
    "cross_attention_dim": 2048,
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": NUMBER_WIDTH,
    "projection_class_embeddings_input_dim": VECTOR,
}
# The published middle size has attention without transformer blocks, the small one none at all.
SDXL_MID = SDXL | {"transformer_layers_per_block": (0, 0, 1)}
SDXL_SMALL = SDXL | {
    "down_block_types": ("DownBlock2D",) * 3,
    "mid_block_type": "UNetMidBlock2D",
    "transformer_layers_per_block": (0, 0, 0),
}
# One block a level and attention in the middle, as the Starter has it.
STARTER: dict[str, Any] = {
    "block_out_channels": (32, 32, 64, 64),
    "layers_per_block": 1,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
    "attention_head_dim": 8,
    "cross_attention_dim": 128,
    "conditioning_embedding_out_channels": (8, 16, 32, 48),
}
INPAINTING = SD1 | {"in_channels": 9}
CONFIGURATIONS = {
    "SD1": SD1, "SD2": SD2, "SDXL": SDXL, "SDXL mid": SDXL_MID, "SDXL small": SDXL_SMALL,
    "Starter": STARTER, "SD1 inpainting": INPAINTING,
}  # fmt: skip


def randomize(network: nn.Module, seed: int = 0) -> nn.Module:
    """Random weights everywhere, also where a network begins at zero; ready to be evaluated."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for value in network.parameters():
            value.copy_(torch.randn(value.shape, generator=generator) * 0.05)
    return network.eval()


def make_controlnet(configuration: Mapping[str, Any]) -> ControlNetModel:
    """diffusers' ControlNet with random weights."""
    network = randomize(ControlNetModel(**configuration))
    assert isinstance(network, ControlNetModel)
    return network


def make_union(tasks: int) -> ControlNetUnionModel:
    """diffusers' union ControlNet for SDXL, small, with random weights."""
    sizes = {
        "num_trans_channel": 64,
        "num_proj_channel": 64,
        "conditioning_embedding_out_channels": (8, 16, 32, 48),
    }
    network = randomize(ControlNetUnionModel(**SDXL, **sizes, num_control_type=tasks))
    assert isinstance(network, ControlNetUnionModel)
    return network


def make_adapter(kind: str, channels: list[int], folding: int, in_channels: int = 3) -> T2IAdapter:
    """diffusers' T2I-Adapter with random weights."""
    network = randomize(T2IAdapter(in_channels, channels, 2, folding, kind))
    assert isinstance(network, T2IAdapter)
    return network


TO_CLDM = (
    (r"^conv_in\.", "input_blocks.0.0."),
    (r"^time_embedding\.linear_1\.", "time_embed.0."),
    (r"^time_embedding\.linear_2\.", "time_embed.2."),
    (r"^add_embedding\.linear_1\.", "label_emb.0.0."),
    (r"^add_embedding\.linear_2\.", "label_emb.0.2."),
    (r"^controlnet_down_blocks\.(\d+)\.", r"zero_convs.\1.0."),
    (r"^controlnet_mid_block\.", "middle_block_out.0."),
    (r"^controlnet_cond_embedding\.conv_in\.", "input_hint_block.0."),
    (r"^mid_block\.resnets\.0\.", "middle_block.0."),
    (r"^mid_block\.attentions\.0\.", "middle_block.1."),
    (r"^mid_block\.resnets\.1\.", "middle_block.2."),
)
RESIDUAL_TO_CLDM = {
    "norm1.": "in_layers.0.", "conv1.": "in_layers.2.", "time_emb_proj.": "emb_layers.1.",
    "norm2.": "out_layers.0.", "conv2.": "out_layers.3.", "conv_shortcut.": "skip_connection.",
}  # fmt: skip


def to_cldm(tensors: Mapping[str, Tensor], blocks: int, prefix: str = "control_model.") -> dict[str, Tensor]:
    """A diffusers ControlNet's tensors in the authors' names; `blocks` a level."""
    last = max(int(m[1]) for k in tensors if (m := re.match(r"controlnet_cond_embedding\.blocks\.(\d+)", k)))
    return {prefix + _cldm_name(name, blocks, last): tensor for name, tensor in tensors.items()}


def _cldm_name(name: str, blocks: int, last_hint: int) -> str:
    if match := re.match(r"down_blocks\.(\d+)\.(resnets|attentions|downsamplers)\.(\d+)\.(.*)", name):
        level, part, block, inner = int(match[1]), match[2], int(match[3]), match[4]
        first = 1 + level * (blocks + 1)
        if part == "downsamplers":
            return f"input_blocks.{first + blocks}.0.{inner.replace('conv.', 'op.')}"
        inner = _residual(inner) if part == "resnets" else inner
        return f"input_blocks.{first + block}.{0 if part == 'resnets' else 1}.{inner}"
    if match := re.match(r"controlnet_cond_embedding\.blocks\.(\d+)\.(.*)", name):
        return f"input_hint_block.{2 * int(match[1]) + 2}.{match[2]}"
    if match := re.match(r"controlnet_cond_embedding\.conv_out\.(.*)", name):
        return f"input_hint_block.{2 * last_hint + 4}.{match[1]}"
    for pattern, new in TO_CLDM:
        if re.match(pattern, name):
            renamed = re.sub(pattern, new, name)
            return _residual(renamed) if "mid_block.resnets" in name else renamed
    return name


def _residual(name: str) -> str:
    for ours, theirs in RESIDUAL_TO_CLDM.items():
        if ours in name:
            return name.replace(ours, theirs)
    return name


def to_authors_adapter(tensors: Mapping[str, Tensor], per_level: int) -> dict[str, Tensor]:
    """A diffusers T2I-Adapter's tensors in the authors' names."""
    is_light = any(".out_conv." in name for name in tensors)
    return {_adapter_name(name, per_level, is_light): tensor for name, tensor in tensors.items()}


def _adapter_name(name: str, per_level: int, is_light: bool) -> str:
    name = name.removeprefix("adapter.")
    match = re.match(r"body\.(\d+)\.(?:resnets\.(\d+)\.)?(.*)", name)
    if match is None:
        return name
    level, block, inner = int(match[1]), match[2], match[3]
    if is_light:
        return f"body.{level}.body.{block}.{inner}" if block else f"body.{level}.{inner}"
    return f"body.{level * per_level + int(block or 0)}.{inner}"
