"""What is where in a picture, in ADE20K's colours, by transformers' networks, from the weights alone."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import (
    ConvNextConfig,
    OneFormerConfig,
    OneFormerForUniversalSegmentation,
    SwinConfig,
    UperNetConfig,
    UperNetForSemanticSegmentation,
)

from extensions.controlnet.preprocessors.inputs import PreprocessorInputs
from extensions.controlnet.preprocessors.networks.leased import (
    device_of,
    lease_filled,
    make_of_transformers,
)
from extensions.controlnet.preprocessors.palettes import ADE20K, read_palette
from extensions.controlnet.preprocessors.pixels import Pixels, resize, resize_to
from webui.plugins import UnusableFile

MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
STAGES = ("stage1", "stage2", "stage3", "stage4")
# Arguments of base classes, which are not typed.
ALL_STAGES: dict[str, Any] = {"out_features": list(STAGES)}
# The shorter sides that the networks were trained with; OneFormer's by the width of its first level.
SIDE, WIDE, WIDE_SIDE = 512, 192, 640
# The longer side is at most so many times the shorter.
LONGEST, MULTIPLE = 4, 32
# "the task is semantic", as CLIP's tokenizer writes it, with its marks; the rest of the 77 is 0.
TASK, TASK_TOKENS = (49406, 518, 10549, 533, 29119, 1550, 49407), 77
# Networks of the two ways of segmenting.
SWIN_TABLE = re.compile(r"layers\.(\d+)\.blocks\.(\d+)\..*relative_position_bias_table$")
CONVNEXT_BLOCK = re.compile(r"^backbone\.encoder\.stages\.(\d+)\.layers\.(\d+)\.dwconv\.weight$")
Segment = Callable[[nn.Module, Tensor], Tensor]


def oneformer(inputs: PreprocessorInputs) -> Pixels:
    """By OneFormer (Jain et al. 2023)."""
    return segment(inputs, make_oneformer, run_oneformer)


def upernet(inputs: PreprocessorInputs) -> Pixels:
    """By UperNet (Xiao et al. 2018) upon ConvNeXt (Liu et al. 2022)."""
    return segment(inputs, make_upernet, run_upernet)


@torch.no_grad()
def segment(
    inputs: PreprocessorInputs, make: Callable[[Mapping[str, Tensor], str], nn.Module], run: Segment
) -> Pixels:
    """The classes of all pixels in their colours, at the resolution."""
    path = inputs.weights[0]
    pixels = resize(inputs.pixels, inputs.resolution)

    def fill(tensors: Mapping[str, Tensor]) -> nn.Module:
        try:
            return make(tensors, path.name)
        except (KeyError, IndexError, StopIteration) as error:
            raise UnusableFile(f"{path.name} is no network that segments. Download it again.") from error

    with lease_filled(inputs, fill, path, __name__) as network:
        scores = run(network, prepare(pixels, side_of(network)).to(device_of(network)))
        enlarged = functional.interpolate(
            scores.float(), list(pixels.shape[:2]), mode="bilinear", align_corners=False
        )
        classes = enlarged[0].argmax(0).cpu().numpy()
    colours = np.array(read_palette(ADE20K), np.uint8)
    return colours[np.minimum(classes, len(colours) - 1)]


def side_of(network: nn.Module) -> int:
    """The shorter side of pictures that a network was trained with."""
    backbone = getattr(getattr(network, "config", None), "backbone_config", None)
    return WIDE_SIDE if getattr(backbone, "embed_dim", 0) >= WIDE else SIDE


def prepare(pixels: Pixels, side: int) -> Tensor:
    """A picture (H, W, 3) at the size and in the colours that the networks know: (1, 3, h, w)."""
    scale = side / min(pixels.shape[:2])
    height, width = (
        min(max(round(each * scale / MULTIPLE), 1), LONGEST * side // MULTIPLE) * MULTIPLE
        for each in pixels.shape[:2]
    )
    given = np.ascontiguousarray(resize_to(pixels, (width, height)))
    tensor = torch.from_numpy(given).permute(2, 0, 1)[None].float() / 255
    return (tensor - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(SPREAD).view(1, 3, 1, 1)


def make_oneformer(tensors: Mapping[str, Tensor], name: str) -> nn.Module:
    """OneFormer of the size that the tensors are of. Raises UnusableFile, KeyError."""
    decoder = "model.transformer_module.decoder."
    queries, width = tensors["model.transformer_module.queries_embedder.weight"].shape
    config = OneFormerConfig(
        backbone_config=swin_of(tensors),
        num_queries=queries,
        hidden_dim=width,
        conv_dim=width,
        mask_dim=tensors["model.pixel_level_module.decoder.mask_projection.weight"].shape[0],
        **of_labels(tensors[f"{decoder}class_embed.weight"].shape[0] - 1),
        encoder_layers=count(tensors, "model.pixel_level_module.decoder.encoder.layers."),
        # The first answer comes before any layer.
        decoder_layers=count(tensors, f"{decoder}layers.") + 1,
        query_dec_layers=count(tensors, f"{decoder}query_transformer.decoder.layers."),
        encoder_feedforward_dim=tensors["model.pixel_level_module.decoder.encoder.layers.0.fc1.weight"].shape[
            0
        ],
        dim_feedforward=tensors[f"{decoder}layers.0.ffn.linear1.weight"].shape[0],
        task_seq_len=TASK_TOKENS,
        is_training=False,
    )
    return make_of_transformers(OneFormerForUniversalSegmentation, config, tensors, name)


def of_labels(count: int) -> dict[str, Any]:
    """A configuration's argument for so many classes; of a base class, which is not typed."""
    return {"num_labels": count}


