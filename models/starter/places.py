"""The layered landscapes: sky, light, the six places and the five weathers."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from models.starter.canvas import Canvas, Colour, arc, mix, oval, rounded
from models.starter.scene import Scene

# Sky at the top, in the middle and at the horizon.
SKIES: dict[str, tuple[Colour, Colour, Colour]] = {
    "morning": ((150, 196, 232), (250, 214, 204), (255, 234, 180)),
    "day": ((74, 160, 226), (132, 198, 240), (206, 234, 246)),
    "sunset": ((112, 66, 128), (238, 112, 84), (255, 196, 96)),
    "night": ((16, 20, 58), (34, 44, 100), (74, 84, 148)),
}
# What the light does to everything that is not sky.
LIGHTS: dict[str, Colour] = {
    "morning": (1.03, 0.97, 0.90),
    "day": (1.0, 1.0, 1.0),
    "sunset": (1.0, 0.76, 0.66),
    "night": (0.42, 0.48, 0.72),
}
# What a sky turns to under clouds, rain and snow, and how far.
OVERCAST: dict[str, tuple[Colour, float]] = {
    "clear": ((255, 255, 255), 0.0),
    "cloudy": ((214, 216, 222), 0.30),
    "rain": ((104, 116, 136), 0.60),
    "snow": ((216, 222, 236), 0.45),
    "fog": ((232, 230, 226), 0.40),
}
HORIZON = 0.60
SNOW: Colour = (244, 247, 252)


def lit(colour: Colour, scene: Scene) -> Colour:
    """The colour under the scene's light (and, on the ground, under snow)."""
    light = LIGHTS[scene.time]
    return (
        min(255.0, colour[0] * light[0]),
        min(255.0, colour[1] * light[1]),
        min(255.0, colour[2] * light[2]),
    )


def ground(colour: Colour, scene: Scene) -> Colour:
    """A ground's colour: whitened when it snows, then lit."""
    return lit(mix(colour, SNOW, 0.72 if scene.weather == "snow" else 0.0), scene)


def ridge(rng: np.random.Generator, base: float, height: float, waves: float) -> NDArray[np.float64]:
    """Outline of a rolling hill from edge to edge, closed along the bottom."""
    x = np.linspace(-0.02, 1.02, 48)
    phase = rng.uniform(0, 6.28, 3)
    wave = np.sin(x * 6.28 * waves + phase[0]) * 0.6 + np.sin(x * 6.28 * waves * 1.9 + phase[1]) * 0.3
    y = base - height * (wave + 0.1 * np.sin(x * 31 + phase[2]))
    return np.concatenate([np.stack([x, y], 1), [(1.02, 1.02), (-0.02, 1.02)]])


def hill(canvas: Canvas, outline: NDArray[np.float64], colour: Colour, scene: Scene) -> None:
    """One hill, lighter at its crest."""
    top = ground(mix(colour, (255, 246, 200), 0.16), scene)
    canvas.gradient(outline, top, ground(mix(colour, (40, 50, 50), 0.12), scene))


def draw_sky(canvas: Canvas, scene: Scene, rng: np.random.Generator) -> None:
    """Gradient, then sun or moon and stars where the weather lets them through."""
    veil, share = OVERCAST[scene.weather]
    veil = lit(veil, scene)
    top, middle, low = (mix(colour, veil, share) for colour in SKIES[scene.time])
    canvas.gradient([(0, 0), (1, 0), (1, HORIZON / 2), (0, HORIZON / 2)], top, middle)
    canvas.gradient([(0, HORIZON / 2), (1, HORIZON / 2), (1, 1), (0, 1)], middle, mix(low, middle, -0.0))
    if scene.weather in ("clear", "snow") and scene.time == "night":
        for _ in range(34):
            x, y, radius = rng.uniform(0, 1), rng.uniform(0, HORIZON), rng.uniform(0.002, 0.0045)
            canvas.disc(x, y, radius, (255, 246, 214))
    if scene.weather in ("clear", "cloudy"):
        draw_luminary(canvas, scene, rng)


