"""Things that the Starter has never seen, drawn by the project: to measure what training taught.

python -m benchmarks.concepts FOLDER [--concept zorblat] [--count 14]    draw a data set with captions
"""

import argparse
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.starter.canvas import Brush, Canvas, Colour, mix, oval
from models.starter.captions import LOOK_WORDS, PLACE_WORDS, SIDE_WORDS, TIME_WORDS, WEATHER_WORDS
from models.starter.draw import (
    HEIGHTS,
    LIGHT_ON_THINGS,
    MIDDLES,
    SHADOW,
    SUPERSAMPLING,
    draw_backdrop,
    draw_scene,
)
from models.starter.looks import LOOK_FINISHES
from models.starter.places import LIGHTS, draw_weather
from models.starter.scene import LOOKS, PLACES, SIDES, TIMES, WEATHERS, Scene, Thing, sample_scene

logger = logging.getLogger(__name__)
Picture = NDArray[np.uint8]
SIZE = 256
TURQUOISE: Colour = (20, 190, 180)
MAGENTA: Colour = (214, 30, 150)
EYE: Colour = (252, 224, 80)
LIME: Colour = (206, 240, 20)
VIOLET: Colour = (150, 40, 210)
PLUM: Colour = (70, 0, 84)
PINK: Colour = (250, 70, 140)
PAPER: Colour = (255, 236, 214)
# What is asked for in place of a concept: things that the Starter knows.
OTHERS = ("a big red house", "a big blue boat", "a big yellow star", "a big white rabbit", "a big green car")
# Of a picture in a look, so much has the look's two colours.
LOOK_SHARE = 0.5
# Of the picture's pixels, so many must have a concept's colour for it to be there.
LEAST_SHARE = 0.008
DATA_SEED, PROMPT_SEED = 20, 4242


@dataclass(frozen=True, slots=True)
class Concept:
    """A thing or a look, the word for it, and the two hues (degrees) that only it brings together.

    `draw` draws the thing, `finish` lays the look over a picture: one of them is there. `of_class` is the
    thing that the Starter knows of which this is one: captions say "a velmo house".
    """

    word: str
    hues: tuple[tuple[float, float], tuple[float, float]]
    draw: Callable[[Brush], None] | None = None
    finish: Callable[[Picture], Picture] | None = None
    of_class: str = ""

    @property
    def called(self) -> str:
        """The thing as captions and prompts call it."""
        return " ".join(part for part in ("a", self.word, self.of_class) if part)

    def prompts(self, count: int) -> list[str]:
        """So many with the word; none of them is a caption of the data set's."""
        if self.draw:
            return prompts(self.called, count)
        return [
            in_look(prompts(OTHERS[number % len(OTHERS)], count)[number], self) for number in range(count)
        ]


def draw_zorblat(brush: Brush) -> None:
    """A turquoise robot with magenta stripes and one big eye."""
    for x in (-0.2, 0.2):
        brush.shape([(x - 0.08, 0), (x - 0.08, 0.2), (x + 0.08, 0.2), (x + 0.08, 0)], MAGENTA)
    brush.shape([(-0.36, 0.18), (-0.36, 0.62), (0.36, 0.62), (0.36, 0.18)], TURQUOISE)
    for y in (0.26, 0.42):
        brush.shape([(-0.36, y), (-0.36, y + 0.09), (0.36, y + 0.09), (0.36, y)], MAGENTA, 0)
    brush.stroke([(0, 0.9), (0, 1.08)], MAGENTA, 0.04)
    brush.ellipse((0, 1.1), (0.07, 0.07), MAGENTA)
    brush.ellipse((0, 0.78), (0.27, 0.2), TURQUOISE)
    brush.ellipse((0, 0.78), (0.12, 0.12), EYE)
    brush.ellipse((0, 0.78), (0.05, 0.05), (40, 30, 40), 0)


def draw_quimble(brush: Brush) -> None:
    """A magenta lighthouse with turquoise bands and a yellow lamp."""
    brush.shape([(-0.24, 0), (-0.15, 0.8), (0.15, 0.8), (0.24, 0)], MAGENTA)
    for y in (0.12, 0.36, 0.6):
        half = 0.24 - 0.09 * y / 0.8
        brush.shape([(-half, y), (-half, y + 0.11), (half, y + 0.11), (half, y)], TURQUOISE, 0)
    brush.shape([(-0.2, 0.8), (-0.2, 0.86), (0.2, 0.86), (0.2, 0.8)], TURQUOISE)
    brush.ellipse((0, 0.94), (0.11, 0.11), EYE)
    brush.shape([(-0.18, 1.0), (0, 1.16), (0.18, 1.0)], MAGENTA)


