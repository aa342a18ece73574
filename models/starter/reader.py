"""Reads a picture's pixels back into words: a small network, trained on drawings, that judges."""

import argparse
import logging
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from models.starter.bank import CHECK_SEED, SHARD_SIZE, scene_of, shard_path
from models.starter.draw import draw_scene
from models.starter.scene import (
    COLOURS,
    KINDS,
    LOOKS,
    PLACES,
    SIDES,
    SIZES,
    TIMES,
    WEATHERS,
    Scene,
    sample_split,
)

logger = logging.getLogger(__name__)

# Pictures are read at this size, like a viewer from some distance.
READ_SIZE = 128
BATCH = 64
LEARNING_RATE = 2e-3
EPOCHS = 8
# Each side is a slot: what stands there (or nothing), its colour, its size.
NOTHING = len(KINDS)
SLOT_HEADS = (len(KINDS) + 1, len(COLOURS), len(SIZES))
SCENE_WORDS = {"place": PLACES, "time": TIMES, "weather": WEATHERS, "look": LOOKS}
UNKNOWN = -100
# Of the eight columns of features, four belong to each side.
FIRST_COLUMNS = (0, 2, 4)


def block(incoming: int, outgoing: int, stride: int) -> nn.Sequential:
    """Convolution, normalisation, rectifier."""
    convolution = nn.Conv2d(incoming, outgoing, 3, stride, 1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outgoing), nn.ReLU())


