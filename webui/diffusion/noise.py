"""Noise: one generator per image, so that a picture does not depend on its batch; variation seeds; resize.

Equal to A1111 1.10.1: "CPU" and "GPU" are torch's generators on the processor and on the device, "NV" is what
an NVIDIA card would draw, on any device.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor
from torch.nn.functional import normalize

from webui.diffusion.brownian import BrownianTree
from webui.diffusion.philox import PhiloxGenerator
from webui.diffusion.step import NoiseSource

NoiseSourceName = Literal["NV", "CPU", "GPU"]

SEED_RANGE = 2**64
# Above this mean cosine two noises are so alike that the sphere between them is flat.
PARALLEL = 0.9995


class Generator(Protocol):
    """A stream of normal numbers."""

    def randn(self, shape: tuple[int, ...]) -> Tensor:
        """The next draw, float32."""
        ...


class TorchGenerator:
    """Torch's own stream on one device."""

    def __init__(self, seed: int, device: torch.device) -> None:
        self._generator = torch.Generator(device).manual_seed(seed)

    def randn(self, shape: tuple[int, ...]) -> Tensor:
        """The next draw, float32 on the generator's device."""
        return torch.randn(shape, generator=self._generator, device=self._generator.device)


def make_generator(source: NoiseSourceName, seed: int, device: torch.device) -> Generator:
    """A fresh stream from a seed; seeds count modulo 2^64."""
    seed %= SEED_RANGE
    if source == "NV":
        return PhiloxGenerator(seed)
    # Apple's generator gives other numbers in each version of the system.
    is_own = source == "GPU" and device.type != "mps"
    return TorchGenerator(seed, device if is_own else torch.device("cpu"))


def draw_noise(source: NoiseSourceName, seed: int, shape: tuple[int, ...], device: torch.device) -> Tensor:
    """The first draw of a seed, float32 on the device."""
    return make_generator(source, seed, device).randn(shape).to(device)


@dataclass(frozen=True, slots=True)
class NoiseOptions:
    """Where noise comes from and how the first one is bent.

    `variation_seeds` has one seed per image, used where `variation_strength` is not 0. `resize_from` is the
    latent size (h, w) whose noise stands in the middle. `seed_delta` (ENSD) is added to the seeds for all
    noise but the first.
    """

    source: NoiseSourceName = "NV"
    variation_seeds: tuple[int, ...] = ()
    variation_strength: float = 0.0
    resize_from: tuple[int, int] | None = None
    seed_delta: int = 0


