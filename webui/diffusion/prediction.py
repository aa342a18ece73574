"""What a network's output means: from latent and output to denoised, for eps and v networks.

The three preconditionings are three ways a sampler may look at the same network: in sigmas (Karras et al.
2022), in timesteps (Ho et al. 2020, Song et al. 2021), and in the few steps of a consistency network (Luo et
al. 2023).
"""

from dataclasses import dataclass, field, replace
from typing import Literal, Protocol, Self

import torch
from torch import Tensor

PredictionKind = Literal["eps", "v"]

TRAINING_STEPS = 1000
# The ends of the scaled-linear schedule of all Stable Diffusion networks (Rombach et al. 2022).
BETA_START, BETA_END = 0.00085, 0.012
# Stands in for the zero of the last step, where sigma would be infinite; that of the first zero-SNR networks.
ZERO_TERMINAL_ALPHA = 4.8973451890853435e-08
# Latent consistency networks were distilled on 50 of the 1000 timesteps.
CONSISTENCY_STEPS = 50
# Scale of the data and factor of timesteps in consistency boundary conditions (Song et al. 2023).
CONSISTENCY_SIGMA_DATA, CONSISTENCY_TIMESTEP_SCALE = 0.5, 10.0


def scaled_linear_alphas_cumprod(
    beta_start: float = BETA_START, beta_end: float = BETA_END, steps: int = TRAINING_STEPS
) -> Tensor:
    """Share of signal left after each training step, (steps,) float32, falling."""
    betas = torch.linspace(beta_start**0.5, beta_end**0.5, steps, dtype=torch.float64) ** 2
    return torch.cumprod(1.0 - betas, dim=0).float()


def rescale_to_zero_terminal_snr(alphas_cumprod: Tensor) -> Tensor:
    """Shifted and scaled so that the last step is pure noise (Lin et al. 2023); same shape and dtype."""
    root = alphas_cumprod.sqrt()
    first, last = root[0].clone(), root[-1].clone()
    rescaled = ((root - last) * (first / (first - last))) ** 2
    rescaled[-1] = ZERO_TERMINAL_ALPHA
    return rescaled


def sigmas_of(alphas_cumprod: Tensor) -> Tensor:
    """Ratio of noise to signal, same shape and dtype."""
    # Rounded from float64, because float32 roots differ between processors in the last bit.
    return ((1 - alphas_cumprod) / alphas_cumprod).double().sqrt().to(alphas_cumprod.dtype)


@dataclass(frozen=True, eq=False)
class NoiseLevels:
    """The sigmas a network was trained on, rising, and the way between them and (fractional) timesteps.

    With `quantize`, sigmas are rounded to the nearest trained one.
    """

    sigmas: Tensor
    quantize: bool = False
    log_sigmas: Tensor = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "log_sigmas", self.sigmas.log())

    @property
    def sigma_min(self) -> float:
        """The lowest trained sigma."""
        return self.sigmas[0].item()

    @property
    def sigma_max(self) -> float:
        """The highest trained sigma."""
        return self.sigmas[-1].item()

    def sigma_to_t(self, sigma: Tensor) -> Tensor:
        """Timesteps of sigmas, same shape: float between 0 and 999, or int64 where quantized."""
        if self.quantize:
            return self.nearest_level(sigma)
        log_sigmas = self.log_sigmas.to(sigma.device)
        log_sigma = sigma.log()
        distances = log_sigma - log_sigmas[:, None]
        low = distances.ge(0).cumsum(dim=0).argmax(dim=0).clamp(max=len(log_sigmas) - 2)
        high = low + 1
        weight = (log_sigmas[low] - log_sigma) / (log_sigmas[low] - log_sigmas[high])
        weight = weight.clamp(0, 1)
        return ((1 - weight) * low + weight * high).view(sigma.shape)

    def nearest_level(self, sigma: Tensor) -> Tensor:
        """Which trained level is nearest in the logarithm of sigma: same shape, int64."""
        return (sigma.log() - self.log_sigmas.to(sigma.device)[:, None]).abs().argmin(dim=0).view(sigma.shape)

    def t_to_sigma(self, timestep: Tensor) -> Tensor:
        """Sigmas of timesteps, interpolated in the logarithm; same shape, float32."""
        log_sigmas = self.log_sigmas.to(timestep.device)
        timestep = timestep.float()
        low, high, weight = timestep.floor().long(), timestep.ceil().long(), timestep.frac()
        return ((1 - weight) * log_sigmas[low] + weight * log_sigmas[high]).exp()

    def uniform(self, steps: int) -> Tensor:
        """Sigmas evenly spaced in timesteps from the highest to the lowest, then 0: (steps + 1,)."""
        timesteps = torch.linspace(len(self.sigmas) - 1, 0, steps)
        sigmas = self.t_to_sigma(timesteps)
        return torch.cat([sigmas, sigmas.new_zeros([1])])


