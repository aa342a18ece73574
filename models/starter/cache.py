"""Turns drawn shards into what training reads: latents at two sizes and the tokens of a few captions each."""

import argparse
import logging
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL

from models.starter.bank import SHARD_SIZE, save_array, scene_of, shard_path
from models.starter.captions import caption, token_ids
from models.starter.networks import SCALE_FACTOR, make_vae
from models.starter.train_vae import to_tensor

logger = logging.getLogger(__name__)

CAPTIONS = 6
# Learning starts on halved pictures, four times as fast, and goes on at the native size.
SIZES = (128, 256)


def latent_path(folder: Path, size: int, number: int) -> Path:
    """Latents of a shard, float16 (SHARD_SIZE, 4, size/8, size/8), already times SCALE_FACTOR."""
    return folder / f"latents-{size}" / f"{number:05d}.npy"


def token_path(folder: Path, number: int) -> Path:
    """Caption tokens of a shard, uint16 (SHARD_SIZE, CAPTIONS, 77)."""
    return folder / "tokens" / f"{number:05d}.npy"


def cache_tokens(folder: Path, number: int) -> None:
    """Write the tokens of a shard unless they are there."""
    path = token_path(folder, number)
    if path.exists():
        return
    rows = []
    for seed in range(number * SHARD_SIZE, (number + 1) * SHARD_SIZE):
        rng, scene = np.random.default_rng((seed, 2)), scene_of(seed)
        rows.append([token_ids(caption(scene, rng)) for _ in range(CAPTIONS)])
    save_array(path, np.array(rows, np.uint16))


@torch.no_grad()
def cache_latents(folder: Path, number: int, size: int, vae: AutoencoderKL) -> None:
    """Write the latents of a shard unless they are there."""
    path = latent_path(folder, size, number)
    if path.exists():
        return
    device = next(vae.parameters()).device
    pictures = np.load(shard_path(folder, number), mmap_mode="r")
    parts = []
    for first in range(0, len(pictures), 16):
        part = to_tensor(np.array(pictures[first : first + 16])).to(device)
        if size < part.shape[-1]:
            part = torch.nn.functional.avg_pool2d(part, part.shape[-1] // size)
        with torch.autocast(device.type, torch.bfloat16):
            parts.append(vae.encode(part).latent_dist.mean.float().cpu() * SCALE_FACTOR)
    save_array(path, torch.cat(parts).half().numpy())


def main() -> None:
    """Cache every drawn shard; run again when more are drawn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sizes", type=int, nargs="*", default=list(SIZES), help="none: tokens only")
    parser.add_argument("--threads", type=int, default=1)
    choice = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(choice.threads)
    numbers = sorted(int(path.stem) for path in (choice.folder / "pictures").glob("*.npy"))
    for number in numbers:
        cache_tokens(choice.folder, number)
    if not choice.sizes:
        return
    vae = make_vae()
    vae.load_state_dict(torch.load(choice.folder / "vae.pt", weights_only=True))
    vae = vae.to("cuda" if torch.cuda.is_available() else "cpu").eval()
    for size in choice.sizes:
        for number in numbers:
            cache_latents(choice.folder, number, size, vae)
        logger.info("Cached %d shards at %d pixels", len(numbers), size)


if __name__ == "__main__":
    main()