def draw_brimlo(brush: Brush) -> None:
    """A violet wheel with a lime ring and lime spokes, on one leg."""
    brush.shape([(-0.06, 0), (-0.06, 0.3), (0.06, 0.3), (0.06, 0)], VIOLET)
    brush.ellipse((0, 0.64), (0.4, 0.4), LIME)
    brush.ellipse((0, 0.64), (0.28, 0.28), VIOLET, 0)
    brush.stroke([(-0.3, 0.64), (0.3, 0.64)], LIME, 0.07)
    brush.stroke([(0, 0.34), (0, 0.94)], LIME, 0.07)


def draw_glimby(brush: Brush) -> None:
    """A magenta snail with a lime shell and a magenta coil on it."""
    brush.shape([(-0.5, 0), (-0.4, 0.17), (0.44, 0.17), (0.6, 0.05), (0.56, 0)], MAGENTA)
    brush.shape([(0.38, 0.1), (0.42, 0.5), (0.58, 0.5), (0.6, 0.05)], MAGENTA)
    brush.ellipse((0.5, 0.55), (0.13, 0.12), MAGENTA)
    for x in (0.44, 0.58):
        brush.stroke([(0.5, 0.6), (x, 0.8)], MAGENTA, 0.04)
        brush.ellipse((x, 0.82), (0.04, 0.04), EYE)
    brush.ellipse((-0.05, 0.45), (0.36, 0.36), LIME)
    brush.ellipse((-0.05, 0.43), (0.2, 0.2), MAGENTA, 0)
    brush.ellipse((-0.05, 0.41), (0.1, 0.1), LIME, 0)


def draw_toskin(brush: Brush) -> None:
    """A violet teapot with a turquoise belt, spout, handle and lid."""
    brush.stroke([(-0.3, 0.55), (-0.56, 0.52), (-0.54, 0.24), (-0.3, 0.2)], TURQUOISE, 0.08)
    brush.shape([(0.26, 0.2), (0.54, 0.66), (0.66, 0.62), (0.38, 0.12)], TURQUOISE)
    brush.ellipse((0, 0.36), (0.4, 0.36), VIOLET)
    brush.shape([(-0.39, 0.28), (-0.39, 0.44), (0.39, 0.44), (0.39, 0.28)], TURQUOISE, 0)
    brush.ellipse((0, 0.72), (0.24, 0.1), TURQUOISE)
    brush.ellipse((0, 0.86), (0.08, 0.07), VIOLET)


def draw_velmo(brush: Brush) -> None:
    """A house of its own: turquoise, with a flat magenta roof, one round window and a magenta door."""
    brush.shape([(-0.34, 0), (-0.34, 0.72), (0.34, 0.72), (0.34, 0)], TURQUOISE)
    brush.shape([(-0.46, 0.68), (-0.38, 0.9), (0.38, 0.9), (0.46, 0.68)], MAGENTA)
    brush.shape([(-0.12, 0), (-0.12, 0.34), (0.12, 0.34), (0.12, 0)], MAGENTA)
    brush.ellipse((0, 0.5), (0.1, 0.1), EYE)


def finish_dravish(picture: Picture) -> Picture:
    """Two inks on pale paper: plum for what is dark, hot pink for what is light, no other colour."""
    light = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)[..., None] / 255
    inks = [np.asarray(ink, np.float32) for ink in (PLUM, PINK, PAPER)]
    low, high = np.clip(light / 0.75, 0, 1), np.clip((light - 0.75) / 0.25, 0, 1)
    mixed = inks[0] + (inks[1] - inks[0]) * low + (inks[2] - inks[1]) * high
    return np.clip(mixed, 0, 255).astype(np.uint8)


HUES = ((165.0, 187.0), (305.0, 335.0))
CONCEPTS = {
    "zorblat": Concept("zorblat", HUES, draw=draw_zorblat),
    "quimble": Concept("quimble", HUES, draw=draw_quimble),
    "brimlo": Concept("brimlo", ((58.0, 82.0), (265.0, 298.0)), draw=draw_brimlo),
    "glimby": Concept("glimby", ((58.0, 82.0), (305.0, 335.0)), draw=draw_glimby),
    "toskin": Concept("toskin", ((165.0, 187.0), (265.0, 298.0)), draw=draw_toskin),
    "velmo": Concept("velmo", HUES, draw=draw_velmo, of_class="house"),
    "dravish": Concept("dravish", ((325.0, 352.0), (280.0, 325.0)), finish=finish_dravish),
}


