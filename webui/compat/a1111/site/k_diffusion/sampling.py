"""Samplers and schedules of k-diffusion by its names."""
# pyright: basic

import torch

from k_diffusion import utils
from webui.compat.a1111.denoising.native import FUNCTION_NAMES, native_function
from webui.diffusion.noise import ImageNoise, NoiseOptions
from webui.diffusion.prediction import NoiseLevels
from webui.diffusion.schedules import ScheduleOptions, build_sigmas
from webui.diffusion.step import ancestral_sigmas

for _name in FUNCTION_NAMES:
    if _name.startswith("sample_"):
        globals()[_name] = native_function(_name)


def append_zero(x):
    return torch.cat([x, x.new_zeros([1])])


def _sigmas(label, n, sigma_min, sigma_max, rho, device):
    levels = NoiseLevels(torch.tensor([float(sigma_min), float(sigma_max)]))
    return build_sigmas(
        label, int(n), levels, ScheduleOptions(float(sigma_min), float(sigma_max), float(rho))
    ).to(device)


def get_sigmas_karras(n, sigma_min, sigma_max, rho=7.0, device="cpu"):
    return _sigmas("Karras", n, sigma_min, sigma_max, rho, device)


def get_sigmas_exponential(n, sigma_min, sigma_max, device="cpu"):
    return _sigmas("Exponential", n, sigma_min, sigma_max, 0.0, device)


def get_sigmas_polyexponential(n, sigma_min, sigma_max, rho=1.0, device="cpu"):
    return _sigmas("Polyexponential", n, sigma_min, sigma_max, rho, device)


def to_d(x, sigma, denoised):
    return (x - denoised) / utils.append_dims(sigma, x.ndim)


def get_ancestral_step(sigma_from, sigma_to, eta=1.0):
    return ancestral_sigmas(sigma_from, sigma_to, eta)


def default_noise_sampler(x):
    return lambda sigma, sigma_next: torch.randn_like(x)


class BrownianTreeNoiseSampler:
    def __init__(self, x, sigma_min, sigma_max, seed=None, transform=lambda x: x, cpu=False):
        seeds = [0] * len(x) if seed is None else seed if isinstance(seed, list | tuple) else [seed] * len(x)
        noise = ImageNoise(tuple(x.shape[1:]), [int(each) for each in seeds], NoiseOptions("CPU"), x.device)
        self._noise = noise.brownian(float(sigma_min), float(sigma_max))

    def __call__(self, sigma, sigma_next):
        return self._noise(torch.as_tensor(sigma).cpu(), torch.as_tensor(sigma_next).cpu())
