"""ControlNet-LLLite (kohya 2023): small networks that change what attention reads by what a picture shows.

For SDXL as its author made them, and for SD1 in the same layout. Each module looks at the hint by itself.
"""

import re
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional

from extensions.controlnet.networks.controlnet import PIXELS, fit_hint
from extensions.controlnet.networks.ip_adapter import grid_of, is_grid
from extensions.controlnet.networks.loading import UnusableFile, build_empty, fill, size_of
from extensions.controlnet.rows import Rows, inner_network

KIND = "controlnet-lllite"
PREFIX = "lllite_unet_"
IMAGE_AXES = 4


class LLLiteModule(nn.Module):
    """What is added to the input of one layer."""

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        """By the shapes of its tensors."""
        super().__init__()
        numbers = sorted(
            int(match[1]) for key in tensors if (match := re.match(r"conditioning1\.(\d+)\.weight", key))
        )
        layers: dict[str, nn.Module] = {}
        for number in numbers:
            out, within, side, _ = tensors[f"conditioning1.{number}.weight"].shape
            # Every convolution looks at squares that do not overlap.
            layers[str(number)] = nn.Conv2d(within, out, side, stride=side)
        self.conditioning1 = nn.ModuleDict(layers)
        self.down = nn.Sequential(_layer(tensors["down.0.weight"]), nn.ReLU())
        self.mid = nn.Sequential(_layer(tensors["mid.0.weight"]), nn.ReLU())
        self.up = nn.Sequential(_layer(tensors["up.0.weight"]))

    def look(self, hint: Tensor) -> Tensor:
        """A hint (N, 3, H, W) in -1…1 to what is known of each place, (N, C, h, w)."""
        seen = hint
        for place, layer in enumerate(self.conditioning1.values()):
            seen = layer(functional.relu(seen) if place else seen)
        return seen

    def change(self, given: Tensor, seen: Tensor) -> Tensor:
        """What is added to a layer's input, of the same shape."""
        axis = 1 if given.ndim == IMAGE_AXES else 2
        return self.up(self.mid(torch.cat([seen, self.down(given)], dim=axis)))


