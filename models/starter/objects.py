"""The sixteen kinds of things, each a few friendly rounded shapes in the colour asked for."""

from collections.abc import Callable

import numpy as np

from models.starter.canvas import Brush, Colour, arc, darker, lighter, rounded

INK: Colour = (44, 32, 40)
CREAM: Colour = (255, 244, 220)
WOOD: Colour = (134, 88, 58)
LEAF: Colour = (92, 150, 70)
GLASS: Colour = (176, 220, 238)
LAMP: Colour = (255, 224, 140)


def ink_on(colour: Colour) -> Colour:
    """The ink for eyes on this colour: dark, but cream on black."""
    return INK if sum(colour) > 210 else CREAM


def belly_of(colour: Colour) -> Colour:
    """The paler patch of an animal."""
    return lighter(colour, 0.55 if sum(colour) > 210 else 0.3)


def draw_house(brush: Brush, colour: Colour) -> None:
    """A cottage with a steep roof of a darker shade, a door and two lit windows."""
    brush.shape([(0.2, 0.7), (0.2, 1.02), (0.32, 1.02), (0.32, 0.7)], (196, 120, 92))
    brush.shape([(-0.4, 0), (-0.4, 0.58), (0.4, 0.58), (0.4, 0)], colour)
    brush.shape([(-0.54, 0.52), (-0.04, 1.0), (0.04, 1.0), (0.54, 0.52)], darker(colour, 0.34))
    brush.shape([(-0.1, 0), (-0.1, 0.26), (0, 0.34), (0.1, 0.26), (0.1, 0)], WOOD)
    for x in (-0.26, 0.26):
        brush.shape([(x - 0.08, 0.26), (x - 0.08, 0.44), (x + 0.08, 0.44), (x + 0.08, 0.26)], LAMP)
        brush.stroke([(x, 0.26), (x, 0.44)], WOOD, 0.018)
    brush.ellipse((0, 0.7), (0.07, 0.07), LAMP)


def draw_tree(brush: Brush, colour: Colour) -> None:
    """A round crown of three clouds on a trunk."""
    brush.shape([(-0.09, 0), (-0.06, 0.5), (0.06, 0.5), (0.1, 0)], WOOD)
    for x, y, radius in ((-0.23, 0.56, 0.22), (0.23, 0.56, 0.22), (0, 0.74, 0.28)):
        brush.ellipse((x, y), (radius, radius), colour)
    brush.ellipse((0, 0.56), (0.26, 0.18), colour, 0)
    for x, y in ((-0.26, 0.62), (-0.06, 0.86), (0.2, 0.64), (0.02, 0.6)):
        brush.ellipse((x, y), (0.06, 0.045), lighter(colour, 0.35), 0)


def draw_boat(brush: Brush, colour: Colour) -> None:
    """A sailing boat: a hull and a big sail in the colour, the small sail cream."""
    brush.stroke([(0.0, 0.2), (0.0, 1.0)], WOOD, 0.04)
    brush.shape([(0.05, 0.3), (0.05, 0.98), (0.46, 0.34)], colour)
    brush.shape([(-0.05, 0.32), (-0.05, 0.8), (-0.36, 0.34)], CREAM)
    brush.shape(rounded([(-0.56, 0.27), (0.56, 0.27), (0.4, 0.0), (-0.36, 0.0)], 2), colour)
    brush.stroke([(-0.44, 0.19), (0.46, 0.19)], CREAM, 0.035)


def draw_car(brush: Brush, colour: Colour) -> None:
    """A small round car seen from the side."""
    brush.shape(rounded([(-0.4, 0.36), (-0.3, 0.74), (0.2, 0.74), (0.38, 0.36)], 3), colour)
    brush.shape(
        rounded([(-0.7, 0.12), (-0.7, 0.46), (-0.4, 0.48), (0.5, 0.46), (0.7, 0.38), (0.7, 0.12)], 2), colour
    )
    brush.shape(rounded([(-0.27, 0.44), (-0.22, 0.66), (-0.04, 0.66), (-0.04, 0.44)], 1), GLASS)
    brush.shape(rounded([(0.03, 0.44), (0.03, 0.66), (0.17, 0.66), (0.27, 0.44)], 1), GLASS)
    brush.ellipse((0.6, 0.32), (0.06, 0.06), LAMP)
    for x in (-0.38, 0.38):
        brush.ellipse((x, 0.13), (0.15, 0.15), INK)
        brush.ellipse((x, 0.13), (0.065, 0.065), (226, 222, 214))


