"""A checkpoint in memory, and a checkpoint with its VAE as one job uses them."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, fields
from typing import TypeVar

import torch
from torch import Tensor

from webui.core.errors import InvalidNumbers
from webui.core.model_file import Family, ModelFile
from webui.diffusion.latents import LatentFormat
from webui.diffusion.prediction import PredictionKind
from webui.diffusion.text_encoder import TextEncoder
from webui.models.cpu.packed_layers import keep_unchanged, packed_bytes
from webui.models.cpu.precision import NumberFormats
from webui.models.loras.applied_loras import NetworksInUse
from webui.models.module_weights import weight_bytes
from webui.models.network_holder import NetworkLeases
from webui.models.out_of_memory import LOWER, MemoryLadder, Work
from webui.models.placing import PlaceStrategy, places_for
from webui.models.residency import Part
from webui.models.unet import UNet
from webui.models.vae.taesd import TinyVae
from webui.models.vae.vae import HalfPrecisionFallback, Vae

Result = TypeVar("Result")
NO_PICTURE = (
    "The picture came out as no valid numbers (NaN), so there is nothing to show. Choose another VAE, or the "
    "exact precision (Settings, Precision), or start with --no-half."
)


@dataclass(eq=False, kw_only=True)
class LoadedCheckpoint:
    """A checkpoint in memory, without a VAE. Jobs change nothing in it but through `networks`.

    `alphas_cumprod` (1000,) float32 on the CPU is the file's own where it holds one. `device` is where it
    computes, and `text_part` the text encoders' place there.
    """

    file: ModelFile
    family: Family
    network: UNet
    text_encoder: TextEncoder
    text_part: Part
    latent_format: LatentFormat
    prediction: PredictionKind
    alphas_cumprod: Tensor
    is_zero_snr: bool
    is_inpainting: bool
    numbers: NumberFormats
    device: torch.device
    networks: NetworksInUse
    ladder: MemoryLadder = field(default_factory=MemoryLadder)
    messages: list[str] = field(default_factory=list)
    key: Hashable = None
    keeps_unchanged: bool = False

    @property
    def text_key(self) -> Hashable:
        """What decides the text encoder's output besides prompt and options."""
        return (self.key if self.key is not None else id(self.network), self.networks.text_key)

    @property
    def is_sdxl(self) -> bool:
        """Whether it is SDXL or its refiner."""
        return self.family in {Family.SDXL, Family.SDXL_REFINER}

    def read_text(self, read: Callable[[], Result]) -> Result:
        """What `read` makes with the text encoders, which are on the device meanwhile. Raises OutOfMemory."""

        def run(strategy: PlaceStrategy) -> Result:
            with strategy.placed(self.text_encoder.towers):
                return read()

        work = Work(
            "text",
            lambda how: self.messages.append(f"The memory was too small, so the prompt was read {how}."),
            f"There is too little memory to read the prompt. {LOWER}",
        )
        with self.text_part.using():
            return self.ladder.try_in_order(work, places_for(self.device), run)

    def take_messages(self) -> list[str]:
        """What the user should hear (a fall back to 32 bits), once."""
        taken, self.messages[:] = list(self.messages), []
        return taken

    def modules(self) -> list[torch.nn.Module]:
        """Everything that holds weights."""
        return [self.network, *self.text_encoder.towers]

    @property
    def size_bytes(self) -> int:
        """Memory its weights take, and the packed copies that were made of them so far."""
        return weight_bytes(self.modules()) + self.packed_bytes

    @property
    def packed_bytes(self) -> int:
        """Memory its packed copies take."""
        return sum(map(packed_bytes, self.modules()))

    def keep_unchanged(self, *, keep: bool) -> None:
        """Whether packed copies of unchanged weights are kept while LoRAs are in use."""
        if keep != self.keeps_unchanged:
            self.keeps_unchanged = keep
            for module in self.modules():
                keep_unchanged(module, keep=keep)


@dataclass(eq=False, kw_only=True)
class LoadedModel(LoadedCheckpoint):
    """A checkpoint with its VAE as one job uses them, ready to sample. What is set here ends with the job.

    `vae_file` None: the VAE inside. `tiny_vae` stands in for the VAE where the request wants that. `leases`
    are networks that stay as long as the job uses this.
    """

    vae: Vae
    vae_file: ModelFile | None
    vae_fallback: HalfPrecisionFallback
    leases: NetworkLeases
    tiny_vae: TinyVae = field(default_factory=TinyVae)

    @classmethod
    def of(
        cls,
        checkpoint: LoadedCheckpoint,
        vae: Vae,
        vae_file: ModelFile | None,
        leases: NetworkLeases,
        *,
        vae_falls_back: bool = True,
    ) -> "LoadedModel":
        """For one job. `vae_falls_back`: a picture that is NaN in half precision is made again in 32 bits."""
        shared = {each.name: getattr(checkpoint, each.name) for each in fields(checkpoint)}
        falls_back = vae_falls_back and checkpoint.numbers.falls_back
        fallback = HalfPrecisionFallback(falls_back, checkpoint.messages.append)
        return cls(**shared, vae=vae, vae_file=vae_file, vae_fallback=fallback, leases=leases)

    def modules(self) -> list[torch.nn.Module]:
        """Everything that holds weights."""
        return [*super().modules(), self.vae.module]

    def latent_size(self, width: int, height: int) -> tuple[int, int]:
        """Height and width of the latent of a picture of so many pixels."""
        return height // self.vae.latent_pixels, width // self.vae.latent_pixels

    def decode(self, latent: Tensor, tile: int = 0) -> Tensor:
        """See `Vae.decode`. Raises InvalidNumbers where there is no picture in the numbers."""
        return apply_numbers(self.vae.decode(latent, self.vae_fallback, tile))

    def encode(self, images: Tensor, noise: Tensor | None = None, tile: int = 0) -> Tensor:
        """See `Vae.encode`."""
        return self.vae.encode(images, noise, self.vae_fallback, tile)


def apply_numbers(images: Tensor) -> Tensor:
    """Images on the CPU as they are. Raises InvalidNumbers where there are NaN in them."""
    if images.isnan().any():
        raise InvalidNumbers(NO_PICTURE)
    return images
