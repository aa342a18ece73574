"""CLIP's text transformer (Radford et al. 2021): built from its dimensions, and its tensors' names.

Two spellings are in files: transformers' (SD1, SDXL's first) and OpenCLIP's (SD2, SDXL's second).
"""

import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel

from webui.library.recognise.dimensions import TextDimensions

RESBLOCK = re.compile(r"^transformer\.resblocks\.(\d+)\.(.+)$")
RESBLOCK_NAMES = {
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
    "attn.out_proj": "self_attn.out_proj",
}
OUTER_NAMES = {
    "token_embedding.weight": "embeddings.token_embedding.weight",
    "positional_embedding": "embeddings.position_embedding.weight",
    "ln_final.weight": "final_layer_norm.weight",
    "ln_final.bias": "final_layer_norm.bias",
}
# Of no use once the network is trained, or always 0, 1, 2, …
IGNORED_ENDS = ("position_ids", "logit_scale", "attn_mask")


def build_clip(
    dimensions: TextDimensions, heads: int, hidden_act: str
) -> tuple[CLIPTextModel, nn.Linear | None]:
    """Text transformer and, if the file has one, its projection, on the meta device."""
    config = CLIPTextConfig(
        vocab_size=dimensions.vocabulary,
        max_position_embeddings=dimensions.positions,
        hidden_size=dimensions.width,
        intermediate_size=dimensions.intermediate,
        num_hidden_layers=dimensions.layers,
        num_attention_heads=heads,
        hidden_act=hidden_act,
    )
    projection = None
    with torch.device("meta"):
        model = CLIPTextModel(config)
        if dimensions.projection:
            projection = nn.Linear(dimensions.width, dimensions.projection, bias=False).requires_grad_(False)
    # Not a weight, so no file brings it; a buffer left on the meta device would fail at the first use.
    model.embeddings.register_buffer(
        "position_ids", torch.arange(dimensions.positions).expand(1, -1), persistent=False
    )
    return model.eval().requires_grad_(False), projection


def to_transformers_clip(tensors: Mapping[str, Tensor], names: str) -> dict[str, Tensor]:
    """A text encoder's tensors under transformers' names, `text_projection.weight` as a linear layer wants
    it.
    """
    found: dict[str, Tensor] = {}
    for key, tensor in tensors.items():
        if key.endswith(IGNORED_ENDS):
            continue
        if names == "open_clip":
            found |= _from_open_clip(key, tensor)
        else:
            found[key.removeprefix("text_model.")] = tensor
    return found


def _from_open_clip(key: str, tensor: Tensor) -> dict[str, Tensor]:
    """One OpenCLIP tensor as one or (queries, keys and values being stored together) three of
    transformers'.
    """
    if key == "text_projection":
        return {"text_projection.weight": tensor.T}
    match = RESBLOCK.match(key)
    if match is None:
        return {OUTER_NAMES.get(key, key): tensor}
    layer, rest = f"encoder.layers.{match[1]}.", match[2]
    if rest.startswith("attn.in_proj_"):
        end = rest.removeprefix("attn.in_proj_")
        return {
            f"{layer}self_attn.{name}_proj.{end}": part
            for name, part in zip("qkv", tensor.chunk(3), strict=True)
        }
    module, _, end = rest.rpartition(".")
    return {f"{layer}{RESBLOCK_NAMES.get(module, module)}.{end}": tensor}
