"""T2I-Adapters (Mou et al. 2023): features of a picture, added inside the U-Net's encoder.

The full and the light kind (colour), for SD1 and SDXL, in the names of their authors and of diffusers.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from diffusers.models.adapter import T2IAdapter
from torch import Tensor, nn
from torch.nn import functional

from extensions.controlnet.networks.base import ControlCall, Residuals
from extensions.controlnet.networks.controlnet import PIXELS, fit_hint
from extensions.controlnet.networks.loading import (
    Shapes,
    build_empty,
    count,
    fill,
    size_of,
)
from webui.plugins import UnusableFile, shapes_of

KIND = "t2i-adapter"
PREFIX = "adapter."
# Numbers that one place of the folded picture has, with the picture's channels and the folding.
FOLDED = {64: (1, 8), 192: (3, 8), 256: (1, 16), 768: (3, 16)}
# With this folding features begin at half the latent's size, as SDXL's first level leaves it.
HALF = 16


def to_diffusers_names(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """An adapter's tensors, in either layout, under diffusers' names. `name` is the file's."""
    plain = {key.removeprefix(PREFIX): tensor for key, tensor in tensors.items()}
    if any(".resnets." in key for key in plain):
        return {PREFIX + key: tensor for key, tensor in plain.items()}
    if any(re.match(r"body\.\d+\.body\.", key) for key in plain):
        # The light kind keeps its levels apart in both layouts.
        return {PREFIX + re.sub(r"^(body\.\d+)\.body\.", r"\1.resnets.", key): t for key, t in plain.items()}
    return dict(_name_full(plain, name))


def _name_full(tensors: Mapping[str, Tensor], name: str) -> Iterator[tuple[str, Tensor]]:
    """The authors' full kind has the blocks of all levels in one row."""
    per_level = _blocks_per_level(tensors, name)
    for key, tensor in tensors.items():
        match = re.match(r"body\.(\d+)\.(.*)", key)
        if match is None:
            yield PREFIX + key, tensor
            continue
        level, block = divmod(int(match[1]), per_level)
        # What fits a level's width to the next belongs to the level, all else to its block.
        inner = match[2] if match[2].startswith("in_conv.") else f"resnets.{block}.{match[2]}"
        yield f"{PREFIX}body.{level}.{inner}", tensor


def _blocks_per_level(tensors: Mapping[str, Tensor], name: str) -> int:
    """The first change of width begins the second level."""
    wider = [int(match[1]) for key in tensors if (match := re.match(r"body\.(\d+)\.in_conv\.weight", key))]
    blocks = count(tensors, r"body\.(\d+)\.")
    per_level = min(wider, default=0)
    if not per_level or blocks % per_level:
        raise UnusableFile(f"{name} has an unknown architecture. It cannot be used here.")
    return per_level


def configuration(shapes: Shapes, name: str) -> dict[str, Any]:
    """Arguments of diffusers' T2IAdapter by shapes under diffusers' names. Raises UnusableFile."""
    levels = count(shapes, r"adapter\.body\.(\d+)\.")
    is_light = "adapter.body.0.out_conv.weight" in shapes
    try:
        if is_light:
            folded = shapes["adapter.body.0.in_conv.weight"][1]
            channels = [shapes[f"adapter.body.{level}.out_conv.weight"][0] for level in range(levels)]
        else:
            folded = shapes["adapter.conv_in.weight"][1]
            channels = [shapes[f"adapter.body.{level}.resnets.0.block1.weight"][0] for level in range(levels)]
        in_channels, folding = FOLDED[folded]
    except (KeyError, IndexError) as error:
        raise UnusableFile(
            f"{name} has an unknown architecture ({error} is not known). It cannot be used here."
        ) from error
    full = "full_adapter_xl" if folding == HALF else "full_adapter"
    return {
        "in_channels": in_channels,
        # diffusers' light kind repeats the last width by itself.
        "channels": channels[:-1] if is_light else channels,
        "num_res_blocks": count(shapes, r"adapter\.body\.0\.resnets\.(\d+)\."),
        "downscale_factor": folding,
        "adapter_type": "light_adapter" if is_light else full,
    }


@dataclass(slots=True)
class LoadedT2IAdapter:
    """A T2I-Adapter, ready to be evaluated; a `ControlNetwork`.

    Its features depend on the hint alone, so they are computed once for each hint. `channels` are those of
    the U-Net's levels that it fits.
    """

    name: str
    family: str
    network: T2IAdapter
    in_channels: int
    folding: int
    channels: tuple[int, ...]
    kind: str = KIND
    _computed: tuple[Tensor, tuple[int, ...], tuple[Tensor, ...]] | None = field(default=None, repr=False)

    @property
    def size_bytes(self) -> int:
        """What its weights take."""
        return size_of([self.network])

    def modules(self) -> list[nn.Module]:
        """The one network."""
        return [self.network]

    def evaluate(self, call: ControlCall) -> Residuals:
        """Features for the levels of the encoder; the same at every step."""
        size = tuple(call.latent.shape[-2:])
        weight = next(self.network.parameters())
        kept = self._computed
        if (
            kept is None
            or kept[0] is not call.hint
            or kept[1] != size
            or (kept[2][0].device, kept[2][0].dtype) != (weight.device, weight.dtype)
        ):
            features = tuple(self.network(self._fold_ready(call.hint, size, weight)))
            self._computed = kept = (call.hint, size, features)
        rows = len(call.latent)
        return Residuals(intrablock=tuple(each.expand(rows, -1, -1, -1) for each in kept[2]))

    def forget(self) -> None:
        """Let go of the last hint and its features."""
        self._computed = None

    def _fold_ready(self, hint: Tensor, size: tuple[int, ...], weight: Tensor) -> Tensor:
        """The hint at the latent's size in pixels, with the network's channels, its sides lengthened so that
        it can be folded.
        """
        hint = fit_hint(hint.clamp(min=0), (size[0] * PIXELS, size[1] * PIXELS))
        if self.in_channels == 1:
            hint = hint.mean(1, keepdim=True)
        bottom, right = (-side % self.folding for side in hint.shape[-2:])
        hint = hint.to(weight.device, weight.dtype)
        return functional.pad(hint, (0, right, 0, bottom), mode="replicate") if bottom or right else hint


def load_t2i_adapter(
    tensors: Mapping[str, Tensor], *, name: str, family: str, dtype: torch.dtype = torch.float32
) -> LoadedT2IAdapter:
    """A T2I-Adapter of a file's tensors, in whichever layout, on the CPU.

    `name` is the file's, for sentences; `family` what the catalog recognised. Raises UnusableFile.
    """
    tensors = to_diffusers_names(tensors, name)
    shapes = shapes_of(tensors)
    arguments = configuration(shapes, name)
    network = build_empty(lambda: T2IAdapter(**arguments), name)
    assert isinstance(network, T2IAdapter)
    fill(network, tensors, name, dtype)
    channels = [*arguments["channels"]]
    if arguments["adapter_type"] == "light_adapter":
        channels.append(channels[-1])
    return LoadedT2IAdapter(
        name, family, network, arguments["in_channels"], arguments["downscale_factor"], tuple(channels)
    )
