"""CLIP's image encoder (Radford et al. 2021), which reads pictures for IP-Adapters.

Read from a file of transformers' names or of OpenCLIP's.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor, nn
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from extensions.controlnet.networks.loading import (
    build_empty,
    count,
    fill,
    size_of,
)
from webui.plugins import UnusableFile, shapes_of

KIND = "image encoder"
# What CLIP was trained to see: the mean and spread of colours.
MEAN = (0.48145466, 0.4578275, 0.40821073)
SPREAD = (0.26862954, 0.26130258, 0.27577711)
# The published encoders of these widths have 16 heads; others have heads of 64 numbers.
WIDE_HEADS = {1024: 16, 1280: 16, 1664: 16}
HEAD_SIZE = 64
# Only OpenAI's own encoders activate with the quick form.
QUICK_WIDTHS = frozenset({768, 1024})
BEGINNINGS = ("visual.", "model.visual.", "conditioner.embedders.0.model.visual.", "clip_vision.", "vision.")
OUTER_NAMES = {
    "conv1.weight": "vision_model.embeddings.patch_embedding.weight",
    "class_embedding": "vision_model.embeddings.class_embedding",
    "positional_embedding": "vision_model.embeddings.position_embedding.weight",
    "ln_pre.weight": "vision_model.pre_layrnorm.weight",
    "ln_pre.bias": "vision_model.pre_layrnorm.bias",
    "ln_post.weight": "vision_model.post_layernorm.weight",
    "ln_post.bias": "vision_model.post_layernorm.bias",
}
INNER_NAMES = {
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
    "attn.out_proj": "self_attn.out_proj",
}


@dataclass(frozen=True, slots=True)
class ImageFeatures:
    """What an encoder says of pictures: `embeds` (N, P) of the whole, `hidden` (N, T, D) of each part."""

    embeds: Tensor
    hidden: Tensor


@dataclass(slots=True)
class ClipVision:
    """An image encoder, ready to read."""

    name: str
    network: CLIPVisionModelWithProjection
    kind: str = KIND

    @property
    def size_bytes(self) -> int:
        """What its weights take."""
        return size_of([self.network])

    @property
    def widths(self) -> tuple[int, int]:
        """Of `ImageFeatures.embeds` and of `ImageFeatures.hidden`."""
        config = self.network.config
        return int(config.projection_dim), int(config.hidden_size)

    @property
    def side(self) -> int:
        """Pixels of a side of what it reads."""
        side = self.network.config.image_size
        assert isinstance(side, int), "set by load_clip_vision"
        return side

    def modules(self) -> list[nn.Module]:
        """The one network."""
        return [self.network]

    @torch.no_grad()
    def read(self, image: Image.Image) -> ImageFeatures:
        """A picture's features, its middle cut out as a square."""
        return self.read_pixels(prepare(image, self.side))

    @torch.no_grad()
    def read_nothing(self) -> ImageFeatures:
        """Features of no picture: what the negative prompt's rows are shown."""
        features = self.read_pixels(torch.zeros(1, 3, self.side, self.side))
        return ImageFeatures(torch.zeros_like(features.embeds), features.hidden)

    def read_pixels(self, pixels: Tensor) -> ImageFeatures:
        """Of normalised pixels (N, 3, S, S)."""
        weight = self.network.visual_projection.weight
        given = pixels.to(weight.device, weight.dtype)
        output = self.network(given, output_hidden_states=True)
        return ImageFeatures(output.image_embeds, output.hidden_states[-2])


def prepare(image: Image.Image, side: int) -> Tensor:
    """A picture as CLIP was shown its own: the short side resized, the middle cut out, normalised."""
    factor = side / min(image.size)
    size = (max(side, int(image.width * factor)), max(side, int(image.height * factor)))
    image = image.convert("RGB").resize(size, Image.Resampling.BICUBIC)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    cut = image.crop((left, top, left + side, top + side))
    pixels = torch.frombuffer(bytearray(cut.tobytes()), dtype=torch.uint8).reshape(side, side, 3)
    normalised = (pixels.float() / 255 - torch.tensor(MEAN)) / torch.tensor(SPREAD)
    return normalised.permute(2, 0, 1)[None].contiguous()


def to_transformers_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """An image encoder's tensors, in either layout, under transformers' names."""
    for beginning in BEGINNINGS:
        if any(name.startswith(beginning) for name in tensors):
            tensors = {
                name.removeprefix(beginning): tensor
                for name, tensor in tensors.items()
                if name.startswith(beginning)
            }
            break
    if not any(name.startswith("transformer.resblocks.") for name in tensors):
        # Newer versions of transformers leave out what all names but one began with.
        return {
            name
            if name.startswith(("vision_model.", "visual_projection."))
            else f"vision_model.{name}": tensor
            for name, tensor in tensors.items()
            if not name.endswith("position_ids")
        }
    found: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        found.update(_rename(name, tensor))
    return found


def _rename(name: str, tensor: Tensor) -> Iterator[tuple[str, Tensor]]:
    """One of OpenCLIP's tensors: keys, queries and values lie in one there."""
    if name == "proj":
        yield "visual_projection.weight", tensor.T.contiguous()
        return
    match = re.match(r"transformer\.resblocks\.(\d+)\.(.*)\.?(weight|bias)$", name)
    if match is None:
        yield OUTER_NAMES.get(name, name), tensor
        return
    block, inner, end = f"vision_model.encoder.layers.{match[1]}", match[2].rstrip("._"), match[3]
    if inner == "attn.in_proj":
        for letter, part in zip("qkv", tensor.chunk(3), strict=True):
            yield f"{block}.self_attn.{letter}_proj.{end}", part
        return
    yield f"{block}.{INNER_NAMES.get(inner, inner)}.{end}", tensor


def load_clip_vision(
    tensors: Mapping[str, Tensor], *, name: str, dtype: torch.dtype = torch.float32
) -> ClipVision:
    """An image encoder of a file's tensors, in either layout, on the CPU. Raises UnusableFile."""
    tensors = to_transformers_names(tensors)
    shapes = shapes_of(tensors)
    try:
        width, _, _, patch = shapes["vision_model.embeddings.patch_embedding.weight"]
        places = shapes["vision_model.embeddings.position_embedding.weight"][0]
        projected = shapes["visual_projection.weight"][0]
        inner = shapes["vision_model.encoder.layers.0.mlp.fc1.weight"][0]
    except (KeyError, ValueError) as error:
        raise UnusableFile(f"{name} is no CLIP image encoder that is known here ({error}).") from error
    config = CLIPVisionConfig(
        hidden_size=width,
        intermediate_size=inner,
        projection_dim=projected,
        num_hidden_layers=count(shapes, r"vision_model\.encoder\.layers\.(\d+)\."),
        num_attention_heads=WIDE_HEADS.get(width, max(1, width // HEAD_SIZE)),
        image_size=round((places - 1) ** 0.5) * patch,
        patch_size=patch,
        hidden_act="quick_gelu" if width in QUICK_WIDTHS else "gelu",
    )
    network = build_empty(lambda: CLIPVisionModelWithProjection(config), name)
    assert isinstance(network, CLIPVisionModelWithProjection)
    _place_buffers(network, places)
    fill(network, tensors, name, dtype)
    return ClipVision(name, network)


def _place_buffers(network: nn.Module, places: int) -> None:
    """The numbers of places, which no file has to hold."""
    for module in network.modules():
        if "position_ids" in module._buffers:
            module.register_buffer("position_ids", torch.arange(places)[None], persistent=False)
