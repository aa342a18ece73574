"""Measures by pixels whether the Starter's control networks do what they are for, on held-out drawings."""

import argparse
import functools
import json
import logging
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from extensions.controlnet.apply import BALANCED
from extensions.controlnet.networks.base import ControlNetwork
from extensions.controlnet.starter.data import CELL, find_edges, mean_colours
from extensions.controlnet.starter.painting import load_canny, load_color, paint, to_hints
from extensions.controlnet.units import CONTROL_MODES, ControlMode
from models.starter.bank import CHECK_SEED
from models.starter.captions import (
    LOOK_WORDS,
    PLACE_WORDS,
    TIME_WORDS,
    WEATHER_WORDS,
    full_caption,
    joined,
    with_article,
)
from models.starter.check import held_out_scenes
from models.starter.draw import draw_scene
from models.starter.reader import Reader, judge, read, total
from models.starter.sample import Painter, Sampling, save_picture, sheet
from models.starter.scene import Scene

logger = logging.getLogger(__name__)

ROOT = Path(__file__).parents[3]
STARTER = ROOT / "models" / "starter" / "starter.safetensors"
NETWORKS = STARTER.parent
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


def say_what(scene: Scene) -> str:
    """The scene in words that do not say where things stand and how large they are: a map says that."""
    things = joined([with_article(f"{thing.colour} {thing.kind}") for thing in scene.things])
    where = (PLACE_WORDS[scene.place], TIME_WORDS[scene.time], WEATHER_WORDS[scene.weather])
    return f"{' '.join([things, *(words[0] for words in where)])}, {LOOK_WORDS[scene.look][0]}"


@dataclass(frozen=True, slots=True)
class Checked:
    """Figures by name, and rows of pictures (B, 256, 256, 3) for the eye."""

    figures: dict[str, float]
    rows: list[NDArray[np.uint8]]


def check_canny(
    painter: Painter,
    network: ControlNetwork,
    scenes: list[Scene],
    how: Sampling,
    mode: ControlMode = BALANCED,
) -> Checked:
    """How well outlines are followed, when the prompt says what is there and when it says where as well."""
    edges = np.stack([find_outlines(drawing) for drawing in draw_all(scenes)])
    figures: dict[str, float] = {}
    rows = [np.repeat(edges[..., None], 3, -1)]
    for name, say in (("what is there", say_what), ("what and where", full_caption)):
        prompts = [say(scene) for scene in scenes]
        plain = paint(painter, prompts, how)
        guided = paint(painter, prompts, how, network, to_hints(edges), mode)
        before, after = score_all(plain, edges), score_all(guided, edges)
        figures |= {
            f"{name}: F-score without": before,
            f"{name}: F-score with": after,
            f"{name}: times": after / max(before, 1e-9),
            f"{name}: followed without": measure_adherence(plain, scenes),
            f"{name}: followed with": measure_adherence(guided, scenes),
        }
        rows += [plain, guided]
    return Checked(figures, rows)


def check_color(painter: Painter, network: ControlNetwork, scenes: list[Scene], how: Sampling) -> Checked:
    """How near colours come to those of another drawing, and of the one that the prompt tells."""
    prompts = [full_caption(scene) for scene in scenes]
    own = np.stack([mean_colours(drawing, CELL) for drawing in draw_all(scenes)])
    plain = paint(painter, prompts, how)
    figures = {"followed without": measure_adherence(plain, scenes)}
    rows = [plain]
    for name, grids in (("another drawing's", np.roll(own, 1, 0)), ("its own", own)):
        guided = paint(painter, prompts, how, network, to_hints(enlarge(grids)))
        before, after = measure_colours(plain, grids), measure_colours(guided, grids)
        figures |= {
            f"{name}: distance without": before,
            f"{name}: distance with": after,
            f"{name}: share of it left": after / max(before, 1e-9),
            f"{name}: followed with": measure_adherence(guided, scenes),
        }
        rows += [enlarge(grids), guided]
    return Checked(figures, rows)


CHECKS = {"starter_canny": (load_canny, check_canny), "starter_color": (load_color, check_color)}


def main() -> None:
    """Check the networks of a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=NETWORKS)
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--cfg-scale", type=float, default=4.0)
    parser.add_argument("--only", choices=list(CHECKS))
    parser.add_argument("--mode", choices=CONTROL_MODES, default=BALANCED, help="of starter_canny")
    parser.add_argument("--pictures", type=Path, help="a folder for a sheet of the first eight of each")
    choice = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    painter, scenes = Painter.load(STARTER), held_out_scenes(choice.count)
    for name in [choice.only] if choice.only else list(CHECKS):
        load, check = CHECKS[name]
        if name == "starter_canny":
            check = functools.partial(check_canny, mode=choice.mode)
        network = load(choice.folder / f"{name}.safetensors")
        checked = check(painter, network, scenes, Sampling(choice.steps, choice.cfg_scale))
        logger.info("%s: %s", name, json.dumps(checked.figures, indent=1))
        if choice.pictures is not None:
            shown = np.concatenate([row[:SHOWN] for row in checked.rows])
            save_picture(choice.pictures / f"{name}.jpg", sheet(shown, min(choice.count, SHOWN)))


if __name__ == "__main__":
    main()
