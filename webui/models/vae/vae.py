"""Latents to pictures and back."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor

from webui.diffusion.latents import LatentFormat
from webui.models.vae.vae_memory import MemoryLadder, Way, bytes_per_pixel, first_to_fit, free_bytes, ways
from webui.models.vae.vae_tiles import Scale, Work, in_seamless_tiles, in_tiles

logger = logging.getLogger(__name__)


class Vae:
    """An autoencoder with its number format and the scale of its latents. Pictures go through it one at a
    time.
    """

    def __init__(
        self,
        module: AutoencoderKL,
        latent_format: LatentFormat,
        *,
        channels_last: bool = False,
        falls_back: bool = False,
        tell: Callable[[str], None] = logger.warning,
    ) -> None:
        """`falls_back`: where half precision gives NaN, go to 32 bits and `tell` the user so."""
        self.module = module
        self.latent_format = latent_format
        self.channels_last = channels_last
        self.falls_back = falls_back
        self._tell = tell
        self._ladder = MemoryLadder(tell)

    @property
    def dtype(self) -> torch.dtype:
        """Format the weights are in."""
        return self.module.decoder.conv_in.weight.dtype

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.module.decoder.conv_in.weight.device

    @property
    def latent_pixels(self) -> int:
        """Pixels of a picture along one latent pixel."""
        return 2 ** (len(self.module.config["block_out_channels"]) - 1)

    @torch.no_grad()
    def decode(self, latent: Tensor) -> Tensor:
        """Latent (B, C, h, w) as samplers leave it to images (B, 3, H, W) in [0, 1], float32, on the CPU."""
        scale = Scale(1, self.latent_pixels)
        images = [
            self._in_memory("decoded", self._decode_one, single, scale)
            for single in self.latent_format.decode(latent).split(1)
        ]
        return torch.cat([((image + 1) / 2).clamp(0, 1) for image in images])

    @torch.no_grad()
    def encode(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        """Images (B, 3, H, W) in [0, 1] to latents (B, C, h, w) float32 on the VAE's device, as samplers take
        them.

        `noise` (B, C, h, w) chooses from the posterior; None takes its mean.
        """
        scale = Scale(self.latent_pixels, 1)
        moments = torch.cat(
            [
                self._in_memory("encoded", self._encode_one, single * 2 - 1, scale)
                for single in images.split(1)
            ]
        )
        mean, log_variance = moments.chunk(2, dim=1)
        if noise is not None:
            # The bounds that the posterior was trained with.
            mean = mean + (log_variance.clamp(-30.0, 20.0) / 2).exp() * noise.to(mean)
        return self.latent_format.encode(mean).to(self.device)

    def _decode_one(self, latent: Tensor) -> Tensor:
        decoded = self.module.decode(self._placed(latent), return_dict=False)[0]  # type: ignore[arg-type]  # says FloatTensor, takes any
        return decoded.float().cpu().contiguous()

    def _encode_one(self, image: Tensor) -> Tensor:
        posterior = self.module.encode(self._placed(image), return_dict=False)[0]
        return posterior.parameters.float().cpu().contiguous()

    def _placed(self, tensor: Tensor) -> Tensor:
        order = torch.channels_last if self.channels_last else torch.contiguous_format
        return tensor.to(self.device, self.dtype, memory_format=order)

    def _in_memory(self, noun: str, work: Work, given: Tensor, scale: Scale) -> Tensor:
        """`work(given)`, in tiles where the memory is too small for the whole."""

        def done(way: Way) -> Tensor:
            with self._on_cpu() if way.on_cpu else nullcontext():
                if way.tiling is None:
                    return self._guarded(work, given)
                seamless = self.module.decoder.conv_in.padding_mode == "circular"
                run = in_seamless_tiles if seamless else in_tiles
                return run(self.module, lambda tile: self._guarded(work, tile), given, way.tiling, scale)

        latent_pixels = given.shape[2] * given.shape[3] // scale.given**2
        choices = ways(self.device)
        per_pixel = bytes_per_pixel(self.module.config["block_out_channels"], self.dtype)
        needed = per_pixel * self.latent_pixels**2
        first = first_to_fit(choices, latent_pixels, needed, free_bytes(self.device))
        return self._ladder.climb_down(noun, latent_pixels, choices, done, first)

    @contextmanager
    def _on_cpu(self) -> Iterator[None]:
        """The weights on the processor, in 32 bits, for as long as the block lasts."""
        device, dtype = self.device, self.dtype
        # torch's own method: diffusers' warns of every change of format.
        torch.nn.Module.to(self.module, "cpu", torch.float32)
        try:
            yield
        finally:
            torch.nn.Module.to(self.module, device, dtype)

    def _guarded(self, work: Callable[[Tensor], Tensor], given: Tensor) -> Tensor:
        """`work(given)`, once more in 32 bits if it gives NaN."""
        result = work(given)
        if self.falls_back and self.dtype != torch.float32 and result.isnan().any():
            self._tell(
                f"The VAE gave no valid picture in {str(self.dtype).removeprefix('torch.')}, so it now "
                "computes in 32 bits, which is slower. To begin with 32 bits, start with --no-half-vae."
            )
            self.module.float()
            result = work(given)
        return result