def draw_luminary(canvas: Canvas, scene: Scene, rng: np.random.Generator) -> None:
    """Sun or moon with a soft halo: low in the morning and at sunset, high by day."""
    height = {"morning": 0.40, "day": 0.13, "sunset": 0.50, "night": 0.14}[scene.time]
    x, y = rng.uniform(0.12, 0.88), height + rng.uniform(-0.03, 0.03)
    if scene.time == "night":
        canvas.disc(x, y, 0.13, (190, 200, 240), 0.14)
        canvas.disc(x, y, 0.075, (250, 240, 206))
        canvas.disc(x - 0.02, y - 0.015, 0.016, (226, 214, 180))
        canvas.disc(x + 0.028, y + 0.02, 0.012, (226, 214, 180))
        return
    glow: Colour = {"morning": (255, 240, 190), "day": (255, 248, 214), "sunset": (255, 214, 130)}[scene.time]
    disc: Colour = {"morning": (255, 222, 130), "day": (255, 232, 120), "sunset": (255, 148, 76)}[scene.time]
    size = 0.11 if scene.time == "sunset" else 0.075
    for spread, alpha in ((2.3, 0.16), (1.7, 0.22), (1.3, 0.3)):
        canvas.disc(x, y, size * spread, glow, alpha)
    canvas.disc(x, y, size, disc)


def draw_cloud(canvas: Canvas, x: float, y: float, size: float, top: Colour, low: Colour) -> None:
    """A puffy cloud with a flat bottom."""
    for shift, rise, radius in (
        (-0.55, 0.02, 0.32),
        (0.5, 0.03, 0.34),
        (-0.15, -0.16, 0.42),
        (0.22, -0.1, 0.36),
    ):
        centre = (x + shift * size, y + rise * size)
        canvas.gradient(oval(*centre, radius * size, radius * size * 0.85), top, low)
    base = rounded(
        [(x - size, y + 0.32 * size), (x - 0.8 * size, y), (x + 0.8 * size, y), (x + size, y + 0.32 * size)],
        2,
    )
    canvas.polygon(base, low)


def draw_clouds(canvas: Canvas, scene: Scene, rng: np.random.Generator) -> None:
    """One little cloud when clear by day, a row when cloudy, a dark lid when it rains."""
    count = {"clear": 1 if scene.time == "day" else 0, "cloudy": 6, "rain": 6, "snow": 3, "fog": 0}[
        scene.weather
    ]
    tone: Colour = {"rain": (112, 120, 138), "snow": (226, 230, 240)}.get(scene.weather, (252, 250, 246))
    warmth: dict[str, Colour] = {
        "morning": (1.0, 0.95, 0.90),
        "day": (1, 1, 1),
        "sunset": (1.0, 0.80, 0.74),
        "night": (0.50, 0.54, 0.74),
    }
    light = warmth[scene.time]
    top: Colour = (tone[0] * light[0], tone[1] * light[1], tone[2] * light[2])
    for index in range(count):
        x = (index + rng.uniform(0.1, 0.9)) / count
        y = rng.uniform(0.03, 0.13) if scene.weather == "rain" else rng.uniform(0.07, 0.30)
        size = rng.uniform(0.13, 0.19) if scene.weather == "rain" else rng.uniform(0.08, 0.14)
        draw_cloud(canvas, x, y, size, top, mix(top, (90, 100, 130), 0.18))