@dataclass(frozen=True, eq=False)
class ConsistencyLevels(NoiseLevels):
    """The 50 levels of a latent consistency network; its timesteps are always whole."""

    skip: int = TRAINING_STEPS // CONSISTENCY_STEPS

    @property
    def lowest_timestep(self) -> int:
        """The timestep of the lowest level; the others follow `skip` apart."""
        return self.skip - 1

    def sigma_to_t(self, sigma: Tensor) -> Tensor:
        """Timesteps of the levels nearest in the logarithm of sigma, int64."""
        return self.lowest_timestep + self.skip * self.nearest_level(sigma)

    def t_to_sigma(self, timestep: Tensor) -> Tensor:
        """Sigmas of timesteps of the full scale, between the ends of the levels."""
        level = (timestep - self.lowest_timestep) / self.skip
        return super().t_to_sigma(level.clip(0, len(self.sigmas) - 1))

    def uniform(self, steps: int) -> Tensor:
        """Sigmas evenly spaced in timesteps between the ends of the levels, then 0: (steps + 1,)."""
        start, end = self.sigma_to_t(self.sigmas[-1]), self.sigma_to_t(self.sigmas[0])
        sigmas = self.t_to_sigma(torch.linspace(float(start), float(end), steps))
        return torch.cat([sigmas, sigmas.new_zeros([1])])


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a network was trained to predict, and on which noise. Tensors are on the CPU."""

    kind: PredictionKind
    alphas_cumprod: Tensor
    quantize: bool = False
    levels: NoiseLevels = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "levels", NoiseLevels(sigmas_of(self.alphas_cumprod), self.quantize))

    @classmethod
    def make(
        cls,
        kind: PredictionKind,
        *,
        zero_terminal_snr: bool = False,
        downcast: bool = False,
        quantize: bool = False,
    ) -> Self:
        """A prediction on Stable Diffusion's training noise; `downcast` rounds it to float16."""
        return cls(kind, scaled_linear_alphas_cumprod(), quantize).changed(
            zero_terminal_snr=zero_terminal_snr, downcast=downcast
        )

    def changed(
        self, *, zero_terminal_snr: bool = False, downcast: bool = False, quantize: bool | None = None
    ) -> Self:
        """The same prediction with the options of one run applied, in A1111's order."""
        alphas = self.alphas_cumprod.half() if downcast else self.alphas_cumprod
        if zero_terminal_snr:
            alphas = rescale_to_zero_terminal_snr(alphas)
        return replace(self, alphas_cumprod=alphas, quantize=self.quantize if quantize is None else quantize)

    def consistency_levels(self) -> ConsistencyLevels:
        """Every twentieth level, counted back from the last, as latent consistency networks use them."""
        skip = TRAINING_STEPS // CONSISTENCY_STEPS
        alphas = self.alphas_cumprod.float()[skip - 1 :: skip]
        return ConsistencyLevels(sigmas_of(alphas))

    def add_noise(self, latent: Tensor, noise: Tensor, timestep: Tensor) -> Tensor:
        """Latent (B, C, h, w) noised to whole timesteps (B,), of unit variance, as networks are trained."""
        signal, spread = self._signal_and_spread(latent, timestep)
        return signal * latent + spread * noise

    def target(self, latent: Tensor, noise: Tensor, timestep: Tensor) -> Tensor:
        """What the network should answer to `add_noise(latent, noise, timestep)`."""
        if self.kind == "eps":
            return noise
        signal, spread = self._signal_and_spread(latent, timestep)
        return signal * noise - spread * latent

    def noise_from_output(self, latent: Tensor, output: Tensor, timestep: Tensor) -> Tensor:
        """The noise in a unit-variance latent (N, C, h, w) at timesteps (N,), from the network's output."""
        if self.kind == "eps":
            return output
        signal, spread = self._signal_and_spread(latent, timestep)
        return signal * output + spread * latent

    def denoised_from_noise(self, latent: Tensor, noise: Tensor, timestep: Tensor) -> Tensor:
        """The clean latent, from a unit-variance one at timesteps (N,) and the noise in it."""
        signal, spread = self._signal_and_spread(latent, timestep)
        return (latent - spread * noise) / signal

    def _signal_and_spread(self, latent: Tensor, timestep: Tensor) -> tuple[Tensor, Tensor]:
        """Square roots of the shares of signal and noise at timesteps (N,), as (N, 1, 1, 1)."""
        alphas = self.alphas_cumprod.to(latent.device)[timestep.long()][:, None, None, None]
        return alphas.sqrt(), (1 - alphas).sqrt()


