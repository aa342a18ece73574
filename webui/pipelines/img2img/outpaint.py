"""Room around a picture, to be painted: what img2img starts from when the canvas is extended."""

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps

from webui.core.request_parts import Outpainting

Pixels = NDArray[np.float64]
# How far the "blur" fill carries colours outwards, as a share of the longest new side.
BLUR_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Extended:
    """The picture (RGB) with its new room filled, and the mask (mode L) of what is made anew."""

    picture: Image.Image
    mask: Image.Image


def extended(image: Image.Image, part: Outpainting, seed: int, drawn: Image.Image | None = None) -> Extended:
    """Extend by the part's pixels a side. A mask drawn on the picture (mode L) is made anew as well."""
    width, height = image.width + part.left + part.right, image.height + part.up + part.down
    inner = Image.new("L", image.size, 0) if drawn is None else drawn
    mask = Image.new("L", (width, height), 255)
    mask.paste(inner, (part.left, part.up))
    _mask_seams(mask, image.size, part)
    padded = np.pad(
        np.asarray(image.convert("RGB")),
        ((part.up, part.down), (part.left, part.right), (0, 0)),
        mode="reflect" if part.fill == "mirror" and min(image.size) > 1 else "edge",
    )
    stretched = Image.fromarray(padded)
    picture = FILLS[part.fill](stretched, image, part, seed)
    picture.paste(image, (part.left, part.up))
    return Extended(picture, mask)


def noise_seed(image: Image.Image) -> int:
    """The seed of a picture's noise fill: the same wherever it stands in a batch, so it can be repeated."""
    return zlib.crc32(image.convert("RGB").tobytes())


def _mask_seams(mask: Image.Image, size: tuple[int, int], part: Outpainting) -> None:
    """Along each new side, some of the old picture is made anew too."""
    left, top = part.left, part.up
    right, bottom = left + size[0], top + size[1]
    blend = min(part.blend, size[0] // 2, size[1] // 2)
    seams = (
        (part.left, (left, top, left + blend, bottom)),
        (part.right, (right - blend, top, right, bottom)),
        (part.up, (left, top, right, top + blend)),
        (part.down, (left, bottom - blend, right, bottom)),
    )
    for room, box in seams:
        if room and blend:
            mask.paste(255, box)


def _as_it_is(stretched: Image.Image, image: Image.Image, part: Outpainting, seed: int) -> Image.Image:
    return stretched


def _blurred(stretched: Image.Image, image: Image.Image, part: Outpainting, seed: int) -> Image.Image:
    return stretched.filter(ImageFilter.GaussianBlur(BLUR_SHARE * max(stretched.size)))


def _noise(stretched: Image.Image, image: Image.Image, part: Outpainting, seed: int) -> Image.Image:
    """Noise that has the picture's spectrum, falling off, and its colours: shapes of about the right size."""
    rng = np.random.default_rng(seed)
    source = ImageOps.fit(image.convert("RGB"), stretched.size)
    spectrum = np.abs(np.fft.fft2(np.asarray(source, np.float64), axes=(0, 1)))
    across, down = np.fft.fftfreq(stretched.width)[None, :], np.fft.fftfreq(stretched.height)[:, None]
    distance = np.hypot(across, down)
    lowest = 1 / max(stretched.size)
    fall = (np.maximum(distance, lowest) / lowest) ** -float(part.fall_off) if part.fall_off else 1.0
    grey = np.fft.fft2(rng.standard_normal((stretched.height, stretched.width, 1)), axes=(0, 1))
    colour = np.fft.fft2(rng.standard_normal((stretched.height, stretched.width, 3)), axes=(0, 1))
    share = float(part.colour_variation)
    waves = (grey * (1 - share) + colour * share) * spectrum * np.asarray(fall)[..., None]
    shaped = np.fft.ifft2(waves, axes=(0, 1)).real
    return Image.fromarray(_with_levels(shaped, np.asarray(image.convert("RGB"), np.float64)))


def _with_levels(noise: Pixels, picture: Pixels) -> NDArray[np.uint8]:
    """Noise (H, W, 3) with the picture's distribution of levels in each channel."""
    result = np.empty(noise.shape, np.uint8)
    for channel in range(3):
        levels = np.sort(picture[..., channel].ravel())
        rank = np.argsort(np.argsort(noise[..., channel].ravel())) / max(noise[..., channel].size - 1, 1)
        result[..., channel] = levels[(rank * (len(levels) - 1)).astype(int)].reshape(noise.shape[:2])
    return result


FILLS = {"noise": _noise, "stretch": _as_it_is, "mirror": _as_it_is, "blur": _blurred}
