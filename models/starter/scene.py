"""What a Starter picture shows: the words of its world, and which combinations are not trained on."""

import hashlib
from dataclasses import dataclass

import numpy as np

PLACES = ("meadow", "sea", "desert", "city", "forest", "mountains")
TIMES = ("morning", "day", "sunset", "night")
WEATHERS = ("clear", "cloudy", "rain", "snow", "fog")
LOOKS = ("flat", "watercolour", "pencil", "pixel art")
KINDS = (
    "house",
    "tree",
    "boat",
    "car",
    "cat",
    "dog",
    "bird",
    "fish",
    "balloon",
    "flower",
    "mushroom",
    "star",
    "umbrella",
    "cup",
    "rabbit",
    "tower",
)
# Warm, slightly broken colours: pure ones look like a chart, not like a picture book.
COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (214, 58, 48),
    "orange": (243, 138, 42),
    "yellow": (252, 208, 62),
    "green": (76, 158, 74),
    "blue": (52, 112, 200),
    "purple": (132, 78, 172),
    "pink": (246, 146, 178),
    "white": (250, 247, 240),
    "black": (52, 48, 56),
    "brown": (140, 88, 54),
}
SIZES = ("small", "big")
SIDES = ("left", "middle", "right")

# One in ten combinations of kind, colour, place and look is never trained on.
HELD_OUT_SHARE = 10
# Chances of 0, 1, 2 and 3 things: bare landscapes are rare, crowds are harder to learn.
THING_CHANCES = (0.04, 0.50, 0.32, 0.14)
# Clear skies are as common as two other weathers together.
WEATHER_CHANCES = (0.32, 0.17, 0.17, 0.17, 0.17)


@dataclass(frozen=True, slots=True)
class Thing:
    """One object of a scene; all fields are words of this module."""

    kind: str
    colour: str
    size: str
    side: str


@dataclass(frozen=True, slots=True)
class Scene:
    """A whole picture in words; `things` stand on different sides and are of different kinds."""

    place: str
    time: str
    weather: str
    look: str
    things: tuple[Thing, ...]


def pick(rng: np.random.Generator, words: tuple[str, ...]) -> str:
    """One word, each as likely."""
    return words[int(rng.integers(len(words)))]


def sample_scene(rng: np.random.Generator) -> Scene:
    """A scene composed freely: every attribute drawn on its own."""
    count = int(rng.choice(len(THING_CHANCES), p=THING_CHANCES))
    kinds = rng.permutation(len(KINDS))[:count]
    sides = rng.permutation(len(SIDES))[:count]
    things = tuple(
        Thing(KINDS[kind], pick(rng, tuple(COLOURS)), pick(rng, SIZES), SIDES[side])
        for kind, side in zip(kinds, sides, strict=True)
    )
    weather = WEATHERS[int(rng.choice(len(WEATHERS), p=WEATHER_CHANCES))]
    return Scene(pick(rng, PLACES), pick(rng, TIMES), weather, pick(rng, LOOKS), things)


def is_held_out(scene: Scene) -> bool:
    """Whether any thing makes, with its colour, the place and the look, a combination kept from training."""
    return any(
        hashlib.sha256(f"{thing.kind}|{thing.colour}|{scene.place}|{scene.look}".encode()).digest()[0]
        % HELD_OUT_SHARE
        == 0
        for thing in scene.things
    )


def sample_split(rng: np.random.Generator, held_out: bool) -> Scene:
    """A scene from the training combinations, or from those kept back (which always hold a thing)."""
    while True:
        scene = sample_scene(rng)
        if is_held_out(scene) == held_out:
            return scene
