"""SD1, SD2 and SDXL in the sizes of real checkpoints, on no device: names and shapes without numbers."""

from functools import cache
from typing import Any

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import nn

from tests.library.test_identify import SD15, SDXL
from webui.core.model_file import Family
from webui.diffusion.text_encoder import TextEncoder, TextTower
from webui.library.recognise.dimensions import TextDimensions, unet_dimensions
from webui.models.architectures.clip import build_clip
from webui.models.architectures.family_plan import FamilyPlan
from webui.models.architectures.sd1 import SD1
from webui.models.architectures.sd2 import SD2
from webui.models.architectures.sdxl import SDXL as SDXL_PLAN
from webui.models.architectures.unet import build_unet, original_names
from webui.models.loras.lora import Layer, layer_names
from webui.models.loras.lora_keys import LayerNames
from webui.models.unet import UNet

Shapes = dict[str, tuple[int, ...]]
NETWORK = "model.diffusion_model."


def as_sd2(shapes: Shapes) -> Shapes:
    """SD1's network as SD2 has it: text of 1024, and matrices around attention."""
    reads_text, surrounds = (
        ("attn2.to_k.weight", "attn2.to_v.weight"),
        (".proj_in.weight", ".proj_out.weight"),
    )
    return {
        key: (shape[0], 1024) if key.endswith(reads_text) else shape[:2] if key.endswith(surrounds) else shape
        for key, shape in shapes.items()
    }


UNETS: dict[Family, Shapes] = {Family.SD1: SD15, Family.SD2: as_sd2(SD15), Family.SDXL: SDXL}
PLANS: dict[Family, FamilyPlan] = {Family.SD1: SD1, Family.SD2: SD2, Family.SDXL: SDXL_PLAN}
# Width, layers, and numbers of the pooled text.
TOWERS: dict[Family, tuple[tuple[int, int, int | None], ...]] = {
    Family.SD1: ((768, 12, None),),
    Family.SD2: ((1024, 24, None),),
    Family.SDXL: ((768, 12, None), (1280, 32, 1280)),
}
# What diffusers' own class has to be told to become each.
DIFFUSERS: dict[Family, dict[str, Any]] = {
    Family.SD1: {"cross_attention_dim": 768},
    Family.SD2: {"cross_attention_dim": 1024, "use_linear_projection": True},
    Family.SDXL: {
        "cross_attention_dim": 2048,
        "block_out_channels": (320, 640, 1280),
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        "transformer_layers_per_block": (1, 2, 10),
        "attention_head_dim": (5, 10, 20),
        "use_linear_projection": True,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 256,
        "projection_class_embeddings_input_dim": 2816,
    },
}


def network_of(family: Family) -> UNet:
    """The network as a checkpoint's loader builds it."""
    shapes = {
        key.removeprefix(NETWORK): shape for key, shape in UNETS[family].items() if key.startswith(NETWORK)
    }
    dimensions = unet_dimensions(shapes, family.value)
    unet = build_unet(dimensions, heads=8, head_size=None)
    return UNet(unet, original_names=original_names((name for name, _ in unet.named_modules()), dimensions))


def text_of(family: Family) -> TextEncoder:
    """The text encoders likewise."""
    towers = []
    for (width, layers, projection), plan in zip(TOWERS[family], PLANS[family].towers, strict=True):
        dimensions = TextDimensions(49408, 77, width, 4 * width, layers, projection)
        model, linear = build_clip(dimensions, width // 64, plan.hidden_act)
        towers.append(TextTower(model, linear, plan.reading))
    return TextEncoder(tuple(towers))


@cache
def layers_of(family: Family) -> LayerNames[Layer]:
    """Every layer by its names."""
    return layer_names(network_of(family), text_of(family), torch.float32)


@cache
def diffusers_layers(family: Family) -> tuple[tuple[str, nn.Module], ...]:
    """The matrices and convolutions of diffusers' own network, by its names for them."""
    with torch.device("meta"):
        unet = UNet2DConditionModel(**DIFFUSERS[family])
    return tuple(
        (name, module) for name, module in unet.named_modules() if isinstance(module, nn.Linear | nn.Conv2d)
    )


@cache
def original_layers(family: Family) -> tuple[tuple[str, nn.Module], ...]:
    """The same by their names in the original code."""
    network = network_of(family)
    return tuple(
        (network.original_names[name], module)
        for name, module in network.unet.named_modules()
        if isinstance(module, nn.Linear | nn.Conv2d)
    )


@cache
def text_layers(family: Family, number: int) -> tuple[tuple[str, nn.Module], ...]:
    """The matrices of a text encoder (1 or 2) by transformers' names, its projection among them."""
    tower = text_of(family).towers[number - 1]
    found = [
        (f"text_model.{name}", module)
        for name, module in tower.text_model.named_modules()
        if isinstance(module, nn.Linear)
    ]
    if tower.text_projection is not None:
        found.append(("text_projection", tower.text_projection))
    return tuple(found)
