"""The processing object, its result, and making pictures."""
# pyright: basic
# ruff: noqa: F401 - extensions read these names here

import json
import logging
import math
import os
import random
import sys
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps

from modules import masking, shared
from modules.shared import opts
from modules.shared_state import state
from webui.compat.a1111.facades.stand_ins import absent
from webui.compat.a1111.running import latents, masks, setting_up
from webui.compat.a1111.running.infotexts import create_infotext
from webui.compat.a1111.running.process_images import process_images, process_images_inner
from webui.compat.a1111.running.processed import Processed
from webui.compat.a1111.running.processing import (
    StableDiffusionProcessing,
    StableDiffusionProcessingImg2Img,
    StableDiffusionProcessingTxt2Img,
)
from webui.diffusion.noise import slerp

opt_C = 4
opt_f = 8
# Modules that extensions read here.
_MODULES = (
    "devices", "extra_networks", "face_restoration", "images", "infotext_utils", "lowvram",
    "prompt_parser", "rng", "scripts", "sd_hijack", "sd_models",
    "sd_samplers", "sd_samplers_common", "sd_unet", "sd_vae",
    "sd_vae_approx", "styles",
)  # fmt: skip
# Names of other modules that it has too.
_FROM = {
    "cmd_opts": "shared",
    "model_hijack": "sd_hijack",
    "decode_first_stage": "sd_samplers_common",
    "images_tensor_to_samples": "sd_samplers_common",
    "approximation_indexes": "sd_samplers_common",
}

setup_color_correction = masks.measure_colours
apply_color_correction = masks.correct_colours
apply_overlay = masks.apply_overlay
uncrop = masks.uncrop
create_binary_mask = masks.create_binary_mask
create_random_tensors = latents.create_random_tensors
decode_latent_batch = latents.decode_latent_batch
DecodedSamples = latents.DecodedSamples
get_fixed_seed = setting_up.fixed_seed
fix_seed = setting_up.fix_seeds
old_hires_fix_first_pass_dimensions = setting_up.first_pass_size


def program_version():
    from webui.compat.a1111.host import current

    return current().ready.version


def txt2img_image_conditioning(sd_model, x, width, height):
    return x.new_zeros(x.shape[0], 5, 1, 1)


def __getattr__(name):
    from importlib import import_module

    if name in _MODULES:
        return import_module(f"modules.{name}")
    if name in _FROM:
        return getattr(import_module(f"modules.{_FROM[name]}"), name)
    absent(__name__, name)


# Whoever imports all of it has the modules too, which are loaded when they are asked for.
__all__ = [name for name in dir() if not name.startswith("_")] + [*_MODULES, *_FROM]  # pyright: ignore[reportUnsupportedDunderAll]
