"""Whether a ControlNet that was trained on a few drawings follows its hints, by pixels.

python -m benchmarks.hints data FOLDER [--count 14]           draw a data set: drawings, captions, hints
python -m benchmarks.hints measure FILE [--count 50] [--sheet sheet.jpg]

The hints are the outlines of what is larger than a few pixels; captions and prompts say what is there, not
where. The score is the F-score of pictures' outlines to the hint within a pixel: of the checkpoint alone, and
with the ControlNet; that of the guided pictures to another drawing's hint is chance.
"""

import argparse
import json
import logging
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from extensions.controlnet.starter.check import (
    STARTER,
    draw_all,
    find_outlines,
    measure_adherence,
    say_what,
    score_all,
)
from extensions.controlnet.starter.painting import load_canny, paint, to_hints
from models.starter.bank import SIZE, scene_of
from models.starter.check import held_out_scenes
from models.starter.draw import draw_scene
from models.starter.sample import Painter, Sampling

logger = logging.getLogger(__name__)
# Of drawings; far from those that the Starter and its own ControlNets learned from.
DATA_SEED = 900_000_000
SHOWN = 8
HOW = Sampling(20, 4.0)


def write_data(folder: Path, count: int) -> None:
    """A data set as `method = "controlnet"` reads it: NN.png, NN.txt, hints/NN.png."""
    (folder / "hints").mkdir(parents=True, exist_ok=True)
    for number in range(count):
        scene = scene_of(DATA_SEED + number)
        picture = draw_scene(scene, DATA_SEED + number, SIZE)
        path = folder / f"{number:02d}.png"
        cv2.imwrite(str(path), picture[..., ::-1])
        cv2.imwrite(str(folder / "hints" / path.name), find_outlines(picture))
        path.with_suffix(".txt").write_text(say_what(scene), encoding="utf-8")


def measure(file: Path, count: int) -> tuple[dict[str, float], list[NDArray[np.uint8]]]:
    """Scores by name, and rows of pictures (B, 256, 256, 3): hints, without, with."""
    painter, network, scenes = Painter.load(STARTER), load_canny(file), held_out_scenes(count)
    drawings = draw_all(scenes)
    edges = np.stack([find_outlines(drawing) for drawing in drawings])
    prompts = [say_what(scene) for scene in scenes]
    plain = paint(painter, prompts, HOW)
    guided = paint(painter, prompts, HOW, network, to_hints(edges))
    found = {
        "F-score without": score_all(plain, edges),
        "F-score with": score_all(guided, edges),
        "F-score with, to another drawing's hint": score_all(guided, np.roll(edges, 1, 0)),
        "as asked for, per cent, without": measure_adherence(plain, scenes),
        "as asked for, per cent, with": measure_adherence(guided, scenes),
    }
    return found, [np.repeat(edges[..., None], 3, -1), plain, guided]


def main() -> None:
    """Draw a data set, or measure a file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=("data", "measure"))
    parser.add_argument("path", type=Path)
    parser.add_argument("--count", type=int)
    parser.add_argument("--sheet", type=Path)
    choice = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    if choice.what == "data":
        write_data(choice.path, choice.count or 14)
        return
    found, rows = measure(choice.path, choice.count or 50)
    logger.info("%s", json.dumps(found))
    if choice.sheet:
        sheet = np.concatenate([np.concatenate(list(row[:SHOWN]), 1) for row in rows])
        cv2.imwrite(str(choice.sheet), sheet[..., ::-1])


if __name__ == "__main__":
    main()
