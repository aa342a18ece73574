"""The layers that are trained in a checkpoint's networks, and their names in kohya's files."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from diffusers.models.downsampling import Downsample2D
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.transformers.transformer_2d import Transformer2DModel
from diffusers.models.upsampling import Upsample2D
from torch import nn
from transformers.models.clip.modeling_clip import CLIPMLP, CLIPAttention

from webui.core.model_file import Family
from webui.diffusion.text_encoder import TextTower
from webui.models.architectures.unet import SkipSizedUpsample
from webui.training.methods.trainable import Part
from webui.training.networks import TrainingNetworks

TRANSFORMERS = (Transformer2DModel,)
# Those that kohya's networks train as well where convolutions have a rank.
CONVOLUTIONAL = (ResnetBlock2D, Downsample2D, Upsample2D, SkipSizedUpsample)
TEXT = (CLIPAttention, CLIPMLP)
TEXT_BLOCK = "BASE"
_BLOCK = re.compile(r"(input_blocks|middle_block|output_blocks)\.(\d+)")
_BLOCK_NAMES = {"input_blocks": "IN", "output_blocks": "OUT"}


@dataclass(frozen=True, slots=True, eq=False)
class TrainedLayer:
    """A layer that is trained: its name in files, and where it acts.

    `is_read`: whether anything depends on it; the last layers of some text encoders are in the files and
    never read.
    """

    name: str
    module: nn.Linear | nn.Conv2d
    part: Part
    block: str
    is_read: bool = True

    @property
    def has_kernel(self) -> bool:
        """Whether it is a convolution over more than one pixel, which has a rank of its own."""
        return isinstance(self.module, nn.Conv2d) and self.module.kernel_size != (1, 1)


def unet_layers(networks: TrainingNetworks, *, convolutions: bool) -> list[TrainedLayer]:
    """The U-Net's layers in attention; with `convolutions` those in residual blocks and between levels too.

    SD1 and SD2 have diffusers' names, SDXL those of the original code.
    """
    kinds = (*TRANSFORMERS, *CONVOLUTIONAL) if convolutions else TRANSFORMERS
    originals = networks.model.network.original_names
    found: list[TrainedLayer] = []
    for name, module in _layers_inside(networks.unet, kinds):
        original = originals.get(name, name)
        written = original if networks.model.is_sdxl else name
        found.append(
            TrainedLayer(f"lora_unet_{written.replace('.', '_')}", module, "unet", block_of(original))
        )
    return found


def text_layers(networks: TrainingNetworks, clip_skip: int) -> list[TrainedLayer]:
    """The layers of all text encoders, in attention and feed-forward blocks."""
    towers = networks.model.text_encoder.towers
    found: list[TrainedLayer] = []
    for prefix, tower in zip(text_prefixes(networks), towers, strict=True):
        layers = tower.text_model.encoder.layers
        read = read_layers(tower, clip_skip)
        # Files of SD2 hold a layer that nothing reads, and its LoRAs have nothing for it.
        kept = read if networks.family == Family.SD2 else len(layers)
        for number, layer in enumerate(layers[:kept]):
            for name, module in _layers_inside(layer, TEXT):
                written = f"{prefix}text_model_encoder_layers_{number}_{name.replace('.', '_')}"
                found.append(TrainedLayer(written, module, "text", TEXT_BLOCK, number < read))
    return found


def text_prefixes(networks: TrainingNetworks) -> list[str]:
    """How names of each text encoder's layers begin."""
    towers = networks.model.text_encoder.towers
    if not networks.model.is_sdxl:
        return ["lora_te_"]
    return [f"lora_te{2 if tower.reading.gives_pooled else 1}_" for tower in towers]


def read_layers(tower: TextTower, clip_skip: int) -> int:
    """How many of a text encoder's layers are read."""
    count = len(tower.text_model.encoder.layers)
    if tower.reading.gives_pooled:
        return count
    if tower.reading.clip_skip == "always":
        return max(count - max(clip_skip, 1) + 1, 1)
    return count - tower.reading.skipped_layers


def block_of(original: str) -> str:
    """The block of a U-Net's layer by its name in the original code: IN00 … OUT11, M00; of others empty."""
    match = _BLOCK.match(original)
    if match is None:
        return ""
    return f"{_BLOCK_NAMES[match[1]]}{int(match[2]):02}" if match[1] in _BLOCK_NAMES else "M00"


def _layers_inside(
    network: nn.Module, kinds: tuple[type[nn.Module], ...]
) -> Iterator[tuple[str, nn.Linear | nn.Conv2d]]:
    """Matrices and convolutions inside modules of these kinds, each once, in the network's order."""
    seen: set[nn.Module] = set()
    for outer_name, outer in network.named_modules():
        if not isinstance(outer, kinds):
            continue
        for name, module in outer.named_modules():
            if isinstance(module, nn.Linear | nn.Conv2d) and module not in seen:
                seen.add(module)
                yield ".".join(part for part in (outer_name, name) if part), module
