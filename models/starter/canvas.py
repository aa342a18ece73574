"""A paper to draw on: filled, outlined and shaded shapes, smooth at the edges."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

Colour = tuple[float, float, float]
Points = Sequence[tuple[float, float]] | NDArray[np.float64]

# OpenCV takes coordinates in 1/16 pixel with this shift.
SUBPIXEL_BITS = 4


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """The first colour with `share` (0..1) of the second."""
    a, b, c = (x * (1 - share) + y * share for x, y in zip(first, second, strict=True))
    return (a, b, c)


def darker(colour: Colour, share: float) -> Colour:
    """The colour with `share` (0..1) of a warm shadow."""
    return mix(colour, (38, 22, 40), share)


def lighter(colour: Colour, share: float) -> Colour:
    """The colour with `share` (0..1) of a warm light."""
    return mix(colour, (255, 250, 235), share)


def fixed(points: NDArray[np.float64]) -> NDArray[np.int32]:
    """Pixel coordinates as OpenCV's fixed-point integers."""
    return np.round(points * (1 << SUBPIXEL_BITS)).astype(np.int32)


@dataclass(slots=True)
class Canvas:
    """Square picture (S, S, 3) in RGB uint8; all coordinates are shares of its side, y down."""

    side: int
    image: NDArray[np.uint8] = field(init=False)

    def __post_init__(self) -> None:
        """Start from white paper."""
        self.image = np.full((self.side, self.side, 3), 255, np.uint8)

    def polygon(self, points: Points, colour: Colour, alpha: float = 1.0) -> None:
        """Fill a polygon."""
        corners = fixed(np.asarray(points, np.float64) * self.side)
        target = self.image if alpha >= 1 else self.image.copy()
        cv2.fillPoly(target, [corners], colour, cv2.LINE_AA, SUBPIXEL_BITS)
        if alpha < 1:
            cv2.addWeighted(target, alpha, self.image, 1 - alpha, 0, self.image)

    def line(self, points: Points, colour: Colour, width: float, closed: bool = False) -> None:
        """Draw a line; `width` is a share of the side."""
        corners = fixed(np.asarray(points, np.float64) * self.side)
        pixels = max(1, round(width * self.side))
        cv2.polylines(self.image, [corners], closed, colour, pixels, cv2.LINE_AA, SUBPIXEL_BITS)

    def disc(self, x: float, y: float, radius: float, colour: Colour, alpha: float = 1.0) -> None:
        """Fill a circle."""
        self.polygon(oval(x, y, radius, radius), colour, alpha)

    def gradient(self, points: Points, top: Colour, bottom: Colour, alpha: float = 1.0) -> None:
        """Fill a polygon with a vertical gradient between its own highest and lowest row."""
        corners = np.asarray(points, np.float64) * self.side
        left, low = np.clip(np.floor(corners.min(0)), 0, self.side - 1).astype(int)
        right, high = np.clip(np.ceil(corners.max(0)), (left + 1, low + 1), self.side).astype(int)
        mask = np.zeros((high - low, right - left), np.uint8)
        cv2.fillPoly(mask, [fixed(corners - np.array([left, low]))], 255, cv2.LINE_AA, SUBPIXEL_BITS)
        weight = mask.astype(np.float32)[..., None] * np.float32(alpha / 255)
        share = np.linspace(0, 1, high - low, dtype=np.float32)[:, None, None]
        ramp = np.asarray(top, np.float32) * (1 - share) + np.asarray(bottom, np.float32) * share
        part = self.image[low:high, left:right].astype(np.float32)
        self.image[low:high, left:right] = (part + (ramp - part) * weight + np.float32(0.5)).astype(np.uint8)


def oval(x: float, y: float, width: float, height: float, turn_deg: float = 0.0) -> NDArray[np.float64]:
    """Corners of an ellipse around (x, y); `width` and `height` are half axes."""
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    points = np.stack([np.cos(angle) * width, np.sin(angle) * height], 1)
    turn = np.deg2rad(turn_deg)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return points @ rotation.T + np.array([x, y])


def rounded(points: Points, steps: int = 3) -> NDArray[np.float64]:
    """A closed polygon with its corners cut smooth (Chaikin 1974)."""
    corners = np.asarray(points, np.float64)
    for _ in range(steps):
        following = np.roll(corners, -1, 0)
        corners = np.stack([corners * 0.75 + following * 0.25, corners * 0.25 + following * 0.75], 1).reshape(
            -1, 2
        )
    return corners