class ImageNoise:
    """The noise of one batch.

    The first draw starts the images, the later ones are for the steps of samplers.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        seeds: Sequence[int],
        options: NoiseOptions,
        device: torch.device | str,
    ) -> None:
        """For latents (C, h, w), one seed per image."""
        self.shape = shape
        self.seeds = tuple(seeds)
        self.options = options
        self.device = torch.device(device)
        self._generators = [self._generator(seed) for seed in self.seeds]
        self._is_first = True

    def draw(self) -> Tensor:
        """The next noise, (B, C, h, w) float32 on the device."""
        if not self._is_first:
            return torch.stack([generator.randn(self.shape) for generator in self._generators]).to(
                self.device
            )
        self._is_first = False
        noise = torch.stack([self._first(index) for index in range(len(self.seeds))]).to(self.device)
        if self.options.seed_delta:
            self._generators = [self._generator(seed + self.options.seed_delta) for seed in self.seeds]
        return noise

    def source(self, sigma: Tensor, sigma_next: Tensor) -> Tensor:
        """The next noise, as samplers ask for it: the sigmas do not matter."""
        return self.draw()

    def brownian(self, sigma_min: float, sigma_max: float, *, is_per_image: bool = True) -> NoiseSource:
        """Noise for SDE samplers between two sigmas: one path for each image, or one for the whole batch."""
        if is_per_image:
            return BrownianNoise(sigma_min, sigma_max, self.seeds, self.shape, self)
        generator = torch.Generator().manual_seed(self.seeds[-1] % SEED_RANGE)
        entropy = int(torch.randint(0, 2**63 - 1, [], generator=generator))
        return BrownianNoise(sigma_min, sigma_max, (entropy,), (len(self.seeds), *self.shape), self)

    def draw_from(self, seed: int, shape: tuple[int, ...]) -> Tensor:
        """The first draw of a seed, on the device of the source."""
        return self._generator(seed).randn(shape)

    def _generator(self, seed: int) -> Generator:
        return make_generator(self.options.source, seed, self.device)

    def _first(self, index: int) -> Tensor:
        """The starting noise of one image, (C, h, w)."""
        own = self._generators[index].randn(self.shape)
        small = (self.shape[0], *(self.options.resize_from or self.shape[1:]))
        if small == self.shape:
            return self._vary(own, index)
        # The picture of the smaller size, with new noise around it.
        return paste_in_middle(own, self._vary(self.draw_from(self.seeds[index], small), index))

    def _vary(self, noise: Tensor, index: int) -> Tensor:
        """The noise (C, h, w) of one image, moved towards that of its variation seed."""
        strength, seeds = self.options.variation_strength, self.options.variation_seeds
        if not strength:
            return noise
        seed = seeds[index] if index < len(seeds) else 0
        return slerp(strength, noise, self.draw_from(seed, tuple(noise.shape)))


class BrownianNoise:
    """Increments of Brownian paths between sigmas, scaled to unit variance; one path per entropy."""

    def __init__(
        self,
        sigma_min: float,
        sigma_max: float,
        entropies: Sequence[int],
        shape: tuple[int, ...],
        noise: ImageNoise,
    ) -> None:
        self._is_batch = len(shape) > 3
        self._device = noise.device
        self._trees = [
            BrownianTree(sigma_min, sigma_max, entropy, lambda seed: noise.draw_from(seed, shape))
            for entropy in entropies
        ]

    def __call__(self, sigma: Tensor, sigma_next: Tensor) -> Tensor:
        """Noise (B, C, h, w) for a step from one sigma (0-dim) down to another."""
        paths = [tree(float(sigma_next), float(sigma)) for tree in self._trees]
        # Paths lead from low sigmas to high ones, so a step down goes against them.
        increments = -(paths[0] if self._is_batch else torch.stack(paths))
        return (increments / (sigma_next - sigma).abs().sqrt()).to(self._device)


def slerp(strength: float, low: Tensor, high: Tensor) -> Tensor:
    """From one noise (C, h, w) towards another on the sphere between their columns (Shoemake 1985)."""
    cosine = (normalize(low, dim=1) * normalize(high, dim=1)).sum(1, keepdim=True)
    if cosine.mean() > PARALLEL:
        # Nearly the same direction: a straight line will do. A1111 walks it from the other end; kept, for
        # seeds recorded there.
        return strength * low + (1 - strength) * high
    angle = cosine.acos()
    return ((1 - strength) * angle).sin() / angle.sin() * low + (strength * angle).sin() / angle.sin() * high


def paste_in_middle(background: Tensor, noise: Tensor) -> Tensor:
    """Noise (C, h', w') centred on a background (C, h, w), cut where it is larger; changes the background."""
    target, source = zip(
        *(centred_slices(background.shape[axis], noise.shape[axis]) for axis in (1, 2)), strict=True
    )
    background[:, *target] = noise[:, *source]
    return background


def centred_slices(outer: int, inner: int) -> tuple[slice, slice]:
    """Where in `outer` cells the middle lies, and which of `inner` cells fall on it."""
    # Floor division also for the negative case: A1111 cuts odd differences so.
    offset = (outer - inner) // 2
    length = inner if offset >= 0 else inner + 2 * offset
    return slice(max(offset, 0), max(offset, 0) + length), slice(max(-offset, 0), max(-offset, 0) + length)
