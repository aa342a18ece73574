"""Latents to pictures and back."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor

from webui.diffusion.latents import LatentFormat
from webui.models.module_weights import recast, weight_bytes
from webui.models.out_of_memory import MemoryLadder, Work
from webui.models.residency import CPU, Resident
from webui.models.vae.vae_memory import (
    VaeStrategy,
    bytes_per_pixel,
    first_to_fit,
    free_bytes,
    vae_strategies,
    with_tiles,
)
from webui.models.vae.vae_tiles import RunVae, Scale, decode_in_seamless_tiles, decode_in_tiles

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class HalfPrecisionFallback:
    """What one job wants where half precision gives NaN, and whether it came to that.

    `is_enabled`: the picture is made again in 32 bits, and so are the job's next ones; `tell` tells the user.
    """

    is_enabled: bool = False
    tell: Callable[[str], None] = logger.warning
    is_needed: bool = False

    def note(self, dtype: torch.dtype) -> None:
        """It came to that."""
        self.is_needed = True
        self.tell(
            f"The VAE gave no valid picture in {str(dtype).removeprefix('torch.')}, so it now "
            "computes in 32 bits, which is slower. To begin with 32 bits, start with --no-half-vae."
        )


class Vae:
    """An autoencoder with its number format and the scale of its latents. Pictures go through it one at a
    time. No job leaves anything in it.
    """

    def __init__(
        self,
        module: AutoencoderKL,
        latent_format: LatentFormat,
        *,
        channels_last: bool = False,
        tell: Callable[[str], None] = logger.warning,
        ladder: MemoryLadder | None = None,
        device: torch.device | None = None,
    ) -> None:
        """`device` is where it computes, if that is not where its weights are now. `tell` tells the user
        what no job's `HalfPrecisionFallback` does.
        """
        self.module = module
        self.latent_format = latent_format
        self.channels_last = channels_last
        self.resident: Resident | None = None
        # See preview_colours.
        self.preview_format: LatentFormat | None = None
        self._tell = tell
        self._ladder = ladder or MemoryLadder()
        self._device = device

    @property
    def dtype(self) -> torch.dtype:
        """Format the weights are in."""
        return self.module.decoder.conv_in.weight.dtype

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self._device or self.module.decoder.conv_in.weight.device

    @property
    def latent_pixels(self) -> int:
        """Pixels of a picture along one latent pixel."""
        return 2 ** (len(self.module.config["block_out_channels"]) - 1)

    @property
    def size_bytes(self) -> int:
        """Memory that its weights take."""
        return weight_bytes([self.module])

    def modules(self) -> list[torch.nn.Module]:
        """Everything that holds weights."""
        return [self.module]

    @torch.no_grad()
    def decode(self, latent: Tensor, fallback: HalfPrecisionFallback | None = None, tile: int = 0) -> Tensor:
        """Latent (B, C, h, w) as samplers leave it to images (B, 3, H, W) in [0, 1], float32, on the CPU.

        `tile`: side of the tiles, pixels; 0 uses tiles only where the memory is too small.
        """
        fallback = fallback or HalfPrecisionFallback(tell=self._tell)
        run = self._guarded(self._decode_one, fallback)
        scale = Scale(1, self.latent_pixels)
        with self._on_device():
            images = [
                self._in_memory("decoded", run, single, scale, fallback.tell, tile)
                for single in self.latent_format.decode(latent).split(1)
            ]
        return torch.cat([((image + 1) / 2).clamp(0, 1) for image in images])

    @torch.no_grad()
    def encode(
        self,
        images: Tensor,
        noise: Tensor | None = None,
        fallback: HalfPrecisionFallback | None = None,
        tile: int = 0,
    ) -> Tensor:
        """Images (B, 3, H, W) in [0, 1] to latents (B, C, h, w) float32 on the VAE's device, as samplers take
        them.

        `noise` (B, C, h, w) chooses from the posterior; None takes its mean. `tile` as for `decode`.
        """
        fallback = fallback or HalfPrecisionFallback(tell=self._tell)
        run = self._guarded(self._encode_one, fallback)
        scale = Scale(self.latent_pixels, 1)
        with self._on_device():
            moments = torch.cat(
                [
                    self._in_memory("encoded", run, single * 2 - 1, scale, fallback.tell, tile)
                    for single in images.split(1)
                ]
            )
        mean, log_variance = moments.chunk(2, dim=1)
        if noise is not None:
            # The bounds that the posterior was trained with.
            mean = mean + (log_variance.clamp(-30.0, 20.0) / 2).exp() * noise.to(mean)
        return self.latent_format.encode(mean).to(self.device)

    def _on_device(self) -> AbstractContextManager[None]:
        return self.resident.using() if self.resident else nullcontext()

    def _decode_one(self, latent: Tensor) -> Tensor:
        decoded = self.module.decode(self._placed(latent), return_dict=False)[0]  # type: ignore[arg-type]  # says FloatTensor, takes any
        return decoded.float().cpu().contiguous()

    def _encode_one(self, image: Tensor) -> Tensor:
        posterior = self.module.encode(self._placed(image), return_dict=False)[0]
        return posterior.parameters.float().cpu().contiguous()

    def _placed(self, tensor: Tensor) -> Tensor:
        order = torch.channels_last if self.channels_last else torch.contiguous_format
        weight = self.module.decoder.conv_in.weight
        return tensor.to(weight.device, weight.dtype, memory_format=order)

    def _in_memory(
        self, noun: str, run: RunVae, given: Tensor, scale: Scale, tell: Callable[[str], None], tile: int
    ) -> Tensor:
        """`run(given)`, in tiles where that is chosen or the memory is too small for the whole."""

        def done(strategy: VaeStrategy) -> Tensor:
            with recast(self.module, torch.float32, CPU) if strategy.on_cpu else nullcontext():
                if strategy.tiling is None:
                    return run(given)
                seamless = self.module.decoder.conv_in.padding_mode == "circular"
                in_parts = decode_in_seamless_tiles if seamless else decode_in_tiles
                return in_parts(self.module, run, given, strategy.tiling, scale)

        latent_pixels = given.shape[2] * given.shape[3] // scale.given**2
        strategies = with_tiles(vae_strategies(self.device), -(-tile // self.latent_pixels))
        per_pixel = bytes_per_pixel(self.module.config["block_out_channels"], self.dtype)
        needed = per_pixel * self.latent_pixels**2
        first = first_to_fit(strategies, latent_pixels, needed, free_bytes(self.device))
        what, it = ("tiles of the chosen size", "the picture") if tile else ("the whole picture", "it")
        work = Work(
            (noun, latent_pixels, tile),
            lambda how: tell(f"The memory was too small for {what}, so {it} was {noun} {how}."),
            f"There is too little memory for a picture of this size to be {noun}, even in small tiles. "
            "Close other programs, or make it smaller.",
        )
        return self._ladder.try_in_order(work, strategies, done, first)

    def _guarded(self, run: RunVae, fallback: HalfPrecisionFallback) -> RunVae:
        """`run`, once more in 32 bits if it gives NaN and the job wants that."""

        def guarded(given: Tensor) -> Tensor:
            if not fallback.is_needed:
                result = run(given)
                if not (fallback.is_enabled and self.dtype != torch.float32 and bool(result.isnan().any())):
                    return result
                fallback.note(self.dtype)
            with recast(self.module, torch.float32):
                return run(given)

        return guarded
