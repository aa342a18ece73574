"""The drawn pictures on disk: shards that any machine redraws from their number alone."""

import argparse
import logging
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.starter.draw import draw_scene
from models.starter.scene import Scene, sample_split

logger = logging.getLogger(__name__)

SHARD_SIZE = 256
SIZE = 256
# Seeds of training scenes start here; those of the checker and of the card's prompts far above.
CHECK_SEED = 1_000_000_000


def scene_of(seed: int) -> Scene:
    """The training scene with this seed (never a held-out combination)."""
    return sample_split(np.random.default_rng((seed, 1)), held_out=False)


def shard_path(folder: Path, number: int) -> Path:
    """Where a shard of pictures stands: uint8 (SHARD_SIZE, SIZE, SIZE, 3)."""
    return folder / "pictures" / f"{number:05d}.npy"


def save_array(path: Path, array: NDArray[np.generic]) -> None:
    """Write beside the place and rename: a killed run leaves no half file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.save(file, array)
    partial.replace(path)


def draw_shard(folder: Path, number: int) -> None:
    """Draw one shard unless it is there."""
    path = shard_path(folder, number)
    if path.exists():
        return
    seeds = range(number * SHARD_SIZE, (number + 1) * SHARD_SIZE)
    save_array(path, np.stack([draw_scene(scene_of(seed), seed, SIZE) for seed in seeds]))


def main() -> None:
    """Draw shards `first` to `last`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--last", type=int, default=59)
    choice = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    cv2.setNumThreads(1)
    for number in range(choice.first, choice.last + 1):
        draw_shard(choice.folder, number)
        logger.info("Drew shard %d of %d", number, choice.last)


if __name__ == "__main__":
    main()
