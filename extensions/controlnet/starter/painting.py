"""Starter pictures with a control network beside the U-Net, in a plain DDIM loop: for the checker."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor

from extensions.controlnet.apply import BALANCED, CONTROL, mode_weights
from extensions.controlnet.networks.base import ControlCall, ControlNetwork, Residuals
from extensions.controlnet.networks.controlnet import load_controlnet
from extensions.controlnet.networks.t2i_adapter import load_t2i_adapter
from extensions.controlnet.units import ControlMode
from models.starter.captions import token_ids
from models.starter.networks import SCALE_FACTOR
from models.starter.sample import Painter, Sampling, first_noise
from models.starter.train import alphas_cumulative

BATCH = 5
FAMILY = "SD1"


def load_canny(path: Path) -> ControlNetwork:
    """The ControlNet of a file."""
    return load_controlnet(load_file(path), name=path.stem, family=FAMILY)


def load_color(path: Path) -> ControlNetwork:
    """The T2I-Adapter of a file."""
    return load_t2i_adapter(load_file(path), name=path.stem, family=FAMILY)


def to_hints(pictures: NDArray[np.uint8]) -> Tensor:
    """Pictures (B, H, W, 3) or (B, H, W) as hints (B, 3, H, W) in 0…1."""
    whole = pictures if pictures.ndim == 4 else np.repeat(pictures[..., None], 3, -1)
    return torch.from_numpy(whole).permute(0, 3, 1, 2).float() / 255


def weigh(residuals: Residuals, mode: ControlMode) -> Residuals:
    """As a unit of this mode weighs what is added: rows of prompts, then those of negative ones."""
    residuals = residuals.scaled(mode_weights(residuals, mode, 1.0, FAMILY))
    if mode != CONTROL:
        return residuals
    count = len(residuals.layers[0])
    return residuals.by_row((torch.arange(count) < count // 2).float())


@torch.no_grad()
def paint_part(
    painter: Painter,
    prompts: Sequence[str],
    seeds: Sequence[int],
    how: Sampling,
    control: tuple[ControlNetwork, Tensor] | None,
    mode: ControlMode = BALANCED,
) -> NDArray[np.uint8]:
    """Pictures (B, size, size, 3) of as many prompts, seeds and hints (Song 2020, DDIM, eta 0)."""
    alphas = alphas_cumulative()
    words = [*prompts, *[how.negative] * len(prompts)]
    tokens = torch.from_numpy(np.stack([token_ids(text) for text in words]).astype(np.int64))
    latent = clean = first_noise(seeds, how.size)
    timesteps = torch.linspace(999, 0, how.steps + 1).round().long()
    with torch.autocast("cpu", torch.bfloat16):
        crossattn = painter.text_encoder(tokens).last_hidden_state
        hint = None if control is None else torch.cat([control[1], control[1]])
        for now, following in pairwise(timesteps):
            both, rows = torch.cat([latent, latent]), now.repeat(len(words))
            residuals = {}
            if control is not None and hint is not None:
                call = ControlCall(both, rows, crossattn, None, hint)
                residuals = weigh(control[0].evaluate(call), mode).arguments()
            answer = painter.unet(both, rows, encoder_hidden_states=crossattn, **residuals).sample
            cond, uncond = answer.float().chunk(2)
            noise = uncond + how.cfg_scale * (cond - uncond)
            clean = (latent - (1 - alphas[now]).sqrt() * noise) / alphas[now].sqrt()
            latent = alphas[following].sqrt() * clean + (1 - alphas[following]).sqrt() * noise
        # diffusers annotates a class of tensors that nothing makes any more.
        decoded = painter.vae.decode(clean / SCALE_FACTOR, return_dict=False)[0]  # pyright: ignore[reportArgumentType]
    pictures = ((decoded.float().clamp(-1, 1) + 1) * 127.5).round().byte()
    return pictures.permute(0, 2, 3, 1).numpy()


def paint(
    painter: Painter,
    prompts: Sequence[str],
    how: Sampling,
    network: ControlNetwork | None = None,
    hints: Tensor | None = None,
    mode: ControlMode = BALANCED,
) -> NDArray[np.uint8]:
    """Pictures of any number of prompts, a few at a time; seeds count from 0."""
    parts = []
    for first in range(0, len(prompts), BATCH):
        window = slice(first, first + BATCH)
        control = None if network is None or hints is None else (network, hints[window])
        seeds = range(len(prompts))[window]
        parts.append(paint_part(painter, prompts[window], seeds, how, control, mode))
    return np.concatenate(parts)
