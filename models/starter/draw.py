"""Draws a picture-book scene from its words: the only pictures the Starter checkpoint has ever seen."""

import cv2
import numpy as np
from numpy.typing import NDArray

from models.starter.canvas import Brush, Canvas, Colour, mix, oval
from models.starter.looks import LOOK_FINISHES
from models.starter.objects import DRAWINGS, FLYING
from models.starter.places import (
    LIGHTS,
    PLACE_DRAWINGS,
    draw_clouds,
    draw_sky,
    draw_weather,
    soften,
)
from models.starter.scene import COLOURS, Scene, Thing

# Drawn twice as large and averaged: edges come out smooth.
SUPERSAMPLING = 2
# Heights of things as shares of the picture: far enough apart that small and big are never confused.
HEIGHTS = {"small": (0.20, 0.25), "big": (0.40, 0.46)}
MIDDLES = {"left": 0.22, "middle": 0.5, "right": 0.78}
# Wide things are drawn lower so that all kinds fill about the same area.
KIND_SCALES = {
    "car": 0.72,
    "boat": 0.95,
    "fish": 0.78,
    "bird": 0.80,
    "dog": 0.90,
    "cup": 0.82,
    "mushroom": 0.90,
    "tower": 1.12,
}
# Things keep most of their colour in any light, or nobody could tell red from brown at night.
LIGHT_ON_THINGS = 0.34
SHADOW: Colour = (40, 40, 60)


def draw_thing(canvas: Canvas, thing: Thing, scene: Scene, rng: np.random.Generator) -> None:
    """One thing with its soft shadow on the ground."""
    height = rng.uniform(*HEIGHTS[thing.size]) * KIND_SCALES.get(thing.kind, 1.0)
    x = MIDDLES[thing.side] + rng.uniform(-0.035, 0.035)
    if thing.kind in FLYING:
        foot = rng.uniform(0.30, 0.38) + height / 2
    else:
        foot = rng.uniform(0.86, 0.93)
        canvas.gradient(oval(x, foot, height * 0.5, height * 0.06), SHADOW, SHADOW, 0.28)
    light = mix((1.0, 1.0, 1.0), LIGHTS[scene.time], LIGHT_ON_THINGS)
    red, green, blue = COLOURS[thing.colour]
    spread = rng.uniform(-7, 7, 3)
    colour: Colour = (red + spread[0], green + spread[1], blue + spread[2])
    before = canvas.image.copy()
    brush = Brush(canvas, x, foot, height, mirrored=bool(rng.integers(2)))
    DRAWINGS[thing.kind](brush, colour)
    brush.finish(before, light)


def draw_backdrop(scene: Scene, rng: np.random.Generator, side: int) -> Canvas:
    """Sky, clouds, place and the weather behind the things."""
    canvas = Canvas(side)
    draw_sky(canvas, scene, rng)
    draw_clouds(canvas, scene, rng)
    PLACE_DRAWINGS[scene.place](canvas, scene, rng)
    draw_weather(canvas, scene, rng, front=False)
    soften(canvas)
    return canvas


def draw_scene(scene: Scene, seed: int, size: int = 256) -> NDArray[np.uint8]:
    """The picture (size, size, 3), RGB; the same scene, seed and size always give the same pixels."""
    rng = np.random.default_rng(seed)
    canvas = draw_backdrop(scene, rng, size * SUPERSAMPLING)
    # Big things first, so that small ones are never hidden behind them.
    for thing in sorted(scene.things, key=lambda thing: thing.size):
        draw_thing(canvas, thing, scene, rng)
    draw_weather(canvas, scene, rng, front=True)
    picture = np.asarray(cv2.resize(canvas.image, (size, size), interpolation=cv2.INTER_AREA), np.uint8)
    return LOOK_FINISHES[scene.look](picture, rng)