def _layer(weight: Tensor) -> nn.Module:
    if weight.ndim == IMAGE_AXES:
        return nn.Conv2d(weight.shape[1], weight.shape[0], weight.shape[2], padding=weight.shape[2] // 2)
    return nn.Linear(weight.shape[1], weight.shape[0])


@dataclass(slots=True)
class LLLite:
    """A ControlNet-LLLite, ready to be attached: its modules by the names of the layers that they change."""

    name: str
    family: str
    layers: Mapping[str, LLLiteModule]
    kind: str = KIND

    @property
    def size_bytes(self) -> int:
        """What its weights take."""
        return size_of(self.modules())

    def modules(self) -> list[nn.Module]:
        """One for each layer that is changed."""
        return list(self.layers.values())


@dataclass(slots=True)
class LLLiteAttachment:
    """A LLLite at work in one pass. `hints` (B or 1, 3, H, W) are 0…1.

    `weight` 0: nothing is computed. `prompts_only`: rows of negative prompts stay as they are. `mask`
    (1, 1, H, W) is where it acts.
    """

    network: LLLite
    rows: Rows
    hints: Tensor
    weight: float = 0.0
    prompts_only: bool = False
    mask: Tensor | None = None
    _seen: dict[str, Tensor] = field(default_factory=dict[str, Tensor])

    def listen(self, network: nn.Module, stack: ExitStack) -> None:
        """Add hooks to the layers. Raises UnusableFile where there is none of a name."""
        found = find_layers(network)
        missing = [name for name in self.network.layers if name not in found]
        if missing:
            raise UnusableFile(
                f"{self.network.name} is made for another network: this one has no {missing[0]}. "
                "Choose a ControlNet-LLLite for this checkpoint."
            )
        for name, module in self.network.layers.items():
            self._listen_at(found[name], name, module, stack)

    def _listen_at(self, layer: nn.Module, name: str, module: LLLiteModule, stack: ExitStack) -> None:
        def change(_: nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
            if not self.weight or not self.rows.places:
                return None
            return (given[0] + self._change_picture(given[0], name, module), *given[1:])

        stack.callback(layer.register_forward_pre_hook(change).remove)

    def _change_picture(self, given: Tensor, name: str, module: LLLiteModule) -> Tensor:
        """What is added to a layer's input; nothing to the tokens of a reference behind the picture's own."""
        if given.ndim == IMAGE_AXES or is_grid(given.shape[1], self.rows.size):
            return self._change(given, name, module)
        own = next((n for n in range(given.shape[1] - 1, 0, -1) if is_grid(n, self.rows.size)), 0)
        if not own or given.shape[1] % own:
            # Merged tokens are no picture any more.
            return torch.zeros_like(given)
        change = self._change(given[:, :own], name, module)
        return functional.pad(change, (0, 0, 0, given.shape[1] - own))

    def _change(self, given: Tensor, name: str, module: LLLiteModule) -> Tensor:
        weight = module.get_parameter("up.0.weight")
        size = (
            tuple(given.shape[-2:]) if given.ndim == IMAGE_AXES else grid_of(given.shape[1], self.rows.size)
        )
        seen = self._look(name, module, (size[0], size[1]))
        seen = seen[[image % len(seen) for image in self.rows.images]]
        if given.ndim != IMAGE_AXES:
            seen = seen.flatten(2).transpose(1, 2)
        change = module.change(given.to(weight), seen).to(given) * self.weight
        if self.prompts_only:
            keep = torch.tensor(self.rows.are_prompts).to(change)
            change = change * keep.view(-1, *[1] * (change.ndim - 1))
        return change if self.mask is None else change * self._mask_of(change, (size[0], size[1]))

    def _look(self, name: str, module: LLLiteModule, size: tuple[int, int]) -> Tensor:
        """What a module sees in the hints; once for each pass."""
        weight = module.get_parameter("up.0.weight")
        known = self._seen.get(name)
        if known is not None and known.device == weight.device and known.dtype == weight.dtype:
            return known
        height, width = (side * PIXELS for side in self.rows.size)
        hints = fit_hint(self.hints.clamp(min=0), (height, width)) * 2 - 1
        seen = module.look(hints.to(weight))
        if tuple(seen.shape[-2:]) != size:
            # Where a side does not halve evenly the network's picture is one place larger.
            seen = functional.interpolate(seen, size, mode="nearest-exact")
        self._seen[name] = seen
        return seen

    def _mask_of(self, change: Tensor, size: tuple[int, int]) -> Tensor:
        assert self.mask is not None, "there is a mask"
        small = functional.interpolate(self.mask, size, mode="area").to(change)
        return small if change.ndim == IMAGE_AXES else small.flatten(2).transpose(1, 2)


def find_layers(network: nn.Module) -> dict[str, nn.Module]:
    """Layers of a U-Net by the names that LLLite files have for them: the original code's, and diffusers'."""
    original: Mapping[str, str] = getattr(network, "original_names", {})
    found: dict[str, nn.Module] = {}
    for name, module in inner_network(network).named_modules():
        found[name.replace(".", "_")] = module
        if name in original:
            plain = original[name].removeprefix("model.diffusion_model.").removeprefix("diffusion_model.")
            found[plain.replace(".", "_")] = module
    return found


def load_lllite(
    tensors: Mapping[str, Tensor], *, name: str, family: str, dtype: torch.dtype = torch.float32
) -> LLLite:
    """A ControlNet-LLLite of a file's tensors, on the CPU.

    `name` is the file's, for sentences; `family` what the catalog recognised. Raises UnusableFile.
    """
    by_layer: dict[str, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        layer, dot, inner = key.partition(".")
        if dot and layer.startswith(PREFIX):
            by_layer.setdefault(layer.removeprefix(PREFIX), {})[inner] = tensor
    if not by_layer:
        raise UnusableFile(f"{name} has none of the layers of a ControlNet-LLLite. Download it again.")
    layers: dict[str, LLLiteModule] = {}
    for layer, own in by_layer.items():
        module = build_empty(lambda own=own: LLLiteModule(own), name)
        assert isinstance(module, LLLiteModule)
        fill(module, own, name, dtype)
        layers[layer] = module
    return LLLite(name, family, layers)
