"""Measures by pixels whether the Starter's control networks do what they are for, on held-out drawings."""

import argparse
import json
import logging
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from extensions.controlnet.starter.data import CELL, find_edges, mean_colours
from extensions.controlnet.starter.painting import load_canny, load_color, paint, to_hints
from models.starter.bank import CHECK_SEED
from models.starter.captions import full_caption
from models.starter.check import held_out_scenes
from models.starter.draw import draw_scene
from models.starter.reader import Reader, judge, read, total
from models.starter.sample import Painter, Sampling, save_picture, sheet
from models.starter.scene import Scene

logger = logging.getLogger(__name__)

ROOT = Path(__file__).parents[3]
STARTER = ROOT / "models" / "starter" / "starter.safetensors"
NETWORKS = ROOT / "models" / "ControlNet"
READER = ROOT / "tests" / "starter" / "reader.safetensors"
# Pixels that an edge may be beside the drawn one.
TOLERANCE = 1
# Outlines of things: the Starter's autoencoder does not keep brush strokes, rain and single pixels, so their
# edges would be lost from the drawing itself.
OUTLINE_BLUR = 2.0
SHOWN = 8


def draw_all(scenes: list[Scene]) -> NDArray[np.uint8]:
    """The held-out drawings (B, 256, 256, 3)."""
    return np.stack([draw_scene(scene, CHECK_SEED + number) for number, scene in enumerate(scenes)])


def find_outlines(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Edges (H, W) of what is larger than a few pixels."""
    return find_edges(picture, blur=OUTLINE_BLUR)


def score_edges(found: NDArray[np.uint8], wanted: NDArray[np.uint8], tolerance: int = TOLERANCE) -> float:
    """F-score of edges (H, W): precision and recall within `tolerance` pixels, 0…1."""
    around = np.ones((2 * tolerance + 1, 2 * tolerance + 1), np.uint8)
    near_found, near_wanted = cv2.dilate(found, around), cv2.dilate(wanted, around)
    precision = ((found > 0) & (near_wanted > 0)).sum() / max(1, (found > 0).sum())
    recall = ((wanted > 0) & (near_found > 0)).sum() / max(1, (wanted > 0).sum())
    return float(2 * precision * recall / max(precision + recall, 1e-9))


def score_all(pictures: NDArray[np.uint8], wanted: NDArray[np.uint8]) -> float:
    """The mean F-score of pictures' outlines to the wanted ones."""
    pairs = zip(pictures, wanted, strict=True)
    return float(np.mean([score_edges(find_outlines(picture), edges) for picture, edges in pairs]))


def measure_colours(pictures: NDArray[np.uint8], grids: NDArray[np.uint8], cell: int = CELL) -> float:
    """The mean distance in RGB (0…255) of cells' mean colours to the asked ones (B, H/cell, W/cell, 3)."""
    found = np.stack([mean_colours(picture, cell) for picture in pictures]).astype(float)
    return float(np.linalg.norm(found - grids, axis=-1).mean())


def enlarge(grids: NDArray[np.uint8], cell: int = CELL) -> NDArray[np.uint8]:
    """Colour grids as pictures with hard borders."""
    return grids.repeat(cell, 1).repeat(cell, 2)


def measure_adherence(pictures: NDArray[np.uint8], scenes: list[Scene]) -> float:
    """Per cent of what the prompts ask for that the reader finds."""
    reader = Reader()
    reader.load_state_dict(load_file(READER))
    readings = read(reader.eval(), pictures)
    return total([judge(scene, reading) for scene, reading in zip(scenes, readings, strict=True)])["all"]


def check(
    folder: Path, count: int, how: Sampling, which: tuple[str, ...], pictures_to: Path | None
) -> dict[str, object]:
    """The figures of the networks in a folder."""
    painter = Painter.load(STARTER)
    scenes = held_out_scenes(count)
    prompts = [full_caption(scene) for scene in scenes]
    drawings = draw_all(scenes)
    plain = paint(painter, prompts, how)
    rows = [plain]
    report: dict[str, object] = {"pictures": count, "prompts followed": measure_adherence(plain, scenes)}
    if "canny" in which:
        edges = np.stack([find_outlines(drawing) for drawing in drawings])
        network = load_canny(folder / "starter_canny.safetensors")
        guided = paint(painter, prompts, how, network, to_hints(edges))
        before, after = score_all(plain, edges), score_all(guided, edges)
        report["starter_canny"] = {
            "edges without": before, "edges with": after, "times": after / max(before, 1e-9),
            "prompts followed": measure_adherence(guided, scenes),
        }  # fmt: skip
        rows += [np.repeat(edges[..., None], 3, -1), guided]
    if "color" in which:
        # Another drawing's colours: what the prompt says of light and place does not give them away.
        grids = np.stack([mean_colours(drawing, CELL) for drawing in np.roll(drawings, 1, 0)])
        network = load_color(folder / "starter_color.safetensors")
        guided = paint(painter, prompts, how, network, to_hints(enlarge(grids)))
        own = np.stack([mean_colours(drawing, CELL) for drawing in drawings])
        guided_own = paint(painter, prompts, how, network, to_hints(enlarge(own)))
        report["starter_color"] = {
            "distance without": measure_colours(plain, own),
            "distance with": measure_colours(guided_own, own),
            "of another drawing, without": measure_colours(plain, grids),
            "of another drawing, with": measure_colours(guided, grids),
            "prompts followed": measure_adherence(guided_own, scenes),
        }
        rows += [enlarge(own), guided_own, enlarge(grids), guided]
    if pictures_to is not None:
        save_picture(pictures_to, sheet(np.concatenate([row[:SHOWN] for row in rows]), min(count, SHOWN)))
    return report


def main() -> None:
    """Check the networks of a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=NETWORKS)
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--cfg-scale", type=float, default=4.0)
    parser.add_argument("--only", choices=("canny", "color"))
    parser.add_argument("--picture", type=Path, help="a sheet of the first eight, for the eye")
    choice = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    how = Sampling(choice.steps, choice.cfg_scale)
    which = (choice.only,) if choice.only else ("canny", "color")
    report = check(choice.folder, choice.count, how, which, choice.picture)
    logger.info("%s", json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
