"""Noise that follows seeds."""
# pyright: basic

import torch

from modules import shared
from webui.compat.a1111.denoising.noise import SharedNoise, latent_size_of, lend_torch, make_source
from webui.diffusion.noise import SEED_RANGE, ImageNoise, NoiseOptions, draw_noise, make_generator
from webui.diffusion.noise import slerp as _slerp

_shared_noise = SharedNoise()
# The noise of the passes that run, one within another.
_passes: list[ImageNoise] = []


def get_noise_source_type():
    return "cuda" if source() == "NV" else "cpu" if source() == "CPU" else str(shared.device)


def source():
    """NV, CPU or GPU, as settings say."""
    return make_source(getattr(shared.opts, "randn_source", None))


def seed_steps(seed, kind=None, device=None):
    """What `randn_like` draws follows this seed from now on."""
    _shared_noise.seed(int(seed), kind or source(), torch.device(device or shared.device))


def follow(noise):
    """A pass begins: its steps draw from its own noise, and what draws from torch itself follows its seed."""
    seed_steps(noise.seeds[0], noise.options.source, noise.device)
    torch.manual_seed(noise.seeds[0] % SEED_RANGE)
    _passes.append(noise)
    lend_torch(step_noise)


def unfollow(noise):
    """It is over."""
    _passes[:] = [each for each in _passes if each is not noise]
    if not _passes:
        lend_torch(None)


def step_noise(x):
    """The next noise of the pass, each picture's of its own seed; of another shape, the first one's."""
    noise = _passes[-1] if _passes else None
    if noise is not None and tuple(x.shape) == (len(noise.seeds), *noise.shape):
        return noise.draw().to(x)
    return randn_like(x)


def manual_seed(seed):
    seed_steps(seed)


def randn(seed, shape, generator=None):
    """The first noise of a seed."""
    seed_steps(seed)
    return randn_without_seed(shape, generator)


def randn_local(seed, shape):
    return draw_noise(source(), int(seed), tuple(shape), torch.device(shared.device))


def randn_like(x):
    return _shared_noise.draw(tuple(x.shape), x.device).to(x)


def randn_without_seed(shape, generator=None):
    if generator is not None:
        return generator.randn(tuple(shape)).to(shared.device)
    return _shared_noise.draw(tuple(shape), torch.device(shared.device))


def create_generator(seed):
    return make_generator(source(), int(seed), torch.device(shared.device))


def slerp(val, low, high):
    return _slerp(val, low, high)


class ImageRNG:
    def __init__(
        self, shape, seeds, subseeds=None, subseed_strength=0.0, seed_resize_from_h=0, seed_resize_from_w=0
    ):
        channels, height, width = (int(side) for side in shape)
        self.shape = (channels, height, width)
        self.seeds = seeds
        self.subseeds = subseeds
        self.subseed_strength = subseed_strength
        self.seed_resize_from_h = seed_resize_from_h
        self.seed_resize_from_w = seed_resize_from_w
        self.is_first = True
        options = NoiseOptions(
            source(),
            tuple(int(seed) for seed in subseeds or ()),
            float(subseed_strength or 0.0),
            latent_size_of(seed_resize_from_h, seed_resize_from_w),
            int(getattr(shared.opts, "eta_noise_seed_delta", 0) or 0),
        )
        self._noise = ImageNoise(
            self.shape, [int(seed) for seed in seeds], options, torch.device(shared.device)
        )

    @property
    def generators(self):
        return self._noise._generators

    def first(self):
        return ImageNoise(self.shape, self._noise.seeds, self._noise.options, self._noise.device).draw()

    def next(self):
        self.is_first = False
        return self._noise.draw()


def brownian_noise(x, sigmas, p):
    """A noise sampler for SDE samplers."""
    positive = sigmas[sigmas > 0]
    _, channels, height, width = x.shape
    noise = ImageNoise((channels, height, width), list(p.seeds), NoiseOptions(source()), x.device)
    path = noise.brownian(float(positive.min()), float(sigmas.max()))
    return lambda sigma, sigma_next: path(torch.as_tensor(sigma).cpu(), torch.as_tensor(sigma_next).cpu())