def swin_of(tensors: Mapping[str, Tensor]) -> SwinConfig:
    """The transformer that reads the picture (Liu et al. 2021)."""
    tables = {
        (int(found[1]), int(found[2])): tensor.shape
        for key, tensor in tensors.items()
        if (found := SWIN_TABLE.search(key))
    }
    first = next(key for key in tensors if key.endswith("patch_embeddings.projection.weight"))
    stages = range(len(STAGES))
    return SwinConfig(
        embed_dim=tensors[first].shape[0],
        depths=[sum(stage == each for stage, _ in tables) for each in stages],
        num_heads=[tables[stage, 0][1] for stage in stages],
        # A table has a row for each distance within a window.
        window_size=(math.isqrt(tables[0, 0][0]) + 1) // 2,
        **ALL_STAGES,
    )


def count(tensors: Mapping[str, Tensor], prefix: str) -> int:
    """How many layers there are whose names begin so."""
    return len({key[len(prefix) :].partition(".")[0] for key in tensors if key.startswith(prefix)})


def run_oneformer(network: nn.Module, image: Tensor) -> Tensor:
    """Scores of classes (1, C, h, w): what each query is, times where it is (Cheng et al. 2021)."""
    task = torch.zeros(1, TASK_TOKENS, device=image.device)
    task[0, : len(TASK)] = torch.tensor(TASK, dtype=task.dtype)
    found = network(pixel_values=image, task_inputs=task)
    classes = found.class_queries_logits.softmax(-1)[..., :-1]
    return torch.einsum("bqc,bqhw->bchw", classes, found.masks_queries_logits.sigmoid())


def make_upernet(tensors: Mapping[str, Tensor], name: str) -> nn.Module:
    """UperNet of the size that the tensors are of. Raises UnusableFile, KeyError."""
    blocks = {
        (int(found[1]), int(found[2])): tensor.shape[0]
        for key, tensor in tensors.items()
        if (found := CONVNEXT_BLOCK.search(key))
    }
    stages: Sequence[int] = range(len(STAGES))
    backbone = ConvNextConfig(
        hidden_sizes=[blocks[stage, 0] for stage in stages],
        depths=[sum(stage == each for stage, _ in blocks) for each in stages],
        **ALL_STAGES,
    )
    config = UperNetConfig(
        backbone_config=backbone,
        hidden_size=tensors["decode_head.bottleneck.conv.weight"].shape[0],
        **of_labels(tensors["decode_head.classifier.weight"].shape[0]),
        use_auxiliary_head=False,
    )
    return make_of_transformers(UperNetForSemanticSegmentation, config, tensors, name)


def run_upernet(network: nn.Module, image: Tensor) -> Tensor:
    """Scores of classes (1, C, h, w)."""
    return network(pixel_values=image).logits
