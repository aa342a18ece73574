"""Every dimension of a Stable Diffusion network, read off the shapes of its tensors.

Names are those of the original single-file layout, without the part's prefix.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from webui.core.errors import UnusableFile

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class UNetLevel:
    """One resolution: output channels, and for each block the depth of its transformer (0 = no attention)."""

    channels: int
    down_depths: tuple[int, ...]
    up_depths: tuple[int, ...]

    @property
    def has_attention(self) -> bool:
        """Whether blocks of this level attend."""
        return any(self.down_depths)


@dataclass(frozen=True, slots=True)
class UNetDimensions:
    """Of a U-Net, finest level first. `middle_depth` None: the middle has no attention; `vector` None: no
    label embedding.
    """

    in_channels: int
    out_channels: int
    levels: tuple[UNetLevel, ...]
    middle_depth: int | None
    context: int
    time_embedding: int
    vector: int | None
    has_linear_projections: bool


@dataclass(frozen=True, slots=True)
class VaeDimensions:
    """Of an autoencoder, finest level first; `blocks` counts the residual blocks of an encoder level."""

    image_channels: int
    latent_channels: int
    channels: tuple[int, ...]
    blocks: int
    has_middle_attention: bool
    has_quant_conv: bool
    has_post_quant_conv: bool


@dataclass(frozen=True, slots=True)
class TextDimensions:
    """Of a CLIP text transformer; `projection` None: it has no projection."""

    vocabulary: int
    positions: int
    width: int
    intermediate: int
    layers: int
    projection: int | None


def unet_dimensions(shapes: Shapes, name: str) -> UNetDimensions:
    """Dimensions of a U-Net; `name` is the file's, for the sentence that refuses a network of another
    plan.
    """
    try:
        return _unet_dimensions(shapes)
    except (KeyError, IndexError, StopIteration) as error:
        raise UnusableFile(
            f"{name} has an incomplete U-Net: {error} is missing. Download it again."
        ) from error


def diffusers_unet_dimensions(shapes: Shapes, name: str) -> UNetDimensions:
    """Dimensions of a U-Net in diffusers' names; `name` is the file's, for errors."""
    try:
        return _diffusers_unet_dimensions(shapes)
    except (KeyError, StopIteration) as error:
        raise UnusableFile(
            f"{name} has an incomplete U-Net: {error} is missing. Download it again."
        ) from error


def _diffusers_unet_dimensions(shapes: Shapes) -> UNetDimensions:
    count = _count(shapes, r"down_blocks\.(\d+)\.")
    if count == 0:
        raise KeyError("down_blocks")
    levels = tuple(
        UNetLevel(
            shapes[f"down_blocks.{number}.resnets.0.conv1.weight"][0],
            _diffusers_depths(shapes, f"down_blocks.{number}"),
            _diffusers_depths(shapes, f"up_blocks.{count - 1 - number}"),
        )
        for number in range(count)
    )
    label = shapes.get("class_embedding.linear_1.weight")
    projection = next((shape for key, shape in shapes.items() if key.endswith(".proj_in.weight")), ())
    return UNetDimensions(
        in_channels=shapes["conv_in.weight"][1],
        out_channels=shapes["conv_out.weight"][0],
        levels=levels,
        middle_depth=_count(shapes, r"mid_block\.attentions\.0\.transformer_blocks\.(\d+)\.") or None,
        context=next(shape[1] for key, shape in shapes.items() if key.endswith("attn2.to_k.weight")),
        time_embedding=shapes["time_embedding.linear_1.weight"][0],
        vector=label[1] if label else None,
        has_linear_projections=len(projection) == 2,
    )


def _diffusers_depths(shapes: Shapes, block: str) -> tuple[int, ...]:
    """Transformer depths of a block's residual blocks, at least one."""
    block = re.escape(block)
    resnets = _count(shapes, rf"{block}\.resnets\.(\d+)\.")
    if resnets == 0:
        raise KeyError(block)
    return tuple(
        _count(shapes, rf"{block}\.attentions\.{number}\.transformer_blocks\.(\d+)\.")
        for number in range(resnets)
    )


def _depth(shapes: Shapes, block: str) -> int:
    """How many transformer blocks a block's attention has, 0 if it has none."""
    depth = 0
    while f"{block}.1.transformer_blocks.{depth}.norm1.weight" in shapes:
        depth += 1
    return depth