class Preconditioning(Protocol):
    """How one family of samplers feeds a network and reads it. `level` is a sigma or a timestep, (N,)."""

    @property
    def prediction(self) -> Prediction:
        """What the network was trained to predict."""
        ...

    def network_input(self, latent: Tensor, level: Tensor) -> tuple[Tensor, Tensor]:
        """What the network gets: its latent and timesteps (N,)."""
        ...

    def result(self, latent: Tensor, output: Tensor, level: Tensor) -> Tensor:
        """What the sampler gets: denoised, or noise for timestep samplers."""
        ...

    def denoised(self, latent: Tensor, result: Tensor, level: Tensor) -> Tensor:
        """The clean latent behind a result; for previews."""
        ...

    def nearest_timestep(self, level: Tensor) -> int:
        """The training step (0 to 999) nearest to a level on the CPU; for switching networks in mid-run."""
        ...


@dataclass(frozen=True, eq=False)
class SigmaPreconditioning:
    """Levels are sigmas, latents have variance sigma² + 1, results are denoised (Karras et al. 2022)."""

    prediction: Prediction

    def network_input(self, latent: Tensor, level: Tensor) -> tuple[Tensor, Tensor]:
        """Latent scaled to unit variance; fractional timesteps."""
        return latent * beside(1 / (level**2 + 1.0) ** 0.5, latent), self.prediction.levels.sigma_to_t(level)

    def result(self, latent: Tensor, output: Tensor, level: Tensor) -> Tensor:
        """The denoised latent."""
        if self.prediction.kind == "eps":
            return latent + output * beside(-level, latent)
        skip = 1.0 / (level**2 + 1.0)
        out = -level / (level**2 + 1.0) ** 0.5
        return output * beside(out, latent) + latent * beside(skip, latent)

    def denoised(self, latent: Tensor, result: Tensor, level: Tensor) -> Tensor:
        """The result itself."""
        return result

    def nearest_timestep(self, level: Tensor) -> int:
        """Index of the nearest trained sigma."""
        return int((self.prediction.levels.sigmas - level.max()).abs().argmin())


@dataclass(frozen=True, eq=False)
class TimestepPreconditioning:
    """Levels are timesteps, latents have unit variance, results are noise."""

    prediction: Prediction

    def network_input(self, latent: Tensor, level: Tensor) -> tuple[Tensor, Tensor]:
        """As they are."""
        return latent, level

    def result(self, latent: Tensor, output: Tensor, level: Tensor) -> Tensor:
        """The noise in the latent."""
        return self.prediction.noise_from_output(latent, output, level)

    def denoised(self, latent: Tensor, result: Tensor, level: Tensor) -> Tensor:
        """The clean latent behind that noise."""
        return self.prediction.denoised_from_noise(latent, result, level)

    def nearest_timestep(self, level: Tensor) -> int:
        """The timestep, cut to a whole one."""
        return int(level.max())


@dataclass(frozen=True, eq=False)
class ConsistencyPreconditioning:
    """Levels are sigmas; results are denoised latents under the boundary conditions of Song et al. (2023)."""

    prediction: Prediction
    levels: ConsistencyLevels = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "levels", self.prediction.consistency_levels())

    def network_input(self, latent: Tensor, level: Tensor) -> tuple[Tensor, Tensor]:
        """Latent scaled to unit variance; timesteps of the nearest of the 50 levels."""
        return latent * beside(1 / (level**2 + 1.0) ** 0.5, latent), self.levels.sigma_to_t(level)

    def result(self, latent: Tensor, output: Tensor, level: Tensor) -> Tensor:
        """The denoised latent, mixed with the latent itself near sigma 0."""
        denoised = SigmaPreconditioning(self.prediction).result(latent, output, level)
        scaled = beside(self.levels.sigma_to_t(level), latent) * CONSISTENCY_TIMESTEP_SCALE
        variance = CONSISTENCY_SIGMA_DATA**2
        skip = variance / (scaled**2 + variance)
        out = scaled / (scaled**2 + variance) ** 0.5
        return out * denoised + skip * latent

    def denoised(self, latent: Tensor, result: Tensor, level: Tensor) -> Tensor:
        """The result itself."""
        return result

    def nearest_timestep(self, level: Tensor) -> int:
        """Index of the nearest trained sigma, among the 50 levels as A1111 counts them."""
        return int((self.levels.sigmas - level.max()).abs().argmin())


def beside(values: Tensor, latent: Tensor) -> Tensor:
    """Values (N,) shaped (N, 1, 1, 1) to stand beside a latent."""
    return values.reshape(-1, *[1] * (latent.ndim - 1))