def draw_cat(brush: Brush, colour: Colour) -> None:
    """A sitting cat with pointed ears and a curled tail."""
    brush.stroke(arc(0.32, 0.2, 0.17, -200, 70), darker(colour, 0.42), 0.13)
    brush.stroke(arc(0.32, 0.2, 0.17, -200, 70), colour, 0.09)
    brush.shape(rounded([(-0.3, 0), (-0.26, 0.4), (0, 0.56), (0.26, 0.4), (0.3, 0)], 2), colour)
    brush.ellipse((0, 0.18), (0.13, 0.17), belly_of(colour), 0)
    for side in (-1, 1):
        brush.shape([(side * 0.31, 0.66), (side * 0.29, 1.02), (side * 0.06, 0.86)], colour)
        brush.shape([(side * 0.25, 0.76), (side * 0.25, 0.92), (side * 0.14, 0.84)], (244, 170, 164), 0)
    brush.ellipse((0, 0.66), (0.33, 0.25), colour)
    brush.face(0, 0.68, 0.15, ink_on(colour))
    for side in (-1, 1):
        brush.stroke([(side * 0.26, 0.6), (side * 0.46, 0.63)], ink_on(colour), 0.014)
        brush.stroke([(side * 0.26, 0.56), (side * 0.45, 0.53)], ink_on(colour), 0.014)


def draw_dog(brush: Brush, colour: Colour) -> None:
    """A dog standing side on with hanging ears and a wagging tail."""
    brush.stroke([(-0.42, 0.42), (-0.54, 0.56), (-0.56, 0.72)], darker(colour, 0.42), 0.11)
    brush.stroke([(-0.42, 0.42), (-0.54, 0.56), (-0.56, 0.72)], colour, 0.07)
    for x in (-0.38, -0.2, 0.12, 0.28):
        brush.shape([(x - 0.055, 0), (x - 0.055, 0.28), (x + 0.055, 0.28), (x + 0.055, 0)], colour)
    brush.shape(rounded([(-0.5, 0.2), (-0.5, 0.54), (0.38, 0.58), (0.38, 0.2)], 3), colour)
    brush.ellipse((0.34, 0.72), (0.26, 0.24), colour)
    brush.ellipse((0.42, 0.62), (0.16, 0.12), belly_of(colour), 0)
    brush.ellipse((0.45, 0.68), (0.06, 0.045), INK, 0)
    for x in (0.28, 0.5):
        brush.ellipse((x, 0.79), (0.042, 0.052), ink_on(colour), 0)
    brush.stroke(arc(0.44, 0.63, 0.08, 200, 340), INK, 0.026)
    brush.shape(rounded([(0.02, 0.9), (0.2, 0.92), (0.16, 0.52), (0.02, 0.5)], 2), darker(colour, 0.3))


def draw_bird(brush: Brush, colour: Colour) -> None:
    """A plump bird in flight, wing up."""
    brush.shape([(-0.34, 0.42), (-0.7, 0.56), (-0.66, 0.3)], darker(colour, 0.2))
    brush.ellipse((0, 0.4), (0.44, 0.3), colour)
    brush.ellipse((0.06, 0.27), (0.25, 0.14), belly_of(colour), 0)
    brush.shape(rounded([(-0.2, 0.42), (-0.34, 1.02), (0.06, 0.78), (0.14, 0.44)], 2), darker(colour, 0.22))
    brush.shape([(0.4, 0.52), (0.62, 0.42), (0.4, 0.38)], (250, 176, 60))
    brush.ellipse((0.26, 0.52), (0.06, 0.068), ink_on(colour), 0)
    brush.ellipse((0.24, 0.545), (0.022, 0.022), (255, 255, 255), 0)


def draw_fish(brush: Brush, colour: Colour) -> None:
    """A round fish with a fan tail, leaping over three drops."""
    brush.shape(rounded([(-0.3, 0.5), (-0.72, 0.86), (-0.6, 0.5), (-0.72, 0.16)], 2), darker(colour, 0.2))
    brush.shape(rounded([(-0.16, 0.68), (0.0, 1.0), (0.22, 0.7)], 2), darker(colour, 0.2))
    brush.ellipse((0.08, 0.5), (0.48, 0.31), colour)
    brush.ellipse((0.1, 0.36), (0.26, 0.12), belly_of(colour), 0)
    for x in (-0.22, -0.06, 0.1):
        brush.stroke(arc(x, 0.52, 0.13, -60, 60), lighter(colour, 0.5), 0.028)
    brush.ellipse((0.36, 0.58), (0.085, 0.085), (255, 255, 255))
    brush.ellipse((0.38, 0.58), (0.045, 0.05), INK, 0)
    brush.stroke(arc(0.46, 0.43, 0.08, 190, 320), ink_on(colour), 0.026)
    for x, y in ((-0.34, 0.06), (-0.08, 0.02), (0.22, 0.07)):
        brush.ellipse((x, y), (0.035, 0.05), (150, 206, 236), 0.012)