def _unet_dimensions(shapes: Shapes) -> UNetDimensions:
    channels, depths = _down_levels(shapes)
    ups = _up_depths(shapes, len(depths))
    contexts = (shape[1] for key, shape in shapes.items() if key.endswith("attn2.to_k.weight"))
    projection = next((shape for key, shape in shapes.items() if key.endswith(".proj_in.weight")), ())
    middle = _depth(shapes, "middle_block")
    label = shapes.get("label_emb.0.0.weight")
    return UNetDimensions(
        in_channels=shapes["input_blocks.0.0.weight"][1],
        out_channels=shapes["out.2.weight"][0],
        levels=tuple(UNetLevel(*level) for level in zip(channels, depths, ups, strict=True)),
        middle_depth=middle or None,
        context=next(contexts),
        time_embedding=shapes["time_embed.0.weight"][0],
        vector=label[1] if label else None,
        has_linear_projections=len(projection) == 2,
    )


def _down_levels(shapes: Shapes) -> tuple[list[int], list[tuple[int, ...]]]:
    """Channels and transformer depths of each level, read along the input blocks."""
    channels: list[int] = []
    depths: list[tuple[int, ...]] = []
    current: list[int] = []
    index = 1
    while True:
        block = f"input_blocks.{index}"
        if f"{block}.0.op.weight" in shapes:
            depths.append(tuple(current))
            current = []
        elif f"{block}.0.in_layers.2.weight" in shapes:
            if not current:
                channels.append(shapes[f"{block}.0.in_layers.2.weight"][0])
            current.append(_depth(shapes, block))
        else:
            break
        index += 1
    depths.append(tuple(current))
    if len(channels) != len(depths) or not all(depths):
        raise KeyError("an input block")
    return channels, depths


def _up_depths(shapes: Shapes, levels: int) -> list[tuple[int, ...]]:
    """Transformer depths of each level's output blocks, finest level first; an upsampler ends a level."""
    depths: list[tuple[int, ...]] = []
    current: list[int] = []
    index = 0
    while f"output_blocks.{index}.0.in_layers.2.weight" in shapes:
        block = f"output_blocks.{index}"
        current.append(_depth(shapes, block))
        if any(f"{block}.{place}.conv.weight" in shapes for place in (1, 2)):
            depths.append(tuple(current))
            current = []
        index += 1
    depths.append(tuple(current))
    if len(depths) != levels or not all(depths):
        raise KeyError("an output block")
    return depths[::-1]


def vae_dimensions(shapes: Shapes, name: str) -> VaeDimensions:
    """Dimensions of an autoencoder in either layout; `name` is the file's, for errors."""
    try:
        is_diffusers = any(key.startswith("encoder.down_blocks.") for key in shapes)
        down, block = ("down_blocks", "resnets") if is_diffusers else ("down", "block")
        levels = _count(shapes, rf"encoder\.{down}\.(\d+)\.")
        return VaeDimensions(
            image_channels=shapes["decoder.conv_out.weight"][0],
            latent_channels=shapes["decoder.conv_in.weight"][1],
            channels=tuple(
                shapes[f"encoder.{down}.{level}.{block}.0.conv1.weight"][0] for level in range(levels)
            ),
            blocks=_count(shapes, rf"encoder\.{down}\.0\.{block}\.(\d+)\."),
            has_middle_attention=any(
                key.startswith(("decoder.mid.attn_1.", "decoder.mid_block.attentions.")) for key in shapes
            ),
            has_quant_conv="quant_conv.weight" in shapes,
            has_post_quant_conv="post_quant_conv.weight" in shapes,
        )
    except KeyError as error:
        raise UnusableFile(
            f"{name} has an incomplete VAE: {error} is missing. Choose one in the VAE list."
        ) from error


def _count(shapes: Shapes, pattern: str) -> int:
    """One more than the highest number that names starting with a pattern hold."""
    compiled = re.compile(pattern)
    return max((int(match[1]) for key in shapes if (match := compiled.match(key))), default=-1) + 1


def clip_dimensions(shapes: Shapes, name: str) -> TextDimensions:
    """Dimensions of a text encoder in transformers' names (`embeddings…`, `encoder…`); `name` is the
    file's.
    """
    try:
        vocabulary, width = shapes["embeddings.token_embedding.weight"]
        projection = shapes.get("text_projection.weight")
        return TextDimensions(
            vocabulary=vocabulary,
            positions=shapes["embeddings.position_embedding.weight"][0],
            width=width,
            intermediate=shapes["encoder.layers.0.mlp.fc1.weight"][0],
            layers=_count(shapes, r"encoder\.layers\.(\d+)\."),
            projection=projection[0] if projection else None,
        )
    except KeyError as error:
        raise UnusableFile(
            f"{name} has an incomplete text encoder: {error} is missing. Download it again."
        ) from error
