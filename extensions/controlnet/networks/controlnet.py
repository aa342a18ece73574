"""ControlNets (Zhang et al. 2023) for Stable Diffusion: a copy of the U-Net's encoder that reads a picture.

Also the union networks of xinsir, which read several kinds of pictures, and ProMax, their larger kind.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from diffusers.models.controlnets.controlnet import ControlNetModel
from diffusers.models.controlnets.controlnet_union import ControlNetUnionModel
from torch import Tensor, nn
from torch.nn import functional

from extensions.controlnet.networks.base import ControlCall, Residuals
from extensions.controlnet.networks.cldm_names import to_diffusers_names
from extensions.controlnet.networks.loading import (
    Shapes,
    build_empty,
    count,
    fill,
    size_of,
)
from webui.plugins import UnusableFile, shapes_of

KIND = "controlnet"
# SD1 has eight attention heads everywhere, its successors heads of this size.
SD1_HEADS = 8
HEAD_SIZE = 64
SD1 = "SD1"
# The kinds of pictures that union networks were trained on, each with the number of its embedding.
UNION_TASKS: Mapping[str, int] = {
    "openpose": 0,
    "depth": 1,
    "softedge": 2,
    "scribble": 2,
    "canny": 3,
    "lineart": 3,
    "mlsd": 3,
    "normal": 4,
    "segmentation": 5,
    "tile": 6,
    "inpaint": 7,
}
PIXELS = 8
MATRIX = 2


@dataclass(frozen=True, slots=True)
class Dimensions:
    """Of a ControlNet, finest level first, as diffusers' configuration names them.

    `depths` counts the transformer blocks of each level's attention, None for levels without attention;
    `middle_depth` likewise. `vector` is the width of SDXL's vector or None. `tasks` is how many kinds of
    pictures a union network knows, else 0.
    """

    in_channels: int
    hint_channels: int
    hint_widths: tuple[int, ...]
    channels: tuple[int, ...]
    blocks: int
    depths: tuple[int | None, ...]
    middle_depth: int | None
    context: int
    vector: int | None
    has_linear_projections: bool
    tasks: int = 0


def read_dimensions(shapes: Shapes, name: str) -> Dimensions:
    """Dimensions by shapes under diffusers' names; `name` is the file's. Raises UnusableFile."""
    try:
        return _read_dimensions(shapes)
    except (KeyError, IndexError) as error:
        raise UnusableFile(f"{name} is incomplete: {error} is missing. Download the file again.") from error


def _read_dimensions(shapes: Shapes) -> Dimensions:
    levels = count(shapes, r"down_blocks\.(\d+)\.")
    hint_blocks = count(shapes, r"controlnet_cond_embedding\.blocks\.(\d+)\.")
    first = shapes["controlnet_cond_embedding.conv_in.weight"]
    vector = shapes.get("class_embedding.linear_1.weight")
    contexts = [shape[1] for key, shape in shapes.items() if key.endswith("attn2.to_k.weight")]
    projections = [shape for key, shape in shapes.items() if key.endswith(".proj_in.weight")]
    # Every second convolution halves the hint and widens it.
    widths = [
        shapes[f"controlnet_cond_embedding.blocks.{index}.weight"][0] for index in range(1, hint_blocks, 2)
    ]
    return Dimensions(
        in_channels=shapes["conv_in.weight"][1],
        hint_channels=first[1],
        hint_widths=(first[0], *widths),
        channels=tuple(shapes[f"down_blocks.{level}.resnets.0.conv1.weight"][0] for level in range(levels)),
        blocks=count(shapes, r"down_blocks\.0\.resnets\.(\d+)\."),
        depths=tuple(_depth(shapes, f"down_blocks.{level}") for level in range(levels)),
        middle_depth=_depth(shapes, "mid_block"),
        context=contexts[0] if contexts else 0,
        vector=vector[1] if vector else None,
        has_linear_projections=bool(projections) and len(projections[0]) == MATRIX,
        tasks=shapes["task_embedding"][0] if "task_embedding" in shapes else 0,
    )


def _depth(shapes: Shapes, block: str) -> int | None:
    """How many transformer blocks an attention has; some have none, and only normalise and project."""
    if f"{block}.attentions.0.norm.weight" not in shapes:
        return None
    return count(shapes, re.escape(block) + r"\.attentions\.0\.transformer_blocks\.(\d+)\.")


def configuration(dimensions: Dimensions, family: str) -> dict[str, Any]:
    """Arguments of diffusers' ControlNetModel."""
    depths = [depth or 0 for depth in dimensions.depths]
    if dimensions.depths[-1] is None:
        # diffusers gives the middle the depth of the last level, which has no attention of its own here.
        depths[-1] = dimensions.middle_depth or 0
    attends = [depth is not None for depth in dimensions.depths]
    return {
        "in_channels": dimensions.in_channels,
        "conditioning_channels": dimensions.hint_channels,
        "conditioning_embedding_out_channels": dimensions.hint_widths,
        "block_out_channels": dimensions.channels,
        "layers_per_block": dimensions.blocks,
        "down_block_types": tuple("CrossAttnDownBlock2D" if each else "DownBlock2D" for each in attends),
        "mid_block_type": "UNetMidBlock2D" if dimensions.middle_depth is None else "UNetMidBlock2DCrossAttn",
        "transformer_layers_per_block": depths,
        # diffusers' name for the NUMBER of heads.
        "attention_head_dim": tuple(
            SD1_HEADS if family == SD1 else max(1, channels // HEAD_SIZE) for channels in dimensions.channels
        ),
        "cross_attention_dim": dimensions.context or None,
        "use_linear_projection": dimensions.has_linear_projections,
        "class_embed_type": "projection" if dimensions.vector else None,
        "projection_class_embeddings_input_dim": dimensions.vector,
    }


def _union_configuration(shapes: Shapes, dimensions: Dimensions, family: str) -> dict[str, Any]:
    """Arguments of diffusers' ControlNetUnionModel, which always has a middle with attention."""
    common = configuration(dimensions, family)
    common.pop("mid_block_type")
    width = shapes["control_add_embedding.linear_1.weight"][1]
    return common | {
        "num_control_type": dimensions.tasks,
        "num_trans_channel": shapes["task_embedding"][1],
        # The published name has the typing error.
        "num_trans_layer": count(shapes, r"transformer_layes\.(\d+)\."),
        "num_proj_channel": shapes["spatial_ch_projs.weight"][0],
        "addition_time_embed_dim": width // dimensions.tasks,
    }


@dataclass(slots=True)
class ControlNet:
    """A ControlNet, ready to be evaluated; a `ControlNetwork`.

    `channels` are those of the U-Nets that it fits. One that `pools_globally` (shuffle) says the same of the
    whole picture, and its authors use it for the prompt's rows only.
    """

    name: str
    family: str
    network: ControlNetModel | ControlNetUnionModel
    dimensions: Dimensions
    pools_globally: bool = False
    kind: str = KIND

    @property
    def size_bytes(self) -> int:
        """What its weights take."""
        return size_of([self.network])

    @property
    def channels(self) -> tuple[int, ...]:
        """Of the levels of the U-Nets that it fits."""
        return self.dimensions.channels

    @property
    def tasks(self) -> tuple[str, ...]:
        """The kinds of pictures to choose from; none of a network made for one kind."""
        return tuple(name for name, number in UNION_TASKS.items() if number < self.dimensions.tasks)

    def modules(self) -> list[nn.Module]:
        """The one network."""
        return [self.network]

    def evaluate(self, call: ControlCall) -> Residuals:
        """Residuals for every skip and the middle. Raises UnusableFile if it fits another U-Net."""
        call = self._prepare(call)
        if isinstance(self.network, ControlNetUnionModel):
            down, mid = self._evaluate_union(self.network, call)
        else:
            down, mid = self.network(
                call.latent, call.timestep, call.crossattn, call.hint,
                class_labels=call.vector, return_dict=False,
            )  # fmt: skip
        residuals = Residuals(tuple(down), mid)
        return _pool(residuals) if self.pools_globally else residuals

    def _evaluate_union(
        self, network: ControlNetUnionModel, call: ControlCall
    ) -> tuple[list[Tensor], Tensor]:
        task = UNION_TASKS.get(call.task, len(UNION_TASKS))
        if task >= self.dimensions.tasks:
            known = ", ".join(self.tasks)
            raise UnusableFile(
                f"{self.name} does not know the kind of picture {call.task!r}. Choose one of: {known}."
            )
        rows = len(call.latent)
        chosen = torch.zeros(rows, self.dimensions.tasks, device=call.latent.device, dtype=call.latent.dtype)
        chosen[:, task] = 1
        # These networks were shown black where others are shown -1.
        hint = call.hint.clamp(min=0).expand(rows, -1, -1, -1)
        return network(
            call.latent, call.timestep, call.crossattn, [hint], chosen, [task],
            class_labels=call.vector, return_dict=False,
        )  # fmt: skip

    def _prepare(self, call: ControlCall) -> ControlCall:
        """The call in the network's number format and on its device."""
        wanted, found = self.dimensions.in_channels, call.latent.shape[1]
        if found < wanted:
            raise UnusableFile(
                f"{self.name} was trained for inpainting checkpoints ({wanted} channels). "
                "Choose one of those."
            )
        if self.dimensions.context and call.crossattn.shape[-1] != self.dimensions.context:
            raise UnusableFile(
                f"{self.name} is made for checkpoints whose text is {self.dimensions.context} wide, not "
                f"{call.crossattn.shape[-1]}. Choose another ControlNet."
            )
        if self.dimensions.vector and call.vector is None:
            raise UnusableFile(f"{self.name} is made for SDXL. Choose another ControlNet.")
        weight = self.network.conv_in.weight
        place = {"device": weight.device, "dtype": weight.dtype}
        height, width = (side * PIXELS for side in call.latent.shape[-2:])
        return ControlCall(
            latent=call.latent[:, :wanted].to(**place),
            timestep=call.timestep.to(weight.device),
            crossattn=call.crossattn.to(**place),
            vector=call.vector.to(**place) if self.dimensions.vector and call.vector is not None else None,
            hint=fit_hint(call.hint, (height, width)).to(**place),
            share=call.share,
            task=call.task,
        )


def fit_hint(hint: Tensor, size: tuple[int, int]) -> Tensor:
    """A hint (N, 3, H, W) at a size (H, W); unchanged where it has it."""
    if tuple(hint.shape[-2:]) == size:
        return hint
    return functional.interpolate(hint.float(), size, mode="nearest-exact").to(hint.dtype)


def _pool(residuals: Residuals) -> Residuals:
    """The mean over all places instead of each place's own."""
    assert residuals.mid is not None, "a ControlNet has a middle"
    return Residuals(
        tuple(layer.mean((2, 3), keepdim=True).expand_as(layer) for layer in residuals.down),
        residuals.mid.mean((2, 3), keepdim=True).expand_as(residuals.mid),
    )


def load_controlnet(
    tensors: Mapping[str, Tensor],
    *,
    name: str,
    family: str,
    dtype: torch.dtype = torch.float32,
    pools_globally: bool = False,
) -> ControlNet:
    """A ControlNet of a file's tensors, in whichever layout, on the CPU.

    `name` is the file's, for sentences; `family` what the catalog recognised. Raises UnusableFile.
    """
    if "difference" in tensors:
        raise UnusableFile(
            f"{name} holds only the difference to Stable Diffusion 1.5. Download the whole ControlNet."
        )
    tensors = to_diffusers_names(tensors)
    shapes = shapes_of(tensors)
    dimensions = read_dimensions(shapes, name)
    if dimensions.tasks:
        arguments = _union_configuration(shapes, dimensions, family)
        network = build_empty(lambda: ControlNetUnionModel(**arguments), name)
    else:
        arguments = configuration(dimensions, family)
        network = build_empty(lambda: ControlNetModel(**arguments), name)
    assert isinstance(network, ControlNetModel | ControlNetUnionModel)
    fill(network, tensors, name, dtype)
    return ControlNet(name, family, network, dimensions, pools_globally)
