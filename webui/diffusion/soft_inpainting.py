"""Soft inpainting: original and new latents mixed by the mask's opacity and what noise is left."""

from dataclasses import dataclass

import torch
from torch import Tensor

from webui.diffusion.inpaint import MaskBlend

# Keeps a vector of no length from being divided by.
SHORTEST = 0.00001


@dataclass(frozen=True, slots=True)
class SoftBlend:
    """Called at each blend. `schedule_bias` is the power of sigma, `preservation_strength` its factor,
    `contrast_boost` the power in which lengths of vectors are averaged (A1111's built-in extension).
    """

    schedule_bias: float
    preservation_strength: float
    contrast_boost: float

    def __call__(self, moment: MaskBlend) -> None:
        """Replace the blended latent."""
        opacity = 1.0 - moment.mask.keep
        share = torch.pow(opacity, (moment.level[0] ** self.schedule_bias) * self.preservation_strength)
        moment.blended = mix_latents(moment.mask.init_latent, moment.latent, share, self.contrast_boost)


def mix_latents(original: Tensor, new: Tensor, share: Tensor, power: float) -> Tensor:
    """Vectors (B, C, h, w) between original (share 0) and new (share 1), their lengths averaged in a power.

    `share` broadcasts to them and is the same in all channels.
    """
    share = share.expand_as(new)
    linear = original * (1 - share) + new * share
    single = share[:, :1]
    length = torch.linalg.vector_norm(linear, dim=1, keepdim=True).double() + SHORTEST
    lengths = (
        torch.linalg.vector_norm(each, dim=1, keepdim=True).double() ** power for each in (original, new)
    )
    before, after = lengths
    wanted = (before * (1 - single) + after * single) ** (1 / power)
    return linear * (wanted / length).to(linear.dtype)
