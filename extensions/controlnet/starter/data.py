"""What the Starter's control networks learn from: drawn pictures as latents, edges, colours and words."""

import argparse
import logging
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from diffusers import AutoencoderKL
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor

from models.starter.bank import SHARD_SIZE, scene_of
from models.starter.captions import caption, token_ids
from models.starter.draw import draw_scene
from models.starter.networks import SCALE_FACTOR, from_single_file

logger = logging.getLogger(__name__)

SIZE = 256
# Colours are kept as means of squares of this many pixels; coarser grids are means of these.
FINE_CELL = 16
# As the colour grid preprocessor makes them.
CELL = 64
CAPTIONS = 4
# The sliders' defaults; other thresholds are drawn for half of the pictures.
LOW, HIGH = 100, 200
# Folders of shards: as drawn, and in other colours than the captions say.
DRAWN, RECOLOURED = "shards", "recoloured"
ENCODED_AT_ONCE = 16
# Far from the seeds that the Starter's own README and checks use.
FIRST_SEED = 0


def find_edges(
    picture: NDArray[np.uint8], low: int = LOW, high: int = HIGH, blur: float = 0.0
) -> NDArray[np.uint8]:
    """Canny edges (H, W), 0 or 255, of an RGB picture (H, W, 3).

    With a `blur` (pixels) the outlines of things are left, and brush strokes, pixels and rain are not.
    """
    smooth = cv2.GaussianBlur(picture, (0, 0), blur) if blur else picture
    return np.asarray(cv2.Canny(smooth, low, high), np.uint8)


def mean_colours(picture: NDArray[np.uint8], cell: int) -> NDArray[np.uint8]:
    """The mean colour of each square of `cell` pixels: (H/cell, W/cell, 3) of a picture (H, W, 3)."""
    height, width = picture.shape[0] // cell, picture.shape[1] // cell
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def recolour(picture: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """The picture (H, W, 3) in the colours of another drawing, or in any, cell by cell and softly.

    A caption says what colours a scene has. Only where they are others does a network read the hint.
    """
    cells = picture.shape[0] // CELL
    if rng.uniform() < 0.5:
        other = int(rng.integers(2**31))
        wanted = mean_colours(draw_scene(scene_of(other), other, SIZE), CELL).astype(np.float32)
    else:
        wanted = (rng.uniform(0, 255, (1, 1, 3)) + rng.normal(0, 40, (cells, cells, 3))).astype(np.float32)
    shift = wanted - mean_colours(picture, CELL)
    soft = cv2.resize(shift, picture.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    share = rng.uniform(0.4, 1)
    return np.clip(picture + share * soft, 0, 255).astype(np.uint8)


def shard_path(folder: Path, number: int, kind: str = DRAWN) -> Path:
    """Where a shard of examples stands."""
    return folder / kind / f"{number:05d}.npz"


def find_both_edges(picture: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """All edges, and outlines alone, as packed bits (2, H, W/8); half of each with the sliders' defaults."""
    found = []
    for blur in (0.0, rng.uniform(1, 3)):
        low, high = LOW, HIGH
        if rng.uniform() < 0.5:
            low = int(rng.integers(40, 140))
            high = int(low * rng.uniform(1.5, 2.5))
        found.append(np.packbits(find_edges(picture, low, high, blur) > 0, axis=-1))
    return np.stack(found)


@torch.no_grad()
def encode(vae: AutoencoderKL, pictures: NDArray[np.uint8]) -> NDArray[np.float16]:
    """Latents (B, 4, H/8, W/8), times SCALE_FACTOR, of pictures (B, H, W, 3)."""
    parts = []
    for first in range(0, len(pictures), ENCODED_AT_ONCE):
        part = torch.from_numpy(pictures[first : first + ENCODED_AT_ONCE]).permute(0, 3, 1, 2)
        with torch.autocast("cpu", torch.bfloat16):
            mean = vae.encode(part.float() / 127.5 - 1, return_dict=False)[0].mean
            parts.append(mean.float() * SCALE_FACTOR)
    return torch.cat(parts).half().numpy()


def make_shard(folder: Path, number: int, vae: AutoencoderKL, *, is_recoloured: bool = False) -> None:
    """Draw and encode one shard unless it is there; a killed run leaves no half file."""
    path = shard_path(folder, number, RECOLOURED if is_recoloured else DRAWN)
    if path.exists():
        return
    seeds = range(FIRST_SEED + number * SHARD_SIZE, FIRST_SEED + (number + 1) * SHARD_SIZE)
    pictures, edges, tokens = [], [], []
    for seed in seeds:
        rng, scene = np.random.default_rng((seed, 2)), scene_of(seed)
        picture = draw_scene(scene, seed, SIZE)
        if is_recoloured:
            picture = recolour(picture, rng)
        pictures.append(picture)
        edges.append(find_both_edges(picture, rng))
        tokens.append([token_ids(caption(scene, rng)) for _ in range(CAPTIONS)])
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.savez(
            file,
            latents=encode(vae, np.stack(pictures)),
            edges=np.stack(edges),
            colours=np.stack([mean_colours(picture, FINE_CELL) for picture in pictures]),
            tokens=np.array(tokens, np.uint16),
        )
    partial.replace(path)


@dataclass(frozen=True, slots=True)
class Examples:
    """Everything drawn so far, in memory, one row a picture.

    latents (N, 4, h, w) float16; edges (N, 2, H, W/8) packed bits; colours (N, H/16, W/16, 3) uint8;
    tokens (N, captions, 77) uint16.
    """

    latents: NDArray[np.float16]
    edges: NDArray[np.uint8]
    colours: NDArray[np.uint8]
    tokens: NDArray[np.uint16]

    @staticmethod
    def read(folder: Path, kinds: tuple[str, ...] = (DRAWN,)) -> "Examples":
        """All whole shards of some kinds."""
        paths = [path for kind in kinds for path in sorted((folder / kind).glob("*.npz"))]
        shards = [np.load(path) for path in paths]
        names = ("latents", "edges", "colours", "tokens")
        return Examples(*(np.concatenate([shard[name] for shard in shards]) for name in names))

    def edge_hints(self, rows: NDArray[np.int64], kinds: NDArray[np.int64]) -> Tensor:
        """White edges on black as a ControlNet takes them: (B, 3, H, W) in 0…1; kind 0 is all, 1 outlines."""
        bits = np.unpackbits(self.edges[rows, kinds], axis=-1)
        return torch.from_numpy(bits).float()[:, None].expand(-1, 3, -1, -1)

    def colour_hints(self, rows: NDArray[np.int64], cell: int) -> Tensor:
        """The colour grid of cells of `cell` pixels, enlarged with hard borders: (B, 3, H, W) in 0…1."""
        fine = torch.from_numpy(self.colours[rows]).permute(0, 3, 1, 2).float() / 255
        coarse = torch.nn.functional.avg_pool2d(fine, cell // FINE_CELL)
        # Eight bits, as a hint that was a picture has.
        return ((coarse * 255).round() / 255).repeat_interleave(cell, 2).repeat_interleave(cell, 3)


def main() -> None:
    """Draw shards `first` to `last`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--checkpoint", type=Path, default=Path("models/starter/starter.safetensors"))
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--last", type=int, default=39)
    parser.add_argument("--recoloured", action="store_true", help="for starter_color")
    choice = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    vae = from_single_file(load_file(choice.checkpoint))[1]
    for number in range(choice.first, choice.last + 1):
        make_shard(choice.folder, number, vae, is_recoloured=choice.recoloured)
        logger.info("Drew shard %d of %d", number, choice.last)


if __name__ == "__main__":
    main()
