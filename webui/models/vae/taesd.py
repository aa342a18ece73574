"""TAESD (Ollin Boer Bohan 2023): tiny autoencoders that decode and encode in a fraction of the time.

The networks are diffusers'; here are the names that files have, and which file is for which checkpoint.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import torch
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
from diffusers.models.autoencoders.vae import DecoderTiny, EncoderTiny
from torch import Tensor, nn

from webui.core.errors import UnusableFile
from webui.core.model_file import Family, ModelFile, ModelKind
from webui.library.catalog.catalog import Catalog
from webui.models.files.tensors import open_tensors
from webui.models.module_weights import weight_bytes
from webui.models.network_holder import Loading, NetworkLeases

DECODERS = ("decoder.layers.", "taesd_decoder.", "decoder.", "")
ENCODERS = ("encoder.layers.", "taesd_encoder.", "encoder.", "")
PICTURE_CHANNELS = 3
_LAYER = re.compile(r"(\d+)\.(.+)")
SDXL_NAME = "xl"
AnyModule = TypeVar("AnyModule", bound=nn.Module)


@dataclass(frozen=True, slots=True, eq=False)
class TinyVae:
    """A tiny decoder and encoder, each None where no file has it."""

    decoder: DecoderTiny | None = None
    encoder: EncoderTiny | None = None

    @property
    def size_bytes(self) -> int:
        """Memory that its weights take."""
        return weight_bytes(self.modules())

    def modules(self) -> list[nn.Module]:
        """Everything that holds weights."""
        return [part for part in (self.decoder, self.encoder) if part is not None]

    def decode(self, latent: Tensor) -> Tensor:
        """Latent (B, C, h, w) as samplers leave it to images (B, 3, H, W) in [0, 1], float32, on the CPU."""
        assert self.decoder is not None, "there is a decoder"
        device = next(self.decoder.parameters()).device
        return ((self.decoder(latent.to(device, torch.float32)) + 1) / 2).clamp(0, 1).cpu()

    def encode(self, images: Tensor) -> Tensor:
        """Images (B, 3, H, W) in [0, 1] to latents (B, C, h, w) float32, as samplers take them."""
        assert self.encoder is not None, "there is an encoder"
        device = next(self.encoder.parameters()).device
        return self.encoder(images.to(device, torch.float32) * 2 - 1)


class TinyVaes:
    """Finds and reads tiny autoencoders. Belongs to the device thread."""

    def __init__(self, catalog: Catalog, device: torch.device) -> None:
        """Looks at the catalog when one is asked for."""
        self._catalog, self._device = catalog, device

    def for_family(self, family: Family, leases: NetworkLeases) -> TinyVae:
        """The tiny autoencoder for the latents of a kind of checkpoint: by its file's name, as in A1111."""
        is_xl = family in {Family.SDXL, Family.SDXL_REFINER}
        files = [
            file
            for file in self._catalog.files(ModelKind.TAESD)
            if (SDXL_NAME in file.path.name.lower()) == is_xl
        ]
        found = [self._tiny(file, leases) for file in files]
        return TinyVae(
            next((each.decoder for each in found if each.decoder is not None), None),
            next((each.encoder for each in found if each.encoder is not None), None),
        )

    def _tiny(self, file: ModelFile, leases: NetworkLeases) -> TinyVae:
        return leases.take(
            ("tiny VAE", file.path, file.size, file.mtime_ns),
            lambda _: read_tiny(open_tensors(file.path), file.name, self._device),
            Loading(file.name, file.size),
        )


def read_tiny(tensors: Mapping[str, Tensor], name: str, device: torch.device) -> TinyVae:
    """What a file holds: decoder, encoder or both. Raises UnusableFile."""
    decoder, encoder = layers_behind(tensors, DECODERS), layers_behind(tensors, ENCODERS)
    has_decoder = bool(decoder) and not takes_pictures(decoder)
    has_encoder = bool(encoder) and takes_pictures(encoder)
    if not has_decoder and not has_encoder:
        raise UnusableFile(f"{name} is no tiny autoencoder. Choose another or the full VAE.")
    with torch.device("meta"):
        empty = AutoencoderTiny(latent_channels=latent_channels(decoder if has_decoder else encoder))
    return TinyVae(
        fill_tiny(empty.decoder, decoder, name, device) if has_decoder else None,
        fill_tiny(empty.encoder, encoder, name, device) if has_encoder else None,
    )


# By number, each layer's tensors by their names inside it.
TinyLayers = Mapping[int, Mapping[str, Tensor]]


def layers_behind(tensors: Mapping[str, Tensor], prefixes: tuple[str, ...]) -> TinyLayers:
    """The layers behind the first prefix that has any, in order, counted from 0.

    The author's decoders begin with a layer that has no weights, which diffusers does not count.
    """
    for prefix in prefixes:
        layers: dict[int, dict[str, Tensor]] = {}
        for key, tensor in tensors.items():
            found = _LAYER.fullmatch(key.removeprefix(prefix)) if key.startswith(prefix) else None
            if found:
                layers.setdefault(int(found[1]), {})[found[2]] = tensor
        if layers:
            first = min(layers)
            return {number - first: layers[number] for number in sorted(layers)}
    return {}


def takes_pictures(layers: TinyLayers) -> bool:
    """Whether it is an encoder: its first convolution reads colours."""
    return "weight" in layers[0] and layers[0]["weight"].shape[1] == PICTURE_CHANNELS


def latent_channels(layers: TinyLayers) -> int:
    """Channels of the latents: what a decoder's first convolution reads, or an encoder's last gives."""
    if not takes_pictures(layers):
        return layers[0]["weight"].shape[1] if "weight" in layers[0] else 0
    last = layers[max(layers)]
    return last["weight"].shape[0] if "weight" in last else 0


def fill_tiny(module: AnyModule, layers: TinyLayers, name: str, device: torch.device) -> AnyModule:
    """A decoder or encoder with its weights, in 32 bits. Raises UnusableFile."""
    tensors = {
        f"layers.{number}.{inner}": tensor.to(device, torch.float32)
        for number, inside in layers.items()
        for inner, tensor in inside.items()
    }
    try:
        module.load_state_dict(tensors, assign=True)
    except RuntimeError as error:
        raise UnusableFile(f"{name} is no tiny autoencoder of a known size. Choose another.") from error
    return module.requires_grad_(False).eval()
