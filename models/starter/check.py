"""Measures how well the checkpoint follows its prompts: generated pixels, read back into words."""

import argparse
import json
import logging
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from models.starter.bank import CHECK_SEED
from models.starter.captions import full_caption
from models.starter.draw import HEIGHTS, MIDDLES
from models.starter.objects import FLYING
from models.starter.reader import Reader, accuracy_on_drawings, judge, read, total
from models.starter.sample import Painter, Sampling, paint, save_picture, sheet
from models.starter.scene import COLOURS, KINDS, Scene, sample_split

logger = logging.getLogger(__name__)

BATCH = 10
# A channel that moved by more than this (of 255) makes a changed pixel.
CHANGED = 24


def held_out_scenes(count: int) -> list[Scene]:
    """Scenes with a combination of kind, colour, place and look that no training picture had."""
    seeds = range(CHECK_SEED, CHECK_SEED + count)
    return [sample_split(np.random.default_rng((seed, 3)), held_out=True) for seed in seeds]


def paint_all(painter: Painter, prompts: list[str], seeds: list[int], how: Sampling) -> NDArray[np.uint8]:
    """Pictures of any number of prompts, a few at a time."""
    parts = []
    for first in range(0, len(prompts), BATCH):
        window = slice(first, first + BATCH)
        parts.append(paint(painter, prompts[window], seeds[window], how))
        logger.debug("Painted %d of %d", first + BATCH, len(prompts))
    return np.concatenate(parts)


def check_prompts(
    painter: Painter, reader: Reader, count: int, how: Sampling, folder: Path | None
) -> dict[str, float]:
    """Per cent of attributes right on `count` held-out prompts, by attribute and over all."""
    scenes = held_out_scenes(count)
    pictures = paint_all(painter, [full_caption(scene) for scene in scenes], list(range(count)), how)
    if folder is not None:
        save_picture(folder / "check.png", sheet(pictures[:40], 8))
        (folder / "check.txt").write_text(
            "\n".join(full_caption(scene) for scene in scenes[:40]), encoding="utf-8"
        )
    readings = read(reader, pictures)
    return total([judge(scene, reading) for scene, reading in zip(scenes, readings, strict=True)])


def thing_window(scene: Scene, size: int) -> NDArray[np.bool_]:
    """Where the first thing of a scene may stand on the picture (size, size)."""
    thing = scene.things[0]
    height = HEIGHTS[thing.size][1]
    middle, half = MIDDLES[thing.side], height * 0.66 + 0.04
    foot = 0.36 + height / 2 if thing.kind in FLYING else 0.95
    window = np.zeros((size, size), np.bool_)
    top, bottom = foot - height * 1.25, foot + 0.03
    window[
        max(0, int(top * size)) : int(bottom * size),
        max(0, int((middle - half) * size)) : int((middle + half) * size),
    ] = True
    return window


@dataclass(frozen=True, slots=True)
class Swap:
    """Changed pixels inside and outside the thing's window and what the reader makes of it, per cent."""

    changed_inside: float
    changed_outside: float
    new_word_read: float
    scene_kept: float


def swapped(scene: Scene, attribute: str, rng: np.random.Generator) -> Scene:
    """The scene with another colour or another kind (flying for flying) for its first thing."""
    thing = scene.things[0]
    if attribute == "colour":
        others = [colour for colour in COLOURS if colour != thing.colour]
    else:
        others = [kind for kind in KINDS if kind != thing.kind and (kind in FLYING) == (thing.kind in FLYING)]
    word = others[int(rng.integers(len(others)))]
    changed = replace(thing, colour=word) if attribute == "colour" else replace(thing, kind=word)
    return replace(scene, things=(changed,))


def check_swap(painter: Painter, reader: Reader, attribute: str, count: int, how: Sampling) -> Swap:
    """Change one word at a fixed seed, `count` times, and look where the picture changed."""
    rng = np.random.default_rng(CHECK_SEED)
    befores = [scene for scene in held_out_scenes(20 * count) if len(scene.things) == 1][:count]
    afters = [swapped(scene, attribute, rng) for scene in befores]
    seeds = list(range(count))
    first = paint_all(painter, [full_caption(scene) for scene in befores], seeds, how)
    second = paint_all(painter, [full_caption(scene) for scene in afters], seeds, how)
    moved = (np.abs(first.astype(int) - second.astype(int)) > CHANGED).any(-1)
    windows = np.stack([thing_window(scene, how.size) for scene in befores])
    readings = list(zip(read(reader, first), read(reader, second), strict=True))
    word = "colour" if attribute == "colour" else "object"
    marks = [judge(scene, after)[word][0] for scene, (_, after) in zip(afters, readings, strict=True)]
    kept = [before.scene[name] == after.scene[name] for before, after in readings for name in before.scene]
    return Swap(
        100 * float(moved[windows].mean()),
        100 * float(moved[~windows].mean()),
        100 * float(np.mean(marks)),
        100 * float(np.mean(kept)),
    )


def main() -> None:
    """Check a checkpoint with the reader trained in the folder; writes `check.json` there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("folder", type=Path, help="where reader.pt is")
    parser.add_argument("--prompts", type=int, default=200)
    parser.add_argument("--swaps", type=int, default=30)
    parser.add_argument("--drawings", type=int, default=300)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--cfg-scale", type=float, default=4.0)
    parser.add_argument("--threads", type=int, default=1)
    choice = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(choice.threads)
    reader = Reader()
    reader.load_state_dict(torch.load(choice.folder / "reader.pt", weights_only=True))
    painter, how = Painter.load(choice.checkpoint), Sampling(choice.steps, choice.cfg_scale)
    report: dict[str, object] = {
        "reader on held-out drawings": accuracy_on_drawings(reader.eval(), choice.drawings)
    }
    report["generated"] = check_prompts(painter, reader, choice.prompts, how, choice.folder)
    for attribute in ("colour", "kind") if choice.swaps else ():
        swap = check_swap(painter, reader, attribute, choice.swaps, how)
        report[f"swap of one {attribute}"] = {name: getattr(swap, name) for name in Swap.__slots__}
    text = json.dumps(report, indent=1, default=float)
    (choice.folder / "check.json").write_text(text, encoding="utf-8")
    logger.info("%s", text)


if __name__ == "__main__":
    main()