def arc(x: float, y: float, radius: float, start_deg: float, end_deg: float) -> NDArray[np.float64]:
    """Points of a circle's arc, clockwise on a picture with y down."""
    angle = np.deg2rad(np.linspace(start_deg, end_deg, 14))
    return np.stack([x + np.cos(angle) * radius, y + np.sin(angle) * radius], 1)


@dataclass(slots=True)
class Brush:
    """Draws one thing in its own units: x right from its middle, y UP from its foot, 1 = its height."""

    canvas: Canvas
    x: float
    foot: float
    height: float
    mirrored: bool
    touched: NDArray[np.uint8] = field(init=False)

    def __post_init__(self) -> None:
        """Start with nothing touched."""
        self.touched = np.zeros((self.canvas.side, self.canvas.side), np.uint8)

    def place(self, points: Points) -> NDArray[np.float64]:
        """The thing's units to shares of the canvas."""
        corners = np.asarray(points, np.float64)
        sign = -1.0 if self.mirrored else 1.0
        return np.stack(
            [self.x + sign * corners[:, 0] * self.height, self.foot - corners[:, 1] * self.height], 1
        )

    def shape(self, points: Points, colour: Colour, outline: float = 0.022) -> None:
        """A filled shape with a darker outline of its own colour (`outline` wide; 0 for none)."""
        corners = self.place(points)
        self.canvas.polygon(corners, colour)
        cv2.fillPoly(self.touched, [fixed(corners * self.canvas.side)], 255, cv2.LINE_AA, SUBPIXEL_BITS)
        if outline > 0:
            self.stroke(points, darker(colour, 0.42), outline, closed=True)

    def ellipse(
        self, centre: tuple[float, float], axes: tuple[float, float], colour: Colour, outline: float = 0.022
    ) -> None:
        """A filled ellipse around `centre` with half `axes`."""
        self.shape(oval(centre[0], centre[1], axes[0], axes[1]), colour, outline)

    def stroke(self, points: Points, colour: Colour, width: float, closed: bool = False) -> None:
        """A line, `width` in the thing's units."""
        corners = self.place(points)
        self.canvas.line(corners, colour, width * self.height, closed)
        pixels = max(1, round(width * self.height * self.canvas.side))
        scaled = fixed(corners * self.canvas.side)
        cv2.polylines(self.touched, [scaled], closed, 255, pixels, cv2.LINE_AA, SUBPIXEL_BITS)

    def face(self, x: float, y: float, scale: float, ink: Colour) -> None:
        """Two eyes, a smile and rosy cheeks around (x, y); `scale` is half the distance of the eyes."""
        for side in (-1, 1):
            self.ellipse((x + side * scale, y), (scale * 0.30, scale * 0.38), ink, 0)
            self.ellipse(
                (x + side * scale - scale * 0.08, y + scale * 0.14),
                (scale * 0.11, scale * 0.11),
                (255, 255, 255),
                0,
            )
            self.ellipse(
                (x + side * scale * 1.45, y - scale * 0.62), (scale * 0.3, scale * 0.2), (246, 140, 130), 0
            )
        smile = arc(x, y - scale * 0.35, scale * 0.45, 200, 340)
        self.stroke(smile, ink, scale * 0.2)

    def finish(self, before: NDArray[np.uint8], light: Colour) -> None:
        """Put the scene's light on what was drawn since `before`, shaded softly from the upper left."""
        side = self.canvas.side
        rows, columns = self.touched.any(1).nonzero()[0], self.touched.any(0).nonzero()[0]
        if not len(rows):
            return
        window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        weight = self.touched[window].astype(np.float32)[..., None] / np.float32(255)
        down = (np.arange(rows[0], rows[-1] + 1, dtype=np.float32) / side - self.foot) / self.height + 0.5
        across = (np.arange(columns[0], columns[-1] + 1, dtype=np.float32) / side - self.x) / self.height
        form = 1 - np.clip(down, -1, 1)[:, None] * 0.18 - np.clip(across, -1, 1)[None] * 0.12
        drawn = self.canvas.image[window] * np.asarray(light, np.float32) * form[..., None].astype(np.float32)
        under = before[window].astype(np.float32)
        self.canvas.image[window] = np.clip(under + (drawn - under) * weight, 0, 255).astype(np.uint8)
