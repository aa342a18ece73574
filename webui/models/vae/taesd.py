"""TAESD (Ollin Boer Bohan 2023): tiny autoencoders that decode and encode in a fraction of the time."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from webui.core.errors import UnusableFile
from webui.core.model_file import Family, ModelFile, ModelKind
from webui.library.catalog.catalog import Catalog
from webui.models.files.tensors import open_tensors

DECODERS = ("decoder.layers.", "taesd_decoder.", "decoder.", "")
ENCODERS = ("encoder.layers.", "taesd_encoder.", "encoder.", "")
PICTURE_CHANNELS = 3
# Latents beyond this are not seen in pictures; the network was trained on values bent to stay below it.
LARGEST_LATENT = 3.0
_LAYER = re.compile(r"(\d+)\.(.+)")
SDXL_NAME = "xl"


class Bent(nn.Module):
    """Bends values so that they stay below the largest latent."""

    def forward(self, latent: Tensor) -> Tensor:
        """Any shape to the same."""
        return torch.tanh(latent / LARGEST_LATENT) * LARGEST_LATENT


class Block(nn.Module):
    """Three convolutions beside the input itself, or beside a convolution of it."""

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        """From a block's tensors: `conv.0.weight`, …, `skip.weight`."""
        super().__init__()
        self.layers = nn.ModuleList(convolution(tensors, f"conv.{number}.") for number in (0, 2, 4))
        self.skip = convolution(tensors, "skip.") if "skip.weight" in tensors else None

    def forward(self, hidden: Tensor) -> Tensor:
        """(B, C, h, w) to (B, C', h, w)."""
        first, second, third = self.layers
        inner = third(functional.relu(second(functional.relu(first(hidden)))))
        return functional.relu(inner + (hidden if self.skip is None else self.skip(hidden)))


@dataclass(frozen=True, slots=True, eq=False)
class TinyVae:
    """A tiny decoder and encoder, each None where no file has it."""

    decoder: nn.Sequential | None = None
    encoder: nn.Sequential | None = None

    def decode(self, latent: Tensor) -> Tensor:
        """Latent (B, C, h, w) as samplers leave it to images (B, 3, H, W) in [0, 1], float32, on the CPU."""
        assert self.decoder is not None, "there is a decoder"
        return self.decoder(latent.float()).clamp(0, 1).cpu()

    def encode(self, images: Tensor, device: torch.device) -> Tensor:
        """Images (B, 3, H, W) in [0, 1] to latents (B, C, h, w) float32, as samplers take them."""
        assert self.encoder is not None, "there is an encoder"
        return self.encoder(images.to(device, torch.float32))


class TinyVaes:
    """Finds and reads tiny autoencoders; those that were used stay, being small."""

    def __init__(self, catalog: Catalog) -> None:
        """Looks at the catalog when one is asked for."""
        self._catalog = catalog
        self._read: dict[object, TinyVae] = {}

    def for_family(self, family: Family, device: torch.device) -> TinyVae:
        """The tiny autoencoder for the latents of a kind of checkpoint: by its file's name, as in A1111."""
        is_xl = family in {Family.SDXL, Family.SDXL_REFINER}
        files = [
            file
            for file in self._catalog.files(ModelKind.TAESD)
            if (SDXL_NAME in file.path.name.lower()) == is_xl
        ]
        found = [self._tiny(file, device) for file in files]
        return TinyVae(
            next((each.decoder for each in found if each.decoder is not None), None),
            next((each.encoder for each in found if each.encoder is not None), None),
        )

    def _tiny(self, file: ModelFile, device: torch.device) -> TinyVae:
        key = (file.path, file.size, file.mtime_ns, device)
        if key not in self._read:
            self._read[key] = read_tiny(open_tensors(file.path), file.name, device)
        return self._read[key]


def read_tiny(tensors: Mapping[str, Tensor], name: str, device: torch.device) -> TinyVae:
    """What a file holds: decoder, encoder or both. Raises UnusableFile."""
    decoder, encoder = part(tensors, DECODERS), part(tensors, ENCODERS)
    made = TinyVae(
        None if decoder is None or takes_pictures(decoder) else chain(decoder, decodes=True).to(device),
        None if encoder is None or not takes_pictures(encoder) else chain(encoder, decodes=False).to(device),
    )
    if made.decoder is None and made.encoder is None:
        raise UnusableFile(f"{name} is no tiny autoencoder. Choose another or the full VAE.")
    return made


Layers = dict[int, dict[str, Tensor]]


def part(tensors: Mapping[str, Tensor], prefixes: tuple[str, ...]) -> Layers | None:
    """The numbered layers behind the first prefix that has any, in order."""
    for prefix in prefixes:
        layers: Layers = {}
        for key, tensor in tensors.items():
            found = _LAYER.fullmatch(key.removeprefix(prefix)) if key.startswith(prefix) else None
            if found:
                layers.setdefault(int(found[1]), {})[found[2]] = tensor
        if layers:
            return {number: layers[number] for number in sorted(layers)}
    return None


def takes_pictures(layers: Layers) -> bool:
    """Whether it is an encoder: its first convolution reads colours."""
    first = next(iter(layers.values()))
    return "weight" in first and first["weight"].shape[1] == PICTURE_CHANNELS


def chain(layers: Layers, *, decodes: bool) -> nn.Sequential:
    """Layers with what has no weights between them: a decoder doubles the size before each convolution
    without bias, an encoder halves it there.
    """
    made: list[nn.Module] = [Bent()] if decodes else []
    for place, tensors in enumerate(layers.values()):
        if "conv.0.weight" in tensors:
            made.append(Block(tensors))
            continue
        resizes = "bias" not in tensors
        if resizes and decodes:
            made.append(nn.Upsample(scale_factor=2))
        made.append(convolution(tensors, "", stride=2 if resizes and not decodes else 1))
        if place == 0 and decodes:
            made.append(nn.ReLU())
    return nn.Sequential(*made).requires_grad_(False).eval()


def convolution(tensors: Mapping[str, Tensor], prefix: str, stride: int = 1) -> nn.Conv2d:
    """A convolution that keeps the size, or halves it with stride 2."""
    weight, bias = tensors[f"{prefix}weight"].float(), tensors.get(f"{prefix}bias")
    outputs, inputs, side, _ = weight.shape
    with torch.device("meta"):
        layer = nn.Conv2d(inputs, outputs, side, stride, side // 2, bias=bias is not None)
    given = {"weight": weight} | ({} if bias is None else {"bias": bias.float()})
    layer.load_state_dict(given, assign=True)
    return layer
