"""Inpainting in latents: what of the picture is kept while the rest is denoised."""

from collections.abc import Callable
from dataclasses import dataclass, field

from torch import Tensor


@dataclass(slots=True)
class MaskBlend:
    """One moment of blending; hooks may replace `blended`.

    `level` (B,) is the sigma, or the timestep for DDIM and kin.
    """

    latent: Tensor
    mask: "LatentMask"
    level: Tensor
    blended: Tensor


@dataclass(slots=True)
class LatentMask:
    """Keeps `init_latent` (B, C, h, w) where `keep` (broadcastable to it, 0 to 1) is 1."""

    init_latent: Tensor
    keep: Tensor
    on_blend: list[Callable[[MaskBlend], None]] = field(default_factory=list)

    def blend(self, latent: Tensor, level: Tensor) -> Tensor:
        """The latent with what is kept put back."""
        blended = latent * (1.0 - self.keep) + self.init_latent * self.keep
        moment = MaskBlend(latent, self, level, blended)
        for hook in self.on_blend:
            hook(moment)
        return moment.blended