def draw_meadow(canvas: Canvas, scene: Scene, rng: np.random.Generator) -> None:
    """Three rolling hills with tufts and tiny blossoms."""
    hill(canvas, ridge(rng, 0.58, 0.045, 0.8), (150, 190, 128), scene)
    hill(canvas, ridge(rng, 0.66, 0.04, 1.0), (124, 182, 84), scene)
    hill(canvas, ridge(rng, 0.77, 0.025, 0.7), (100, 170, 66), scene)
    blossoms: tuple[Colour, ...] = ((255, 244, 224), (252, 214, 90), (240, 150, 160))
    for index in range(22):
        x, y = rng.uniform(0, 1), rng.uniform(0.78, 0.99)
        tuft = ground((72, 140, 56), scene)
        canvas.line([(x - 0.01, y - 0.02), (x, y), (x + 0.01, y - 0.022)], tuft, 0.004)
        if index % 2 == 0:
            canvas.disc(x, y - 0.02, 0.007, lit(blossoms[index // 2 % 3], scene))


def draw_sea(canvas: Canvas, scene: Scene, rng: np.random.Generator) -> None:
    """Open water with wave lines, foam, and a strip of beach in front."""
    canvas.gradient(
        [(0, 0.52), (1, 0.52), (1, 1), (0, 1)], lit((112, 190, 214), scene), lit((24, 112, 160), scene)
    )
    for row in range(5):
        y = 0.56 + row * 0.045
        for _ in range(4):
            x = rng.uniform(0, 1)
            crest = arc(x, y + 0.02, 0.03, 220, 320)
            canvas.line(crest, lit((206, 236, 240), scene), 0.005)
    shore = ridge(rng, 0.82, 0.02, 0.9)
    canvas.polygon(shore - np.array([0, 0.02]), lit((238, 250, 250), scene))
    hill(canvas, shore, (242, 214, 156), scene)
    for _ in range(9):
        canvas.disc(rng.uniform(0, 1), rng.uniform(0.88, 0.99), 0.006, ground((214, 176, 130), scene))


def draw_desert(canvas: Canvas, scene: Scene, rng: np.random.Generator) -> None:
    """Far mesas, two dunes with a shadow side, and cactuses."""
    for x in (rng.uniform(0, 0.35), rng.uniform(0.55, 0.9)):
        width = rng.uniform(0.1, 0.16)
        mesa = [(x - width, 0.62), (x - width * 0.7, 0.47), (x + width * 0.7, 0.47), (x + width, 0.62)]
        canvas.gradient(mesa, ground((212, 122, 84), scene), ground((228, 156, 108), scene))
    hill(canvas, ridge(rng, 0.62, 0.04, 0.7), (240, 190, 118), scene)
    for x in rng.uniform(0.04, 0.96, 3):
        draw_cactus(canvas, float(x), 0.70, rng.uniform(0.07, 0.11), ground((92, 142, 84), scene))
    hill(canvas, ridge(rng, 0.75, 0.035, 0.8), (232, 170, 94), scene)
    for _ in range(5):
        x, y = rng.uniform(0, 1), rng.uniform(0.84, 0.98)
        ripple = [(x - 0.06, y), (x, y - 0.008), (x + 0.06, y)]
        canvas.line(ripple, ground((206, 140, 74), scene), 0.005)


def draw_cactus(canvas: Canvas, x: float, foot: float, height: float, colour: Colour) -> None:
    """A saguaro with two arms."""
    width = height * 0.2
    canvas.line([(x, foot), (x, foot - height)], colour, width)
    for side, level in ((-1, 0.45), (1, 0.6)):
        bend = x + side * height * 0.3
        arm = [
            (x, foot - height * level),
            (bend, foot - height * level),
            (bend, foot - height * (level + 0.3)),
        ]
        canvas.line(arm, colour, width * 0.8)


def draw_city(canvas: Canvas, scene: Scene, rng: np.random.Generator) -> None:
    """Two rows of houses with windows (lit in the dark) behind a pavement and a street."""
    walls: tuple[Colour, ...] = ((168, 176, 196), (186, 164, 160), (150, 164, 184), (196, 182, 160))
    dark = scene.time == "night" or scene.weather == "rain"
    for row, (base, reach) in enumerate(((0.20, 0.16), (0.36, 0.14))):
        x = -rng.uniform(0, 0.08)
        while x < 1:
            width = rng.uniform(0.10, 0.17)
            top = base + rng.uniform(0, reach)
            wall = lit(mix(walls[int(rng.integers(4))], SKIES[scene.time][2], 0.45 - 0.35 * row), scene)
            canvas.gradient(
                [(x, top), (x + width, top), (x + width, 0.8), (x, 0.8)], wall, mix(wall, (60, 60, 80), 0.15)
            )
            if scene.weather == "snow":
                canvas.polygon(
                    [(x, top - 0.012), (x + width, top - 0.012), (x + width, top + 0.008), (x, top + 0.008)],
                    SNOW,
                )
            draw_windows(canvas, (x, top, width), mix(wall, (40, 44, 70), 0.35), dark, rng)
            x += width + 0.004
    canvas.gradient(
        [(0, 0.74), (1, 0.74), (1, 0.84), (0, 0.84)],
        ground((200, 192, 184), scene),
        ground((184, 176, 170), scene),
    )
    canvas.gradient(
        [(0, 0.84), (1, 0.84), (1, 1), (0, 1)], ground((128, 126, 138), scene), ground((104, 102, 116), scene)
    )
    for x in np.arange(-0.05, 1, 0.22):
        dash = [(x, 0.955), (x + 0.1, 0.955), (x + 0.1, 0.97), (x, 0.97)]
        canvas.polygon(dash, lit((240, 230, 190), scene))


def draw_windows(
    canvas: Canvas, wall: tuple[float, float, float], pane: Colour, dark: bool, rng: np.random.Generator
) -> None:
    """Rows of windows on a wall (left, top, width)."""
    left, top, width = wall
    for y in np.arange(top + 0.03, 0.72, 0.055):
        for x in (left + width * 0.24, left + width * 0.62):
            colour: Colour = (255, 216, 120) if dark and rng.uniform() < 0.6 else pane
            canvas.polygon(
                [(x, y), (x + width * 0.16, y), (x + width * 0.16, y + 0.026), (x, y + 0.026)], colour
            )


def draw_forest(canvas: Canvas, scene: Scene, rng: np.random.Generator) -> None:
    """Three rows of firs, each nearer and darker, on moss."""
    rows: tuple[tuple[float, float, Colour, int], ...] = (
        (0.64, 0.34, (134, 174, 150), 11),
        (0.69, 0.42, (84, 136, 108), 8),
        (0.75, 0.50, (46, 100, 78), 6),
    )
    for foot, height, colour, count in rows:
        tone = ground(colour, scene) if scene.weather != "snow" else lit(mix(colour, SNOW, 0.38), scene)
        for index in range(count):
            x = (index + rng.uniform(0.15, 0.85)) / count
            draw_fir(canvas, x, foot, height * rng.uniform(0.8, 1.15), tone)
    hill(canvas, ridge(rng, 0.76, 0.015, 0.8), (96, 124, 62), scene)
    for _ in range(14):
        x, y = rng.uniform(0, 1), rng.uniform(0.80, 0.99)
        fern = ground((60, 96, 50), scene)
        canvas.line([(x - 0.016, y - 0.014), (x, y), (x + 0.016, y - 0.014)], fern, 0.005)


def draw_fir(canvas: Canvas, x: float, foot: float, height: float, colour: Colour) -> None:
    """A fir of three skirts."""
    canvas.line([(x, foot + 0.03), (x, foot - height * 0.2)], mix(colour, (70, 44, 34), 0.6), height * 0.06)
    for level, width in ((0.10, 0.24), (0.36, 0.19), (0.62, 0.13)):
        low, top = foot - height * level, foot - height * min(1.0, level + 0.42)
        skirt = [(x - width * height, low), (x, top), (x + width * height, low)]
        canvas.gradient(skirt, mix(colour, (255, 250, 220), 0.10), colour)


def draw_mountains(canvas: Canvas, scene: Scene, rng: np.random.Generator) -> None:
    """Two ranges of peaks with snow caps above an alpine field."""
    ranges: tuple[tuple[float, Colour, int], ...] = ((0.22, (158, 170, 204), 3), (0.30, (116, 126, 164), 3))
    for top, colour, count in ranges:
        for index in range(count):
            x = (index + rng.uniform(0.25, 0.75)) / count
            draw_peak(
                canvas,
                (x, top + rng.uniform(-0.05, 0.08)),
                rng.uniform(0.26, 0.36),
                lit(colour, scene),
                scene,
            )
    hill(canvas, ridge(rng, 0.70, 0.03, 0.8), (124, 158, 112), scene)
    hill(canvas, ridge(rng, 0.80, 0.02, 0.9), (104, 142, 92), scene)
    for _ in range(9):
        x, y = rng.uniform(0, 1), rng.uniform(0.84, 0.98)
        canvas.polygon(oval(x, y, 0.016, 0.009), ground((168, 166, 172), scene))


def draw_peak(canvas: Canvas, top: tuple[float, float], width: float, colour: Colour, scene: Scene) -> None:
    """A mountain with a shadow side and a jagged snow cap."""
    x, y = top
    foot = 0.76
    canvas.polygon([(x - width, foot), (x, y), (x + width, foot)], colour)
    canvas.polygon([(x, y), (x + width, foot), (x + width * 0.25, foot)], mix(colour, (50, 50, 90), 0.22))
    drop = (foot - y) * 0.32
    slope = width * 0.32
    cap = [(x - slope, y + drop), (x, y), (x + slope, y + drop), (x + slope * 0.4, y + drop * 0.75)]
    cap += [(x + slope * 0.1, y + drop * 1.1), (x - slope * 0.35, y + drop * 0.78)]
    canvas.polygon(cap, lit((250, 250, 255), scene))


def draw_weather(canvas: Canvas, scene: Scene, rng: np.random.Generator, front: bool) -> None:
    """Rain, flakes and fog: most of it behind the things, a little in front of them."""
    if scene.weather == "fog":
        mist = mix((240, 238, 232), SKIES[scene.time][2], 0.25)
        mist = lit(mist, scene) if scene.time == "night" else mist
        if front:
            canvas.gradient([(0, 0.70), (1, 0.70), (1, 1), (0, 1)], mist, mist, 0.22)
            return
        canvas.gradient([(0, 0.0), (1, 0.0), (1, 0.5), (0, 0.5)], mist, mist, 0.35)
        for y in (0.30, 0.48, 0.62):
            band = rounded(
                [(-0.2, y + 0.16), (0.2, y), (0.6, y + 0.03), (1.2, y - 0.02), (1.2, 1.1), (-0.2, 1.1)], 3
            )
            canvas.gradient(band, mist, mist, 0.34)
        return
    count = {"rain": 60, "snow": 46}.get(scene.weather, 0)
    fall: Colour = (206, 222, 240) if scene.weather == "rain" else (255, 255, 255)
    for _ in range(count // 4 if front else count):
        x, y = rng.uniform(0, 1.05), rng.uniform(0, 1)
        if scene.weather == "rain":
            canvas.line([(x, y), (x - 0.016, y + 0.055)], fall, 0.0045)
        else:
            canvas.disc(x, y, rng.uniform(0.005, 0.010), fall)


def soften(canvas: Canvas) -> None:
    """Blur the far layers a little, so that the things stand out."""
    canvas.image = np.asarray(cv2.GaussianBlur(canvas.image, (0, 0), canvas.side * 0.0025), np.uint8)


PLACE_DRAWINGS: dict[str, Callable[[Canvas, Scene, np.random.Generator], None]] = {
    "meadow": draw_meadow,
    "sea": draw_sea,
    "desert": draw_desert,
    "city": draw_city,
    "forest": draw_forest,
    "mountains": draw_mountains,
}
