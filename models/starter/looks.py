"""The four looks, laid over a finished drawing."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

# One art pixel is this share of the picture's side: 64 across, four real pixels each at 256.
ART_PIXELS = 64


def smooth_noise(rng: np.random.Generator, size: int, grain: float) -> NDArray[np.float32]:
    """Noise (size, size), mean 0, deviation 1, whose blobs are about `grain` pixels wide."""
    cells = max(4, round(size / grain))
    noise = rng.standard_normal((cells, cells)).astype(np.float32)
    field = cv2.resize(noise, (size, size), interpolation=cv2.INTER_CUBIC)
    return (field - field.mean()) / (field.std() + 1e-6)


def finish_flat(picture: Picture, rng: np.random.Generator) -> Picture:
    """The drawing as it is."""
    del rng
    return picture


def finish_watercolour(picture: Picture, rng: np.random.Generator) -> Picture:
    """Wobbling edges, pigment pooling at them, pale blotches, grained paper and a white torn border."""
    size = picture.shape[0]
    unit = size / 256
    grid_y, grid_x = np.mgrid[0:size, 0:size].astype(np.float32)
    shift_x = smooth_noise(rng, size, 14 * unit) * 1.5 * unit
    shift_y = smooth_noise(rng, size, 14 * unit) * 1.5 * unit
    wet = cv2.remap(
        picture, grid_x + shift_x, grid_y + shift_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    wash = cv2.bilateralFilter(wet, 7, 40, 5).astype(np.float32)
    soft = cv2.GaussianBlur(wash, (0, 0), 2.2 * unit)
    # Where the wash is darker than its surroundings pigment has gathered.
    wash += np.clip(wash - soft, -40, 0) * 0.9
    blotch = smooth_noise(rng, size, 40 * unit) * 0.10 + smooth_noise(rng, size, 16 * unit) * 0.05
    paleness = np.clip(0.24 + blotch, 0.02, 0.6)[..., None]
    paper = np.asarray((253, 249, 240), np.float32)
    wash = wash + (paper - wash) * paleness
    border = np.minimum(np.minimum(grid_x, size - 1 - grid_x), np.minimum(grid_y, size - 1 - grid_y)) / unit
    inside = np.clip((border - 7 - smooth_noise(rng, size, 18 * unit) * 2.2) / 3, 0, 1)[..., None]
    wash = paper + (wash - paper) * inside
    grain = smooth_noise(rng, size, 2.2 * unit)[..., None] * 2.2
    return np.clip(wash + grain, 0, 255).astype(np.uint8)


def finish_pencil(picture: Picture, rng: np.random.Generator) -> Picture:
    """Coloured pencil: slanting strokes on cream paper, dark contour lines."""
    size = picture.shape[0]
    unit = size / 256
    smooth = cv2.bilateralFilter(picture, 5, 30, 3)
    lightness = cv2.cvtColor(smooth, cv2.COLOR_RGB2GRAY)
    # Flakes and drops vanish under the median: they get no dark rings.
    plain = cv2.medianBlur(smooth, 7)
    gradient_x = cv2.Sobel(plain, cv2.CV_32F, 1, 0, ksize=3)
    gradient_y = cv2.Sobel(plain, cv2.CV_32F, 0, 1, ksize=3)
    strength = np.sqrt(gradient_x**2 + gradient_y**2).max(2)
    contour = np.clip((strength - 60) / 160, 0, 1) * 0.72
    hatching = stroke_texture(rng, size, unit)
    # Light parts are hatched thinly, dark ones almost covered.
    cover = np.clip(1.02 - lightness.astype(np.float32) / 255 * 0.42 + hatching * 0.17, 0.25, 1.0)[..., None]
    paper = np.asarray((252, 247, 234), np.float32)
    sketch = paper + (smooth.astype(np.float32) - paper) * cover
    ink = np.asarray((58, 48, 54), np.float32)
    sketch += (ink - sketch) * contour[..., None]
    return np.clip(sketch, 0, 255).astype(np.uint8)


def stroke_texture(rng: np.random.Generator, size: int, unit: float) -> NDArray[np.float32]:
    """Slanting streaks, about -1..1: noise drawn out along one direction."""
    length = max(3, round(19 * unit))
    kernel = np.zeros((length, length), np.float32)
    cv2.line(kernel, (0, length - 1), (length - 1, 0), 1.0, 1)
    noise = smooth_noise(rng, size, 1.6 * unit)
    streaks = cv2.filter2D(noise, -1, kernel / kernel.sum())
    return np.clip(streaks / (streaks.std() * 1.5 + 1e-6), -1, 1)


def finish_pixel_art(picture: Picture, rng: np.random.Generator) -> Picture:
    """Sixty-four square pixels across, in few tones a channel."""
    del rng
    size = picture.shape[0]
    small = cv2.resize(picture, (ART_PIXELS, ART_PIXELS), interpolation=cv2.INTER_AREA).astype(np.float32)
    small += (small - cv2.GaussianBlur(small, (0, 0), 1.2)) * 0.3
    step = 255 / 9
    toned = np.round(small / step) * step
    toned = np.clip(128 + (toned - 128) * 1.08, 0, 255).astype(np.uint8)
    return np.asarray(cv2.resize(toned, (size, size), interpolation=cv2.INTER_NEAREST), np.uint8)


LOOK_FINISHES: dict[str, Callable[[Picture, np.random.Generator], Picture]] = {
    "flat": finish_flat,
    "watercolour": finish_watercolour,
    "pencil": finish_pencil,
    "pixel art": finish_pixel_art,
}