class Reader(nn.Module):
    """Pictures (B, 3, 128, 128) in [-1, 1] to scores of every word."""

    def __init__(self) -> None:
        """Random weights."""
        super().__init__()
        self.trunk = nn.Sequential(
            block(3, 32, 2),
            block(32, 48, 1),
            block(48, 64, 2),
            block(64, 96, 2),
            block(96, 96, 1),
            block(96, 128, 2),
        )
        self.scene = nn.Linear(256, sum(len(words) for words in SCENE_WORDS.values()))
        # One judge for all sides, who sees half of the picture's width around each.
        self.judge = nn.Sequential(
            nn.Conv2d(128, 48, 1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Dropout(0.1),
            nn.Linear(48 * 8 * 4, 256),
            nn.ReLU(),
            nn.Linear(256, sum(SLOT_HEADS)),
        )

    def forward(self, pictures: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """(scores of place, time, weather, look; scores (B, 3 sides, n) of kind, colour, size)."""
        features = self.trunk(pictures)
        pooled = torch.cat([features.mean((2, 3)), features.amax((2, 3))], 1)
        scene = list(self.scene(pooled).split([len(words) for words in SCENE_WORDS.values()], 1))
        halves = [features[..., first : first + 4] for first in FIRST_COLUMNS]
        slots = torch.stack([self.judge(half) for half in halves], 1)
        return scene, list(slots.split(SLOT_HEADS, 2))


def labels_of(scene: Scene) -> list[int]:
    """4 scene labels, then kind, colour and size of each of the 3 sides."""
    labels = [words.index(getattr(scene, name)) for name, words in SCENE_WORDS.items()]
    by_side = {thing.side: thing for thing in scene.things}
    for side in SIDES:
        thing = by_side.get(side)
        if thing is None:
            labels += [NOTHING, UNKNOWN, UNKNOWN]
        else:
            labels += [KINDS.index(thing.kind), list(COLOURS).index(thing.colour), SIZES.index(thing.size)]
    return labels


def to_input(pictures: NDArray[np.uint8]) -> Tensor:
    """Pictures (B, 128, 128, 3) uint8 to the reader's input."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1


def shrink(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture (H, W, 3) at the reading size."""
    return np.asarray(cv2.resize(picture, (READ_SIZE, READ_SIZE), interpolation=cv2.INTER_AREA), np.uint8)


def disturb(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Small shifts, blur and noise: a generated picture is never as clean as a drawing."""
    x, y = torch.randint(-4, 5, (2,), generator=generator).tolist()
    pictures = torch.roll(functional.pad(pictures, (4, 4, 4, 4), mode="replicate"), (y, x), (2, 3))[
        ..., 4:-4, 4:-4
    ]
    if torch.rand((), generator=generator) < 0.4:
        pictures = functional.interpolate(functional.avg_pool2d(pictures, 2), scale_factor=2, mode="bilinear")
    level = torch.rand((), generator=generator) * 0.10
    return pictures + level * torch.randn(pictures.shape, generator=generator)


def reading_loss(reader: Reader, pictures: Tensor, labels: Tensor) -> Tensor:
    """Sum of the cross entropies of all words; labels (B, 13)."""
    scene, slots = reader(pictures)
    loss = sum(
        (functional.cross_entropy(scores, labels[:, i]) for i, scores in enumerate(scene)), torch.zeros(())
    )
    slot_labels = labels[:, len(scene) :].view(len(labels), len(SIDES), len(slots))
    for head, scores in enumerate(slots):
        loss = loss + functional.cross_entropy(
            scores.flatten(0, 1), slot_labels[:, :, head].flatten(), ignore_index=UNKNOWN
        )
    return loss


def train_reader(reader: Reader, folder: Path, shards: int, seed: int) -> Reader:
    """Train on the first `shards` shards of drawings."""
    stored = [np.load(shard_path(folder, number), mmap_mode="r") for number in range(shards)]
    pictures = np.concatenate([np.stack([shrink(picture) for picture in shard]) for shard in stored])
    labels = torch.tensor([labels_of(scene_of(seed)) for seed in range(shards * SHARD_SIZE)])
    steps = EPOCHS * (len(pictures) // BATCH)
    optimizer = torch.optim.AdamW(reader.parameters(), lr=LEARNING_RATE, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, steps, pct_start=0.15)
    generator = torch.Generator().manual_seed(seed)
    for step in range(steps):
        if step % (len(pictures) // BATCH) == 0:
            order = torch.randperm(len(pictures), generator=generator)
        rows = order[step % (len(pictures) // BATCH) * BATCH :][:BATCH]
        batch = disturb(to_input(pictures[rows.numpy()]), generator)
        with torch.autocast("cpu", torch.bfloat16):
            loss = reading_loss(reader, batch, labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 100 == 0:
            logger.info("reader step %d of %d, loss %.3f", step, steps, loss.item())
    return reader.eval()


@dataclass(frozen=True, slots=True)
class Reading:
    """What the reader saw: scene words by attribute, and (kind, colour, size) or None by side."""

    scene: dict[str, str]
    slots: dict[str, tuple[str, str, str] | None]


@torch.no_grad()
def read(reader: Reader, pictures: NDArray[np.uint8]) -> list[Reading]:
    """Read pictures (B, H, W, 3), RGB uint8, any size."""
    scene, slots = reader(to_input(np.stack([shrink(picture) for picture in pictures])))
    words = [scores.argmax(-1).tolist() for scores in (*scene, *slots)]
    colours = list(COLOURS)
    readings = []
    for row in range(len(pictures)):
        names = {name: choices[words[i][row]] for i, (name, choices) in enumerate(SCENE_WORDS.items())}
        seen: dict[str, tuple[str, str, str] | None] = {}
        for place, side in enumerate(SIDES):
            kind, colour, size = (words[len(SCENE_WORDS) + head][row][place] for head in range(3))
            seen[side] = None if kind == NOTHING else (KINDS[kind], colours[colour], SIZES[size])
        readings.append(Reading(names, seen))
    return readings


def judge(scene: Scene, reading: Reading) -> dict[str, tuple[int, int]]:
    """(right, asked) by attribute; a thing that is not there has colour, size and side wrong as well."""
    marks = {name: (int(reading.scene[name] == getattr(scene, name)), 1) for name in SCENE_WORDS}
    for name in ("object", "colour", "size", "side"):
        marks[name] = (0, len(scene.things))
    for thing in scene.things:
        sides = [side for side, seen in reading.slots.items() if seen is not None and seen[0] == thing.kind]
        if not sides:
            continue
        side = thing.side if thing.side in sides else sides[0]
        seen = reading.slots[side]
        assert seen is not None
        right = {
            "object": True,
            "colour": seen[1] == thing.colour,
            "size": seen[2] == thing.size,
            "side": side == thing.side,
        }
        for name, is_right in right.items():
            marks[name] = (marks[name][0] + is_right, marks[name][1])
    count = sum(seen is not None for seen in reading.slots.values())
    marks["count"] = (int(count == len(scene.things)), 1)
    return marks


def total(marks: list[dict[str, tuple[int, int]]]) -> dict[str, float]:
    """Per cent right by attribute, and `all`: every attribute asked for (without `count`)."""
    sums = {name: [sum(mark[name][i] for mark in marks) for i in range(2)] for name in marks[0]}
    asked = [pair for name, pair in sums.items() if name != "count"]
    sums["all"] = [sum(pair[0] for pair in asked), sum(pair[1] for pair in asked)]
    return {name: 100 * right / max(1, count) for name, (right, count) in sums.items()}


def accuracy_on_drawings(reader: Reader, count: int) -> dict[str, float]:
    """How well the reader reads drawings of held-out combinations, per cent by attribute."""
    marks = []
    for seed in range(CHECK_SEED, CHECK_SEED + count):
        scene = sample_split(np.random.default_rng((seed, 1)), held_out=True)
        marks.append(judge(scene, read(reader, draw_scene(scene, seed)[None])[0]))
    return total(marks)


def main() -> None:
    """Train the reader on the bank of drawings and write `reader.pt` there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--shards", type=int, default=60)
    parser.add_argument("--threads", type=int, default=1)
    choice = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(choice.threads)
    torch.manual_seed(0)
    reader = train_reader(Reader(), choice.folder, choice.shards, seed=0)
    torch.save(reader.state_dict(), choice.folder / "reader.pt")
    for name, share in accuracy_on_drawings(reader, 500).items():
        logger.info("reader on held-out drawings: %s %.1f %%", name, share)


if __name__ == "__main__":
    main()