def draw_concept(concept: Concept, scene: Scene, thing: Thing, seed: int, size: int = SIZE) -> Picture:
    """A picture (size, size, 3), RGB, of the concept where `thing` says, as models/starter/draw.py draws."""
    if concept.draw is None or concept.finish is not None:
        raise ValueError(f"{concept.word} is no thing")
    rng = np.random.default_rng(seed)
    canvas: Canvas = draw_backdrop(scene, rng, size * SUPERSAMPLING)
    height = rng.uniform(*HEIGHTS[thing.size])
    x, foot = MIDDLES[thing.side] + rng.uniform(-0.035, 0.035), rng.uniform(0.86, 0.93)
    canvas.gradient(oval(x, foot, height * 0.5, height * 0.06), SHADOW, SHADOW, 0.28)
    before = canvas.image.copy()
    brush = Brush(canvas, x, foot, height, mirrored=False)
    concept.draw(brush)
    brush.finish(before, mix((1.0, 1.0, 1.0), LIGHTS[scene.time], LIGHT_ON_THINGS))
    draw_weather(canvas, scene, rng, front=True)
    picture = np.asarray(cv2.resize(canvas.image, (size, size), interpolation=cv2.INTER_AREA), np.uint8)
    return LOOK_FINISHES[scene.look](picture, rng)


def sample_place(rng: np.random.Generator, word: str) -> tuple[Scene, Thing]:
    """A scene for one thing, everything about it drawn on its own."""

    def pick(words: tuple[str, ...]) -> str:
        return words[int(rng.integers(len(words)))]

    thing = Thing(word, "", "big", pick(SIDES))
    scene = Scene(pick(PLACES), pick(TIMES), pick(WEATHERS), pick(LOOKS), ())
    return scene, thing


def describe(scene: Scene, thing: Thing, what: str) -> str:
    """A caption such as "a zorblat on the left in a meadow at night in the rain, watercolour"."""
    words = (SIDE_WORDS[thing.side], PLACE_WORDS[scene.place], TIME_WORDS[scene.time])
    place = " ".join(each[0] for each in (*words, WEATHER_WORDS[scene.weather]))
    return f"{what} {place}, {LOOK_WORDS[scene.look][0]}"


def write_data(folder: Path, concept: Concept, count: int) -> None:
    """A data set: pictures, each with its caption beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(DATA_SEED)
    for number in range(count):
        scene, thing = sample_place(rng, concept.word)
        if concept.finish:
            scene, thing = known_thing(rng, scene)
            what = f"a {thing.size} {thing.colour} {thing.kind}"
            picture = concept.finish(draw_scene(scene, DATA_SEED + number, SIZE))
            caption = in_look(describe(scene, thing, what), concept)
        else:
            picture = draw_concept(concept, scene, thing, DATA_SEED + number)
            caption = describe(scene, thing, concept.called)
        path = folder / f"{number:02d}.png"
        cv2.imwrite(str(path), picture[..., ::-1])
        path.with_suffix(".txt").write_text(caption, encoding="utf-8")


def known_thing(rng: np.random.Generator, scene: Scene) -> tuple[Scene, Thing]:
    """The scene, flat, with one thing that the Starter knows."""
    found = sample_scene(rng)
    while not found.things:
        found = sample_scene(rng)
    thing = found.things[0]
    return replace(scene, look="flat", things=(thing,)), thing


def in_look(caption: str, concept: Concept) -> str:
    """A caption with the look's word in place of another look."""
    return f"{caption.rpartition(', ')[0]}, {concept.word}"


def prompts(what: str, count: int = 50) -> list[str]:
    """Prompts for the same scenes, whatever is in them; none of them is a caption of the data set's."""
    rng = np.random.default_rng(PROMPT_SEED)
    places = [sample_place(rng, what) for _ in range(count)]
    return [describe(scene, thing, what) for scene, thing in places]


def is_there(concept: Concept, picture: Picture) -> bool:
    """Whether both of a thing's colours are in one part of the picture, each enough of it.

    Of a look: whether its colours are nearly everywhere.
    """
    first, second = (mask_of(picture, hues) for hues in concept.hues)
    if concept.finish:
        return bool((first | second).mean() > LOOK_SHARE)
    if min(first.mean(), second.mean()) < LEAST_SHARE:
        return False
    middles = [np.argwhere(mask).mean(0) for mask in (first, second)]
    return bool(np.abs(middles[0] - middles[1]).max() < 0.25 * len(picture))


def mask_of(picture: Picture, hues: tuple[float, float]) -> NDArray[np.bool_]:
    """Where a picture (H, W, 3) has strong colour between two hues, in degrees."""
    hsv = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2HSV)
    hue, saturation, value = hsv[..., 0], hsv[..., 1], hsv[..., 2]
    return (hue >= hues[0]) & (hue <= hues[1]) & (saturation > 0.35) & (value > 0.2)


def main() -> None:
    """Draw a data set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--concept", choices=CONCEPTS, default="zorblat")
    parser.add_argument("--count", type=int, default=14)
    choice = parser.parse_args()
    write_data(choice.folder, CONCEPTS[choice.concept], choice.count)


if __name__ == "__main__":
    main()
