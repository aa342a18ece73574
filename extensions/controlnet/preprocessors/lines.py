"""Lines from a picture without any network: edges, sketches, soft edges."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from extensions.controlnet.preprocessors.inputs import PreprocessorInputs
from extensions.controlnet.preprocessors.pixels import Pixels, resize

Floats = NDArray[np.float32]


def blur(pixels: NDArray[np.generic], sigma: float) -> Floats:
    """Blurred by a Gaussian of `sigma` pixels."""
    return np.asarray(cv2.GaussianBlur(np.asarray(pixels, np.float32), (0, 0), sigma), np.float32)


def canny(inputs: PreprocessorInputs) -> Pixels:
    """Canny's edges (1986), white on black; A and B are the thresholds of the gradient."""
    pixels = resize(inputs.pixels, inputs.resolution)
    return np.asarray(cv2.Canny(pixels, inputs.threshold_a, inputs.threshold_b), np.uint8)


def threshold(inputs: PreprocessorInputs) -> Pixels:
    """White where even the darkest colour is above A."""
    pixels = resize(inputs.pixels, inputs.resolution)
    return np.where(pixels.min(axis=2) > inputs.threshold_a, 255, 0).astype(np.uint8)


def scribble_xdog(inputs: PreprocessorInputs) -> Pixels:
    """Strokes where a fine blur is darker than a coarse one (Winnemöller 2012); A lets fewer through."""
    pixels = resize(inputs.pixels, inputs.resolution)
    # Twice the difference, in whole steps, is held against the threshold, as artists know the slider.
    difference = (blur(pixels, 5.0) - blur(pixels, 0.5)).min(axis=2)
    doubled = 2 * np.clip(difference, 0, 255).astype(np.uint8).astype(np.int32)
    return np.where(doubled > inputs.threshold_a, 255, 0).astype(np.uint8)


def lineart_standard(inputs: PreprocessorInputs) -> Pixels:
    """A drawing on white paper as white lines on black: what is darker than its surroundings."""
    pixels = resize(inputs.pixels, inputs.resolution)
    darker = np.clip((blur(pixels, 6.0) - pixels.astype(np.float32)).min(axis=2), 0, 255)
    marked = darker[darker > 8]
    # Faint drawings are strengthened, but paper's grain is not taken for lines.
    usual = max(16.0, float(np.median(marked))) if marked.size else 16.0
    return np.clip(darker / usual * 127, 0, 255).astype(np.uint8)


def softedge(inputs: PreprocessorInputs) -> Pixels:
    """The strength of the gradient of all colours at three scales, as soft white lines on black."""
    pixels = resize(inputs.pixels, inputs.resolution)
    strength = sum(gradient(blur(pixels, sigma)) * sigma for sigma in (1.0, 2.0, 4.0))
    return stretch(np.asarray(strength, np.float32))


def gradient(colours: Floats) -> Floats:
    """The largest gradient of the colours (H, W, 3) at each pixel, (H, W)."""
    across = np.asarray(cv2.Scharr(colours, cv2.CV_32F, 1, 0), np.float32)
    down = np.asarray(cv2.Scharr(colours, cv2.CV_32F, 0, 1), np.float32)
    # Scharr's weights sum to 32.
    return (np.hypot(across, down) / 32).reshape(*colours.shape[:2], -1).max(axis=2)


def stretch(strength: Floats) -> Pixels:
    """Strengths to 0…255; what only one pixel in a hundred surpasses is white. Nothing stays nothing."""
    # A picture of one colour has rounding errors, which are no edges.
    full = max(float(np.percentile(strength, 99)), 4.0)
    return np.clip(strength / full * 255, 0, 255).astype(np.uint8)


def thin(soft: Pixels, smoothing: float = 3.0, least: float = 127) -> Pixels:
    """Soft edges (H, W) as thin strokes: ridges are kept, joined and made 0 or 255."""
    smooth = blur(soft, smoothing)
    ridges = np.zeros(smooth.shape, bool)
    for kernel in LINES:
        ridges |= np.asarray(cv2.dilate(smooth, kernel), np.float32) == smooth
    kept = np.where(ridges, smooth, 0)
    strokes = blur((kept > least).astype(np.float32) * 255, smoothing)
    return np.where(strokes > 4, 255, 0).astype(np.uint8)


# Lines through a pixel and its two neighbours, in the four directions.
LINES = tuple(
    np.array(rows, np.uint8)
    for rows in (
        ((0, 0, 0), (1, 1, 1), (0, 0, 0)),
        ((0, 1, 0), (0, 1, 0), (0, 1, 0)),
        ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
        ((0, 0, 1), (0, 1, 0), (1, 0, 0)),
    )
)


def scribble_softedge(inputs: PreprocessorInputs) -> Pixels:
    """The soft edges as thin strokes."""
    return thin(softedge(inputs), least=100)


def lines_mlsd(inputs: PreprocessorInputs) -> Pixels:
    """Straight lines, white on black, found by Hough's transform of Canny's edges.

    A is how faint an edge may be (0…2), B the distance that a line may be broken by, in per cent of a side.
    """
    pixels = resize(inputs.pixels, inputs.resolution)
    strongest = max(1.0, 2000 * inputs.threshold_a)
    edges = np.asarray(cv2.Canny(pixels, strongest / 2, strongest), np.uint8)
    shorter = min(edges.shape)
    found = cv2.HoughLinesP(
        edges, 1, np.pi / 180, max(20, shorter // 16), None, shorter / 12,
        max(1.0, inputs.threshold_b * shorter / 100),
    )  # fmt: skip
    drawn = np.zeros(edges.shape, np.uint8)
    for x0, y0, x1, y1 in np.asarray(found if found is not None else [], np.int32).reshape(-1, 4).tolist():
        cv2.line(drawn, (x0, y0), (x1, y1), 255, 1)
    return drawn
