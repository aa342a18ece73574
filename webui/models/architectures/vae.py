"""The autoencoder of Stable Diffusion (Rombach et al. 2022): built from its dimensions, and its tensors'
names.
"""

import re
from collections.abc import Mapping
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor

from webui.library.recognise.dimensions import VaeDimensions

ATTENTION_NAMES = {
    "norm": "group_norm", "q": "to_q", "k": "to_k", "v": "to_v", "proj_out": "to_out.0",
    # As the first diffusers releases wrote them.
    "query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0",
}  # fmt: skip
LEVEL_BLOCK = re.compile(r"^(encoder|decoder)\.(down|up)\.(\d+)\.block\.(\d+)\.(.+)$")
RESAMPLER = re.compile(r"^(encoder|decoder)\.(down|up)\.(\d+)\.(down|up)sample\.(.+)$")
MIDDLE = re.compile(r"^(encoder|decoder)\.mid\.(block|attn)_(\d+)\.(.+)$")
ATTENTION = re.compile(r"^(.*\.mid_block\.attentions\.0)\.(\w+)\.(weight|bias)$")
# The weight of a 1x1 convolution has four axes; diffusers' attention wants a matrix.
CONVOLUTION_AXES = 4


def build_vae(dimensions: VaeDimensions, scale: float) -> AutoencoderKL:
    """Autoencoder on the meta device; `scale` is what its latents are multiplied with."""
    levels = len(dimensions.channels)
    # Any: diffusers annotates tuples of one where it takes any length.
    configuration: dict[str, Any] = {
        "in_channels": dimensions.image_channels,
        "out_channels": dimensions.image_channels,
        "down_block_types": ("DownEncoderBlock2D",) * levels,
        "up_block_types": ("UpDecoderBlock2D",) * levels,
        "block_out_channels": dimensions.channels,
        "layers_per_block": dimensions.blocks,
        "latent_channels": dimensions.latent_channels,
        "scaling_factor": scale,
        "use_quant_conv": dimensions.has_quant_conv,
        "use_post_quant_conv": dimensions.has_post_quant_conv,
        "mid_block_add_attention": dimensions.has_middle_attention,
    }
    with torch.device("meta"):
        vae = AutoencoderKL(**configuration)
    return vae.eval().requires_grad_(False)


def to_diffusers_vae(tensors: Mapping[str, Tensor], levels: int) -> dict[str, Tensor]:
    """An autoencoder's tensors (either layout) under diffusers' names; views, not copies."""
    found: dict[str, Tensor] = {}
    for key, tensor in tensors.items():
        name = _diffusers_name(key, levels)
        is_attention = ".mid_block.attentions." in name
        found[name] = tensor[:, :, 0, 0] if is_attention and tensor.ndim == CONVOLUTION_AXES else tensor
    return found


def _diffusers_name(key: str, levels: int) -> str:
    if match := LEVEL_BLOCK.match(key):
        part, way, level, block, rest = match.groups()
        return f"{part}.{way}_blocks.{_level(way, level, levels)}.resnets.{block}.{_residual(rest)}"
    if match := RESAMPLER.match(key):
        part, way, level, _, rest = match.groups()
        return f"{part}.{way}_blocks.{_level(way, level, levels)}.{way}samplers.0.{rest}"
    if match := MIDDLE.match(key):
        part, what, number, rest = match.groups()
        kind = "resnets" if what == "block" else "attentions"
        key = f"{part}.mid_block.{kind}.{int(number) - 1}.{_residual(rest)}"
    if match := ATTENTION.match(key):
        block, name, end = match.groups()
        return f"{block}.{ATTENTION_NAMES.get(name, name)}.{end}"
    return key.replace(".norm_out.", ".conv_norm_out.") if ".conv_norm_out." not in key else key


def _level(way: str, level: str, levels: int) -> int:
    """The original numbers a decoder's levels from the finest, diffusers from the coarsest."""
    return int(level) if way == "down" else levels - 1 - int(level)


def _residual(rest: str) -> str:
    return rest.replace("nin_shortcut.", "conv_shortcut.")
