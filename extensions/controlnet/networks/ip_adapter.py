"""IP-Adapters (Ye et al. 2023): a picture that stands beside the prompt in every cross attention.

The plain kind, plus (and plus face), and full face, for SD1 and SDXL.
"""

import re
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

import torch
from diffusers.models.embeddings import (
    ImageProjection,
    IPAdapterFullImageProjection,
    IPAdapterPlusImageProjection,
)
from torch import Tensor, nn
from torch.nn import functional

from extensions.controlnet.networks.clip_vision import ImageFeatures
from extensions.controlnet.networks.loading import (
    Shapes,
    build_empty,
    count,
    fill,
    size_of,
)
from extensions.controlnet.rows import Rows, attention_blocks
from webui.plugins import UnusableFile, shapes_of

KIND = "IP-Adapter"
HEAD_SIZE = 64
PROJECTION, LAYERS = "image_proj.", "ip_adapter."
RESAMPLER_NAMES = (
    (r"^layers\.(\d+)\.0\.norm1\.", r"layers.\1.ln0."),
    (r"^layers\.(\d+)\.0\.norm2\.", r"layers.\1.ln1."),
    (r"^layers\.(\d+)\.0\.to_q\.", r"layers.\1.attn.to_q."),
    (r"^layers\.(\d+)\.0\.to_kv\.", r"layers.\1.attn.to_kv."),
    (r"^layers\.(\d+)\.0\.to_out\.", r"layers.\1.attn.to_out.0."),
    (r"^layers\.(\d+)\.1\.0\.", r"layers.\1.ff.0."),
    (r"^layers\.(\d+)\.1\.1\.", r"layers.\1.ff.1.net.0.proj."),
    (r"^layers\.(\d+)\.1\.3\.", r"layers.\1.ff.1.net.2."),
)
FULL_NAMES = (("proj.0.", "ff.net.0.proj."), ("proj.2.", "ff.net.2."), ("proj.3.", "norm."))


class Pair(nn.Module):
    """Keys and values of one cross attention for the picture's tokens."""

    def __init__(self, context: int, width: int) -> None:
        """`context` wide tokens to keys and values of `width`."""
        super().__init__()
        self.to_k_ip = nn.Linear(context, width, bias=False)
        self.to_v_ip = nn.Linear(context, width, bias=False)


@dataclass(slots=True)
class IPAdapter:
    """An IP-Adapter, ready to be attached.

    `reads_hidden`: its projection reads the encoder's last but one layer, not the embedding of the whole.
    """

    name: str
    family: str
    projection: nn.Module
    pairs: nn.ModuleList
    reads_hidden: bool
    context: int
    # Width of the image encoder's output that it reads.
    feature_width: int
    kind: str = KIND

    @property
    def size_bytes(self) -> int:
        """What its weights take."""
        return size_of(self.modules())

    def modules(self) -> list[nn.Module]:
        """The projection, and keys and values of every cross attention."""
        return [self.projection, self.pairs]

    @torch.no_grad()
    def project(self, features: ImageFeatures) -> Tensor:
        """What stands beside the prompt, (N, tokens, context)."""
        given = features.hidden if self.reads_hidden else features.embeds
        weight = next(self.projection.parameters())
        return self.projection(given.to(weight.device, weight.dtype))


