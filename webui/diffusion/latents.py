"""Latents: how they are scaled for the network, and what they look like without decoding."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class LatentFormat:
    """The latents of one VAE.

    `colours` has the RGB that each channel stands for, so that the sum, with that of an empty latent
    (`ground`), is in -1 to 1.
    """

    channels: int
    scale: float
    shift: float = 0.0
    colours: tuple[tuple[float, float, float], ...] = ()
    ground: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def encode(self, latent: Tensor) -> Tensor:
        """What the VAE encodes, scaled to about unit variance for the network."""
        return (latent - self.shift) * self.scale

    def decode(self, latent: Tensor) -> Tensor:
        """What the network makes, as the VAE decodes it."""
        return latent / self.scale + self.shift

    def preview(self, latent: Tensor) -> Tensor:
        """Latent (B, C, h, w) to small pictures (B, h, w, 3), uint8, on the CPU."""
        colours = torch.tensor(self.colours, dtype=torch.float32, device=latent.device)
        ground = torch.tensor(self.ground, dtype=torch.float32, device=latent.device)
        pictures = torch.einsum("bchw,cr->bhwr", latent.float(), colours) + ground
        return ((pictures + 1) / 2 * 255).clamp(0, 255).to("cpu", torch.uint8)


# Fitted by users: keturn for SD 1, city96 for SDXL; the values all programs use.
SD1_LATENTS = LatentFormat(
    4,
    0.18215,
    colours=((0.298, 0.207, 0.208), (0.187, 0.286, 0.173), (-0.158, 0.189, 0.264), (-0.184, -0.271, -0.473)),
)
SDXL_LATENTS = LatentFormat(
    4,
    0.13025,
    colours=(
        (0.3448, 0.4168, 0.4395),
        (-0.1953, -0.0290, 0.0250),
        (0.1074, 0.0886, -0.0163),
        (-0.3730, -0.2499, -0.2088),
    ),
)