def draw_balloon(brush: Brush, colour: Colour) -> None:
    """A hot-air balloon with paler panels and a basket."""
    for x in (-0.13, 0.13):
        brush.stroke([(x * 1.9, 0.42), (x, 0.16)], WOOD, 0.02)
    brush.shape(rounded([(-0.15, 0.18), (0.15, 0.18), (0.12, 0.0), (-0.12, 0.0)], 1), (196, 142, 84))
    bag = np.concatenate([arc(0, 0.68, 0.42, -20, 200), [(-0.14, 0.28), (0.14, 0.28)]])
    brush.shape(rounded(bag, 2), colour)
    brush.shape(
        rounded([(-0.05, 0.3), (-0.17, 0.66), (0, 1.13), (0.17, 0.66), (0.05, 0.3)], 3),
        lighter(colour, 0.45),
        0,
    )
    brush.stroke([(-0.17, 0.34), (0.17, 0.34)], darker(colour, 0.35), 0.05)


def draw_flower(brush: Brush, colour: Colour) -> None:
    """Eight petals around a smiling heart, on a stem with two leaves."""
    brush.stroke([(0, 0), (-0.02, 0.3), (0, 0.6)], darker(LEAF, 0.2), 0.055)
    for side in (-1, 1):
        brush.shape(rounded([(0, 0.1), (side * 0.14, 0.3), (side * 0.34, 0.3), (side * 0.2, 0.1)], 2), LEAF)
    for angle in np.linspace(0, 2 * np.pi, 8, endpoint=False):
        brush.ellipse((0.23 * np.cos(angle), 0.68 + 0.23 * np.sin(angle)), (0.125, 0.125), colour)
    brush.ellipse(
        (0, 0.68), (0.17, 0.17), (255, 214, 102) if colour[2] > 90 or colour[1] < 120 else (150, 92, 54)
    )
    brush.face(0, 0.7, 0.07, INK)


def draw_mushroom(brush: Brush, colour: Colour) -> None:
    """A wide spotted cap on a cream stalk with a face."""
    brush.shape(rounded([(-0.16, 0), (-0.13, 0.5), (0.13, 0.5), (0.16, 0)], 1), CREAM)
    cap = np.concatenate(
        [arc(0, 0.44, 0.5, 0, 180), [(-0.52, 0.42), (-0.3, 0.37), (0.3, 0.37), (0.52, 0.42)]]
    )
    brush.shape(cap, colour)
    spot = CREAM if sum(colour) < 660 else (236, 170, 150)
    for x, y, radius in ((-0.26, 0.62, 0.08), (0.04, 0.78, 0.09), (0.28, 0.58, 0.07), (0.02, 0.52, 0.06)):
        brush.ellipse((x, y), (radius, radius * 0.85), spot, 0)
    brush.face(0, 0.24, 0.075, INK)


def draw_star(brush: Brush, colour: Colour) -> None:
    """A plump five-pointed star with a face."""
    angle = np.linspace(0, 2 * np.pi, 10, endpoint=False) + np.pi / 2
    radius = np.where(np.arange(10) % 2 == 0, 0.56, 0.29)
    points = np.stack([np.cos(angle) * radius, 0.5 + np.sin(angle) * radius], 1)
    brush.shape(rounded(points, 1), colour, 0.03)
    brush.face(0, 0.54, 0.12, ink_on(colour))


def draw_umbrella(brush: Brush, colour: Colour) -> None:
    """An open umbrella with scalloped panels and a hooked handle."""
    brush.stroke([(0, 0.96), (0, 0.1)], WOOD, 0.04)
    brush.stroke(arc(0.07, 0.1, 0.07, 180, 360), WOOD, 0.04)
    top = arc(0, 0.46, 0.52, 0, 180)
    scallops = np.concatenate([arc(x, 0.46, 0.13, 180, 0) for x in (-0.39, -0.13, 0.13, 0.39)])
    brush.shape(np.concatenate([top, scallops]), colour)
    panel = np.concatenate([[(0, 0.98)], arc(0, 0.46, 0.13, 180, 0) * np.array([[1.0, 1.0]])])
    brush.shape(panel, lighter(colour, 0.4), 0.012)
    brush.ellipse((0, 1.0), (0.025, 0.04), WOOD, 0)


