"""Runs with ControlNet on the golden checkpoints, and networks for those."""

import io
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import ControlNetModel
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn

from extensions.controlnet import plugin as controlnet_plugin
from extensions.controlnet.units import ControlNetPart
from tests.extensions.controlnet.control_files import randomize
from tests.pipelines.runs import request_of
from webui.core.events import ImageReady
from webui.core.request import GenerationRequest
from webui.pipelines.generate.generate import generate
from webui.plugins import Batch, Context, Denoising, hookimpl, specs
from webui.plugins.host import Plugins

# As the golden checkpoints, whose contexts are narrow.
TINY_SD15: dict[str, Any] = {
    "block_out_channels": (32, 64, 64, 64),
    "layers_per_block": 2,
    "attention_head_dim": 8,
    "cross_attention_dim": 64,
    "conditioning_embedding_out_channels": (8, 16, 32, 48),
}
TINY_SDXL: dict[str, Any] = {
    "block_out_channels": (32, 64, 128),
    "layers_per_block": 2,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "transformer_layers_per_block": (1, 1, 2),
    # One head for each 64 channels, as the loader finds it.
    "attention_head_dim": (1, 1, 2),
    "cross_attention_dim": 160,
    "use_linear_projection": True,
    "class_embed_type": "projection",
    "projection_class_embeddings_input_dim": 288,
    "conditioning_embedding_out_channels": (8, 16, 32, 48),
}


def make_tiny_controlnet(configuration: dict[str, Any], seed: int = 0) -> ControlNetModel:
    """A ControlNet that fits a golden checkpoint."""
    network = randomize(ControlNetModel(**configuration), seed)
    assert isinstance(network, ControlNetModel)
    return network


def save(tensors: dict[str, Tensor], path: Path) -> None:
    """A file in the folder of control networks."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.contiguous().clone() for name, tensor in tensors.items()}, path)


def picture(seed: int = 0, size: tuple[int, int] = (64, 64)) -> Image.Image:
    """Random colours."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    return Image.fromarray(pixels)


def keep(image: Image.Image, context: Context) -> str:
    """The reference of a picture."""
    buffer = io.BytesIO()
    image.save(buffer, "png")
    return context.inputs.add(buffer.getvalue())


def hint_of(image: Image.Image) -> Tensor:
    """(1, 3, H, W), 0…1."""
    return torch.from_numpy(np.array(image, np.float32) / 255).permute(2, 0, 1)[None]


def with_units(*units: dict[str, Any], **changes: object) -> GenerationRequest:
    """A request with these units."""
    return ControlNetPart.read({"units": list(units)}).put_into(request_of(**changes))


@dataclass
class Watcher:
    """A plugin that keeps the finished latents, and may look at a pass or change it."""

    look: Callable[[Denoising, Batch], None] = lambda denoising, batch: None
    latents: list[Tensor] = field(default_factory=list)

    @hookimpl(trylast=True)
    def prepare_denoising(self, denoising: Denoising, batch: Batch) -> None:
        self.look(denoising, batch)

    @hookimpl
    def change_latent(self, latent: Tensor) -> None:
        self.latents.append(latent.clone())


@dataclass
class Made:
    """What came of a run."""

    latent: Tensor
    pictures: list[ImageReady]
    told: list[str]


def make(
    request: GenerationRequest,
    context: Context,
    look: Callable[[Denoising, Batch], None] = lambda denoising, batch: None,
    *,
    with_controlnet: bool = True,
) -> Made:
    """Run a request with the extension."""
    plugins = Plugins(specs)
    if with_controlnet:
        plugins.register(controlnet_plugin, "controlnet")
    plugins.parts[ControlNetPart.key] = ControlNetPart
    watcher = Watcher(look)
    plugins.register(watcher, "watcher")
    told: list[str] = []
    run = replace(context, plugins=plugins, emit=lambda event: told.append(getattr(event, "text", "")))
    pictures = [event for event in generate(request, run) if isinstance(event, ImageReady)]
    assert not any("failed in" in text for text in told), told
    return Made(watcher.latents[-1], pictures, told)


class Standing(nn.Module):
    """In place of a pass's network: calls a function of the test's own."""

    def __init__(self, network: nn.Module, call: Callable[..., Tensor]) -> None:
        super().__init__()
        # Not a submodule: what is attached to this is not attached to that.
        self.__dict__["network"], self.__dict__["call"] = network, call

    def forward(self, *args: Tensor, **kwargs: Any) -> Tensor:
        return self.__dict__["call"](self.__dict__["network"], *args, **kwargs)


def replace_network(call: Callable[..., Tensor]) -> Callable[[Denoising, Batch], None]:
    """What lets a function of the test's own stand in for the U-Net."""

    def look(denoising: Denoising, batch: Batch) -> None:
        denoising.network = Standing(denoising.network, call)

    return look


def largest_difference(first: Tensor, second: Tensor) -> float:
    """Between two latents, whose numbers may be large, as a share of the largest."""
    scale = max(1.0, float(second.abs().max()))
    return float((first - second).abs().max()) / scale
