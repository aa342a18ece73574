"""Pictures from prompts with a plain DDIM loop: for the checker and the card, not for the application."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor
from transformers import CLIPTextModel

from models.starter.captions import token_ids
from models.starter.networks import SCALE_FACTOR, from_single_file
from models.starter.train import alphas_cumulative


@dataclass(frozen=True, slots=True)
class Painter:
    """The three networks, ready to draw."""

    unet: UNet2DConditionModel
    vae: AutoencoderKL
    text_encoder: CLIPTextModel

    @staticmethod
    def load(path: Path) -> "Painter":
        """From a single file in the SD1 layout."""
        unet, vae, text_encoder = from_single_file(load_file(path))
        device = "cuda" if torch.cuda.is_available() else "cpu"
        if device == "cpu":
            unet.set_attn_processor(AttnProcessor())
        return Painter(unet.to(device), vae.to(device), text_encoder.to(device))


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to sample; `size` in pixels."""

    steps: int = 20
    cfg_scale: float = 4.0
    size: int = 256
    negative: str = ""


def first_noise(seeds: Sequence[int], size: int) -> Tensor:
    """Unit noise (B, 4, size/8, size/8), one seed a picture."""
    shape = (4, size // 8, size // 8)
    return torch.stack([torch.randn(shape, generator=torch.Generator().manual_seed(seed)) for seed in seeds])


@torch.no_grad()
def paint(painter: Painter, prompts: Sequence[str], seeds: Sequence[int], how: Sampling) -> NDArray[np.uint8]:
    """Pictures (B, size, size, 3), RGB, for as many prompts and seeds (Song 2020, DDIM, eta 0)."""
    device = painter.unet.device
    alphas = alphas_cumulative().to(device)
    words = [*prompts, *[how.negative] * len(prompts)]
    tokens = torch.from_numpy(np.stack([token_ids(text) for text in words]).astype(np.int64)).to(device)
    latent = first_noise(seeds, how.size).to(device)
    timesteps = torch.linspace(999, 0, how.steps + 1).round().long()
    with torch.autocast(device.type, torch.bfloat16):
        conditioning = painter.text_encoder(tokens).last_hidden_state
        for now, following in pairwise(timesteps):
            both = painter.unet(
                torch.cat([latent, latent]), now.to(device), encoder_hidden_states=conditioning
            )
            cond, uncond = both.sample.float().chunk(2)
            noise = uncond + how.cfg_scale * (cond - uncond)
            clean = (latent - (1 - alphas[now]).sqrt() * noise) / alphas[now].sqrt()
            latent = alphas[following].sqrt() * clean + (1 - alphas[following]).sqrt() * noise
        latent = clean
    decoded = torch.cat([painter.vae.decode(part / SCALE_FACTOR).sample for part in latent.split(8)])
    pictures = ((decoded.float().clamp(-1, 1) + 1) * 127.5).round().byte()
    return pictures.permute(0, 2, 3, 1).cpu().numpy()


def sheet(pictures: NDArray[np.uint8], columns: int) -> NDArray[np.uint8]:
    """Pictures (B, H, W, 3) side by side, `columns` in a row."""
    rows = [np.concatenate(list(pictures[i : i + columns]), 1) for i in range(0, len(pictures), columns)]
    return np.concatenate(rows, 0)


def save_picture(path: Path, picture: NDArray[np.uint8]) -> None:
    """Write an RGB picture; JPEG at quality 88."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, 88] if path.suffix == ".jpg" else []
    ok, data = cv2.imencode(path.suffix, picture[..., ::-1], quality)
    assert ok
    path.write_bytes(data.tobytes())


def main() -> None:
    """Draw the prompts into one sheet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("prompts", nargs="+")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--cfg-scale", type=float, default=4.0)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--columns", type=int, default=4)
    choice = parser.parse_args()
    torch.set_num_threads(1)
    seeds = range(choice.seed, choice.seed + len(choice.prompts))
    how = Sampling(choice.steps, choice.cfg_scale, choice.size)
    save_picture(
        choice.picture,
        sheet(paint(Painter.load(choice.checkpoint), choice.prompts, seeds, how), choice.columns),
    )


if __name__ == "__main__":
    main()