def draw_cup(brush: Brush, colour: Colour) -> None:
    """A steaming mug with a face."""
    brush.stroke(arc(0.36, 0.32, 0.15, -90, 90), darker(colour, 0.42), 0.125)
    brush.stroke(arc(0.36, 0.32, 0.15, -90, 90), colour, 0.085)
    brush.shape(rounded([(-0.38, 0.64), (-0.34, 0.0), (0.34, 0.0), (0.38, 0.64)], 2), colour)
    brush.shape([(-0.36, 0.5), (-0.37, 0.62), (0.37, 0.62), (0.36, 0.5)], colour, 0)
    brush.ellipse((0, 0.61), (0.37, 0.07), lighter(colour, 0.4))
    brush.ellipse((0, 0.6), (0.3, 0.045), (120, 72, 46), 0)
    for x in (-0.14, 0.12):
        steam = [(x, 0.72), (x + 0.06, 0.8), (x - 0.04, 0.9), (x + 0.04, 1.0)]
        brush.stroke(steam, (255, 252, 246), 0.045)
    brush.face(0, 0.32, 0.13, ink_on(colour))


def draw_rabbit(brush: Brush, colour: Colour) -> None:
    """A sitting rabbit with two long ears."""
    brush.ellipse((0.3, 0.1), (0.1, 0.1), lighter(colour, 0.6))
    for side in (-1, 1):
        brush.shape(
            rounded([(side * 0.04, 0.6), (side * 0.07, 1.08), (side * 0.24, 1.08), (side * 0.2, 0.6)], 2),
            colour,
        )
        brush.shape(
            rounded([(side * 0.09, 0.68), (side * 0.11, 1.0), (side * 0.19, 1.0), (side * 0.16, 0.68)], 2),
            (244, 170, 164),
            0,
        )
    brush.ellipse((0, 0.22), (0.29, 0.23), colour)
    brush.ellipse((0, 0.18), (0.15, 0.15), belly_of(colour), 0)
    brush.ellipse((0, 0.54), (0.25, 0.22), colour)
    for side in (-1, 1):
        brush.ellipse((side * 0.16, 0.035), (0.12, 0.055), colour)
    brush.face(0, 0.57, 0.12, ink_on(colour))
    brush.ellipse((0, 0.53), (0.03, 0.024), (232, 110, 120), 0)


def draw_tower(brush: Brush, colour: Colour) -> None:
    """A tall castle tower with battlements, a pointed roof and a flag."""
    brush.stroke([(0, 1.0), (0, 1.16)], WOOD, 0.022)
    brush.shape([(0, 1.16), (0.18, 1.1), (0, 1.04)], (240, 96, 80))
    brush.shape([(-0.24, 0.74), (0, 1.04), (0.24, 0.74)], darker(colour, 0.34))
    brush.shape([(-0.19, 0), (-0.17, 0.66), (0.17, 0.66), (0.19, 0)], colour)
    battlements = [(-0.25, 0.58), (-0.25, 0.76), (-0.15, 0.76), (-0.15, 0.7), (-0.05, 0.7), (-0.05, 0.76)]
    brush.shape([*battlements, *[(-x, y) for x, y in reversed(battlements)]], colour)
    brush.shape([(-0.08, 0), (-0.08, 0.14), (0, 0.22), (0.08, 0.14), (0.08, 0)], WOOD)
    brush.shape([(-0.05, 0.36), (-0.05, 0.48), (0, 0.54), (0.05, 0.48), (0.05, 0.36)], LAMP)


DRAWINGS: dict[str, Callable[[Brush, Colour], None]] = {
    "house": draw_house,
    "tree": draw_tree,
    "boat": draw_boat,
    "car": draw_car,
    "cat": draw_cat,
    "dog": draw_dog,
    "bird": draw_bird,
    "fish": draw_fish,
    "balloon": draw_balloon,
    "flower": draw_flower,
    "mushroom": draw_mushroom,
    "star": draw_star,
    "umbrella": draw_umbrella,
    "cup": draw_cup,
    "rabbit": draw_rabbit,
    "tower": draw_tower,
}
# These hang in the air; all others stand on the ground.
FLYING = frozenset({"bird", "balloon", "star"})
