"""What all samplers have, and pictures of latents on their way."""
# pyright: basic

import inspect
from collections import namedtuple
from typing import Any

import numpy as np
import torch
from PIL import Image

from modules import shared
from webui.compat.a1111.denoising.function_steps import SamplingStopped as InterruptedException
from webui.diffusion.denoising import img2img_steps

SamplerDataTuple = namedtuple("SamplerData", ["name", "constructor", "aliases", "options"])
approximation_indexes = {"Full": 0, "Approx NN": 1, "Approx cheap": 2, "TAESD": 3}


class SamplerData(SamplerDataTuple):
    def total_steps(self, steps):
        """Evaluations."""
        return steps * 2 if self.options.get("second_order", False) else steps


def setup_img2img_steps(p, steps=None):
    """(steps of the whole schedule, the last of them to run, less one)."""
    fixed = bool(getattr(shared.opts, "img2img_fix_steps", False))
    part = img2img_steps(p.steps, p.denoising_strength, fix_steps=fixed, second_pass_steps=steps)
    return part.total, part.t_enc


def samples_to_images_tensor(sample, approximation=None, model=None):
    """Latents (B, C, h, w) to pictures (B, 3, H, W) in -1…1."""
    return decode_first_stage(model or shared.sd_model, sample)


def decode_first_stage(model, x):
    from modules import devices

    return model.decode_first_stage(x.to(devices.dtype_vae))


def single_sample_to_image(sample, approximation=None):
    """One latent (C, h, w) to a PIL picture."""
    pixels = samples_to_images_tensor(sample.unsqueeze(0), approximation)[0] * 0.5 + 0.5
    pixels = (torch.clamp(pixels, 0.0, 1.0) * 255.0).permute(1, 2, 0).cpu().float().numpy()
    return Image.fromarray(pixels.astype(np.uint8))


def sample_to_image(samples, index=0, approximation=None):
    return single_sample_to_image(samples[index], approximation)


def samples_to_image_grid(samples, approximation=None):
    from modules import images

    return images.image_grid([single_sample_to_image(sample, approximation) for sample in samples])


def images_tensor_to_samples(image, approximation=None, model=None):
    """Pictures (B, 3, H, W) in 0…1 to latents."""
    from modules import devices

    model = model or shared.sd_model
    image = image.to(shared.device, dtype=devices.dtype_vae) * 2 - 1
    return model.get_first_stage_encoding(model.encode_first_stage(image))


def store_latent(decoded):
    """Where live previews of A1111's look; this program draws its own."""
    shared.state.current_latent = decoded


def is_sampler_using_eta_noise_seed_delta(p):
    from modules import sd_samplers

    config = sd_samplers.find_sampler_config(p.sampler_name)
    return bool(config and config.options.get("uses_ensd", False))


def replace_torchsde_browinan():
    """Nothing: Brownian noise follows the seeds here."""


def apply_refiner(cfg_denoiser, x=None):
    """Nothing to do here: the refiner takes over by itself. Says whether it did just now."""
    return False


class Sampler:
    def __init__(self, funcname):
        self.funcname = funcname
        self.func = funcname
        self.extra_params = []
        self.sampler_noises = None
        self.stop_at = None
        self.eta = None
        self.config: Any = None
        self.last_latent = None
        self.s_churn = 0.0
        self.s_tmin = 0.0
        self.s_tmax = float("inf")
        self.s_noise = 1.0
        self.s_min_uncond = None
        self.options = {}
        self.eta_option_field = "eta_ancestral"
        self.eta_infotext_field = "Eta"
        self.eta_default = 1.0
        self.conditioning_key = "crossattn"
        self.p = None
        self.model_wrap = None
        self.model_wrap_cfg: Any = None
        self.sampler_extra_args = None

    def callback_state(self, d):
        """Called in the middle of each step, with x, i, sigma, sigma_hat and denoised."""
        step = d["i"]
        if self.stop_at is not None and step > self.stop_at:
            raise InterruptedException
        shared.state.sampling_step = step

    def launch_sampling(self, steps, func):
        self.model_wrap_cfg.steps = steps
        self.model_wrap_cfg.total_steps = self.config.total_steps(steps)
        shared.state.sampling_steps = steps
        shared.state.sampling_step = 0
        try:
            if self.model_wrap_cfg.live_pass is None:
                from webui.compat.a1111.denoising.whole_passes import launch_with  # brings diffusers

                return launch_with(self, self.p, steps, func)
            return func()
        except InterruptedException:
            return self.last_latent

    def number_of_needed_noises(self, p):
        return p.steps

    def initialize(self, p):
        """The options that the function takes, from `p` and the settings."""
        self.p = p
        self.model_wrap_cfg.p = p
        self.model_wrap_cfg.step = 0
        self.model_wrap_cfg.image_cfg_scale = getattr(p, "image_cfg_scale", None)
        self.eta = (
            p.eta if getattr(p, "eta", None) is not None else getattr(shared.opts, self.eta_option_field, 0.0)
        )
        self.s_min_uncond = getattr(p, "s_min_uncond", 0.0)
        known = inspect.signature(self.func).parameters
        extra = {name: getattr(p, name) for name in self.extra_params if name in known and hasattr(p, name)}
        if "eta" in known:
            extra["eta"] = self.eta
        return extra

    def create_noise_sampler(self, x, sigmas, p):
        from modules import rng

        return rng.brownian_noise(x, sigmas, p)

    def sample(self, p, x, conditioning, unconditional_conditioning, steps=None, image_conditioning=None):
        """From noise (B, C, h, w) to the finished latent."""
        from webui.compat.a1111.denoising.whole_passes import sample_with  # brings diffusers

        return sample_with(
            self, p, x, None, (conditioning, unconditional_conditioning), steps, image_conditioning
        )

    def sample_img2img(
        self, p, x, noise, conditioning, unconditional_conditioning, steps=None, image_conditioning=None
    ):
        """From a latent and noise to the finished latent."""
        from webui.compat.a1111.denoising.whole_passes import sample_with  # brings diffusers

        return sample_with(
            self, p, noise, x, (conditioning, unconditional_conditioning), steps, image_conditioning
        )

    def add_infotext(self, p):
        """Nothing: this program writes what took effect."""
