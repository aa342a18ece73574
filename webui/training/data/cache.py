"""Latents on disk, so that each picture is encoded once, whatever runs come."""

import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from webui.core.errors import StorageError
from webui.models.vae.vae import Vae
from webui.store.files.atomic import write_atomically
from webui.store.files.regular_files import read_regular
from webui.training.data.buckets import Size

logger = logging.getLogger(__name__)
Encode = Callable[[Tensor], Tensor]
MAX_LATENT_BYTES = 256 * 2**20
# Side of the picture by which encoders are told apart, in pixels, and how finely their answers are compared:
# finer than encoders differ, coarser than one differs between two machines.
PROBE_SIDE, PROBE_STEP = 64, 0.02


@dataclass(frozen=True, slots=True, eq=False)
class PreparedPicture:
    """A picture's latent (C, h, w), where it was cut, and what of it counts: (1, h, w) in 0 to 1, or None."""

    latent: Tensor
    offset: Size
    mask: Tensor | None = None


def sample_posterior(vae: Vae) -> Encode:
    """An encoder that draws from the VAE's posterior, as kohya does, always the same for the same pixels.

    The noise is seeded by the picture itself, so that what is cached fits every run.
    """

    def encode(image: Tensor) -> Tensor:
        seed = int.from_bytes(hashlib.sha256(image.contiguous().numpy().tobytes()).digest()[:8])
        sides = (side // vae.latent_pixels for side in image.shape[-2:])
        generator = torch.Generator().manual_seed(seed % 2**63)
        noise = torch.randn(len(image), vae.latent_format.channels, *sides, generator=generator)
        return vae.encode(image, noise)

    return encode


def take_mean(vae: Vae) -> Encode:
    """An encoder that gives the posterior's mean."""
    return vae.encode


def sample_anew(vae: Vae, image: Tensor, showing: str) -> Tensor:
    """A draw from the VAE's posterior for one showing of a picture, always the same for the same showing."""
    digest = hashlib.sha256(showing.encode() + image.contiguous().numpy().tobytes()).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest[:8]) % 2**63)
    sides = (side // vae.latent_pixels for side in image.shape[-2:])
    return vae.encode(image, torch.randn(len(image), vae.latent_format.channels, *sides, generator=generator))


class LatentCache:
    """A folder of safetensors. What cannot be read is made again; a full disk ends only the caching."""

    def __init__(self, folder: Path, encode: Encode, tell: Callable[[str], None]) -> None:
        """Makes the folder with the first file. `encode` also tells which encoder made what is there."""
        self._folder = folder
        self._encode = encode
        self._tell = tell
        self._is_writable = True

    @cached_property
    def _encoder(self) -> str:
        """What the encoder answers to a picture of many colours, as a name."""
        ramp = torch.linspace(0, 1, PROBE_SIDE)
        rows, columns = torch.meshgrid(ramp, ramp, indexing="ij")
        latent = self._encode(torch.stack([rows, columns, (rows * 9).sin().abs()])[None])
        rounded = (latent.float().cpu() / PROBE_STEP).round().to(torch.int32)
        return hashlib.sha256(rounded.numpy().tobytes()).hexdigest()

    def get_or_make(self, key: object, make: Callable[[], PreparedPicture]) -> PreparedPicture:
        """What was kept under a key, else what `make` gives. The key is anything that JSON can hold."""
        name = hashlib.sha256(json.dumps([self._encoder, key]).encode()).hexdigest()
        path = self._folder / name[:2] / f"{name}.safetensors"
        found = read(path)
        if found is None:
            found = make()
            self._keep(path, found)
        return found

    def _keep(self, path: Path, prepared: PreparedPicture) -> None:
        if not self._is_writable:
            return
        try:
            write_atomically(path, encode_file(prepared))
        except StorageError as error:
            self._is_writable = False
            self._tell(f"{error} The run goes on without keeping latents, which takes longer.")


def encode_file(prepared: PreparedPicture) -> bytes:
    """As a file."""
    tensors = {"latent": prepared.latent.contiguous(), "offset": torch.tensor(prepared.offset)}
    if prepared.mask is not None:
        tensors["mask"] = prepared.mask.contiguous()
    return save(tensors)


def read(path: Path) -> PreparedPicture | None:
    """What a file holds, None if there is none or it is damaged."""
    try:
        tensors = load(read_regular(path, MAX_LATENT_BYTES))
        latent, (left, top) = tensors["latent"], tensors["offset"].tolist()
        if latent.dtype != torch.float32 or latent.ndim != 3 or not latent.isfinite().all():
            return None
        return PreparedPicture(latent, (int(left), int(top)), tensors.get("mask"))
    except FileNotFoundError:
        return None
    except (OSError, SafetensorError, KeyError, ValueError, TypeError) as error:
        logger.debug("Cannot read %s: %s", path, error)
        return None
