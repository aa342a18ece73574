"""What a step of training is measured by: which timesteps, which noise, and what each picture's error weighs.

All of it is drawn on the processor from generators of its own, so that every device trains alike.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from webui.core.work.training_run import TrainingRun
from webui.diffusion.prediction import Prediction, PredictionKind
from webui.training.seeds import generator_for

# No noise at all has an infinite SNR; kohya's bound for the debiased weights.
MOST_SNR = 1000.0


@dataclass(frozen=True, slots=True)
class NoiseRecipe:
    """How noise and timesteps are drawn, and what timesteps weigh; 0 leaves a part out."""

    seed: int
    min_timestep: int = 0
    max_timestep: int = 999
    offset: float = 0.0
    pyramid_levels: int = 0
    pyramid_discount: float = 0.0
    min_snr_gamma: float = 0.0
    debiased: bool = False

    @classmethod
    def of(cls, run: TrainingRun) -> "NoiseRecipe":
        """Of a run whose fields are all filled."""
        low, high = run.min_timestep or 0, 999 if run.max_timestep is None else run.max_timestep
        return cls(
            seed=run.seed or 0,
            min_timestep=min(low, high),
            max_timestep=max(low, high),
            offset=run.noise_offset or 0.0,
            pyramid_levels=run.pyramid_noise or 0,
            pyramid_discount=run.pyramid_discount or 0.0,
            min_snr_gamma=run.min_snr_gamma or 0.0,
            debiased=bool(run.debiased),
        )

    def draw_timesteps(self, place: int, count: int) -> Tensor:
        """Whole timesteps (count,) int64 for the batch at a place of the run, each as likely."""
        generator = generator_for(self.seed, "timesteps", place)
        return torch.randint(self.min_timestep, self.max_timestep + 1, (count,), generator=generator)

    def draw_noise(self, place: int, shape: torch.Size) -> Tensor:
        """Noise (B, C, h, w) float32 for the batch at a place of the run."""
        generator = generator_for(self.seed, "noise", place)
        noise = torch.randn(shape, generator=generator)
        if self.offset:
            noise = add_offset(noise, self.offset, generator)
        if self.pyramid_levels:
            noise = add_pyramid(noise, self.pyramid_levels, self.pyramid_discount, generator)
        return noise

    def weigh(self, prediction: Prediction, timestep: Tensor) -> Tensor:
        """What an error at timesteps (B,) weighs, (B,) float32."""
        snr = snr_of(prediction, timestep)
        weight = torch.ones_like(snr)
        if self.min_snr_gamma:
            weight = weight * min_snr_weight(snr, self.min_snr_gamma, prediction.kind)
        if self.debiased:
            weight = weight * debiased_weight(snr, prediction.kind)
        return weight


def add_offset(noise: Tensor, offset: float, generator: torch.Generator) -> Tensor:
    """Noise (B, C, h, w) with one more draw for each whole channel, so that brightness is learned
    (Guttenberg 2023).
    """
    return noise + offset * torch.randn((*noise.shape[:2], 1, 1), generator=generator)


def add_pyramid(noise: Tensor, levels: int, discount: float, generator: torch.Generator) -> Tensor:
    """Noise (B, C, h, w) with ever coarser noise on it, of unit variance again (Whitaker 2023)."""
    batch, channels, height, width = noise.shape
    total = noise
    for level in range(levels):
        # Each level is coarser than the one before by a factor of 2 to 4.
        factor = 2.0 + 2.0 * float(torch.rand((), generator=generator))
        rows, columns = max(1, int(height / factor**level)), max(1, int(width / factor**level))
        coarse = torch.randn((batch, channels, rows, columns), generator=generator)
        total = total + interpolate(coarse, (height, width), mode="bilinear") * discount**level
        if rows == 1 or columns == 1:
            break
    return total / total.std()


def snr_of(prediction: Prediction, timestep: Tensor) -> Tensor:
    """Ratio of signal to noise, in variances, at timesteps (B,): (B,) float32."""
    alphas = prediction.alphas_cumprod.float().to(timestep.device)[timestep]
    return alphas / (1 - alphas)


def min_snr_weight(snr: Tensor, gamma: float, kind: PredictionKind) -> Tensor:
    """Min-SNR-gamma weights (Hang et al. 2023), for networks that predict noise or v."""
    return snr.clamp(max=gamma) / (snr if kind == "eps" else snr + 1)


def debiased_weight(snr: Tensor, kind: PredictionKind) -> Tensor:
    """Weights of debiased estimation (Yu et al. 2023): one over the root of SNR; for v of SNR + 1."""
    snr = snr.clamp(max=MOST_SNR)
    return 1 / snr.sqrt() if kind == "eps" else 1 / (snr + 1).sqrt()


def measure_errors(output: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
    """Mean squared error of each picture, (B,) float32; `mask` (B, 1, h, w) in 0 to 1 says what counts.

    With a mask it is the mean over the whole picture, so that pictures with little to learn weigh less.
    """
    errors = (output.float() - target.float()) ** 2
    if mask is not None:
        errors = errors * mask.to(errors)
    return errors.mean(dim=(1, 2, 3))