@dataclass(slots=True)
class PictureAttention:
    """An IP-Adapter at work in one pass: what it adds to every cross attention.

    `prompts` and `negatives` (B or 1, tokens, context) are the picture's tokens for rows of prompts and of
    negative prompts. `mask` (1, 1, H, W) is where it acts. `weight` 0: nowhere, and nothing is computed.
    """

    adapter: IPAdapter
    rows: Rows
    prompts: Tensor
    negatives: Tensor
    weight: float = 0.0
    mask: Tensor | None = None

    def listen(self, network: nn.Module, stack: ExitStack) -> None:
        """Add hooks to a network. Raises UnusableFile if it is another's."""
        blocks = attention_blocks(network)
        if len(blocks) != len(self.adapter.pairs):
            raise UnusableFile(
                f"{self.adapter.name} is made for networks with {len(self.adapter.pairs)} cross attentions, "
                f"this one has {len(blocks)}. Choose an IP-Adapter for this checkpoint."
            )
        for (_, block), pair in zip(blocks, self.adapter.pairs, strict=True):
            assert isinstance(pair, Pair), "made by load_ip_adapter"
            self._listen_at(block.get_submodule("attn2"), pair, stack)

    def _listen_at(self, attention: nn.Module, pair: Pair, stack: ExitStack) -> None:
        """Note the queries, and add what they find in the picture before the attention's output layer."""
        queries: list[Tensor] = []

        def note(module: nn.Module, args: object, output: Tensor) -> None:
            queries[:] = [output] if self.weight and self.rows.places else []

        def add(module: nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
            if not queries:
                return None
            query = queries.pop()
            heads = int(getattr(attention, "heads"))  # noqa: B009 - a number, not a module
            return (given[0] + self._attend(query, pair, heads) * self.weight, *given[1:])

        stack.callback(attention.get_submodule("to_q").register_forward_hook(note).remove)
        stack.callback(attention.get_submodule("to_out.0").register_forward_pre_hook(add).remove)

    def _attend(self, query: Tensor, pair: Pair, heads: int) -> Tensor:
        """Queries (N, T, D) to what they find in each row's picture, (N, T, D)."""
        weight = pair.to_k_ip.weight
        tokens = self._tokens().to(weight.device, weight.dtype)
        split = partial(split_heads, heads=heads)
        key, value = (split(layer(tokens).to(query)) for layer in (pair.to_k_ip, pair.to_v_ip))
        found = functional.scaled_dot_product_attention(split(query), key, value)
        found = found.transpose(1, 2).flatten(2).to(query.dtype)
        return found if self.mask is None else found * self._mask_of(query)

    def _tokens(self) -> Tensor:
        """Of each row of the call, (N, tokens, context)."""
        rows = zip(self.rows.images, self.rows.are_prompts, strict=True)
        chosen = [(image, self.prompts if is_prompt else self.negatives) for image, is_prompt in rows]
        return torch.stack([tokens[image % len(tokens)] for image, tokens in chosen])

    def _mask_of(self, query: Tensor) -> Tensor:
        """The mask (1, T, 1) at the size of an attention's picture."""
        assert self.mask is not None, "there is a mask"
        size = grid_of(query.shape[1], self.rows.size)
        small = functional.interpolate(self.mask, size, mode="area")
        return small.flatten()[None, :, None].to(query)


def split_heads(tokens: Tensor, heads: int) -> Tensor:
    """(N, T, D) to (N, heads, T, D / heads)."""
    return tokens.unflatten(-1, (heads, -1)).transpose(1, 2)


def grid_of(tokens: int, size: tuple[int, int]) -> tuple[int, int]:
    """Height and width of the picture that so many tokens are, of a latent of a size halved some times."""
    height, width = size
    while height * width > tokens and (height > 1 or width > 1):
        height, width = -(-height // 2), -(-width // 2)
    # Merged tokens are no picture any more; a row of them is as good as any.
    return (height, width) if height * width == tokens else (1, tokens)


def is_grid(tokens: int, size: tuple[int, int]) -> bool:
    """Whether so many tokens are the picture of a level, of a latent of a size."""
    height, width = size
    while height * width > tokens and (height > 1 or width > 1):
        height, width = -(-height // 2), -(-width // 2)
    return height * width == tokens


def load_ip_adapter(
    tensors: Mapping[str, Tensor], *, name: str, family: str, dtype: torch.dtype = torch.float32
) -> IPAdapter:
    """An IP-Adapter of a file's tensors, on the CPU.

    `name` is the file's, for sentences; `family` what the catalog recognised. Raises UnusableFile.
    """
    image = _below(tensors, PROJECTION)
    layers = _below(tensors, LAYERS)
    if not image or not layers:
        raise UnusableFile(f"{name} is incomplete: it lacks the projection or the layers. Download it again.")
    pairs = _load_pairs(layers, name, dtype)
    context = pairs[0].get_parameter("to_k_ip.weight").shape[1]
    projection, reads_hidden, width = _load_projection(image, name, dtype)
    return IPAdapter(name, family, projection, pairs, reads_hidden, context, width)


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}


def _load_pairs(layers: Mapping[str, Tensor], name: str, dtype: torch.dtype) -> nn.ModuleList:
    """Keys and values in the order of the network's cross attentions; they are numbered by odd numbers."""
    numbers = sorted({int(key.partition(".")[0]) for key in layers if re.match(r"\d+\.to_[kv]_ip\.", key)})
    if not numbers or any("_lora." in key for key in layers):
        raise UnusableFile(
            f"{name} reads faces by a network that is not used here (FaceID). Use an IP-Adapter plus face."
        )
    pairs = nn.ModuleList()
    for number in numbers:
        shape = layers[f"{number}.to_k_ip.weight"].shape
        pair = build_empty(partial(Pair, shape[1], shape[0]), name)
        fill(pair, _below(layers, f"{number}."), name, dtype)
        pairs.append(pair)
    return pairs


def _load_projection(
    image: Mapping[str, Tensor], name: str, dtype: torch.dtype
) -> tuple[nn.Module, bool, int]:
    """The projection, whether it reads the hidden layer, and how wide what it reads is."""
    shapes = shapes_of(image)
    if "proj.weight" in image:
        tokens_wide, width = shapes["proj.weight"]
        context = shapes["norm.weight"][0]
        module = build_empty(lambda: ImageProjection(width, context, tokens_wide // context), name)
        fill(module, {key.replace("proj.", "image_embeds."): t for key, t in image.items()}, name, dtype)
        return module, False, width
    if "proj.3.weight" in image:
        width, context = shapes["proj.0.weight"][1], shapes["proj.3.weight"][0]
        module = build_empty(lambda: IPAdapterFullImageProjection(width, context), name)
        fill(module, _rename_full(image), name, dtype)
        return module, True, width
    if "latents" in image and "proj_in.weight" in image:
        module = build_empty(lambda: _resampler(shapes), name)
        fill(module, _rename_resampler(image), name, dtype)
        return module, True, shapes["proj_in.weight"][1]
    raise UnusableFile(
        f"{name} reads faces by a network that is not used here (FaceID). Use an IP-Adapter plus face."
    )


def _resampler(shapes: Shapes) -> nn.Module:
    """The projection of the plus kind, by shapes."""
    hidden = shapes["latents"][2]
    return IPAdapterPlusImageProjection(
        embed_dims=shapes["proj_in.weight"][1],
        output_dims=shapes["proj_out.weight"][0],
        hidden_dims=hidden,
        depth=count(shapes, r"layers\.(\d+)\."),
        dim_head=HEAD_SIZE,
        heads=shapes["layers.0.0.to_q.weight"][0] // HEAD_SIZE,
        num_queries=shapes["latents"][1],
        ffn_ratio=shapes["layers.0.1.1.weight"][0] / hidden,
    )


def _rename_full(image: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """diffusers' names for the full kind's projection."""
    found: dict[str, Tensor] = {}
    for key, tensor in image.items():
        beginning = next(((old, new) for old, new in FULL_NAMES if key.startswith(old)), ("", ""))
        found[beginning[1] + key.removeprefix(beginning[0])] = tensor
    return found


def _rename_resampler(image: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """diffusers' names for the plus kind's projection, where keys and values lie apart."""
    found: dict[str, Tensor] = {}
    for key, tensor in image.items():
        renamed = next((re.sub(old, new, key) for old, new in RESAMPLER_NAMES if re.match(old, key)), key)
        if ".to_kv." in renamed:
            names = [renamed.replace("to_kv", name) for name in ("to_k", "to_v")]
            found.update(zip(names, tensor.chunk(2), strict=True))
        else:
            found[renamed] = tensor
    return found
