"""Where the eye goes in a picture: what stands out (Hou and Zhang 2007) and what has edges."""

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from webui.training.data.buckets import Placement, Size

Map = npt.NDArray[np.float32]
# The longer side of what is looked at; things that fill less than a few of its pixels draw no eye.
SIDE = 96
# A slight pull to the middle decides where nothing stands out.
MIDDLE_PULL = 0.05


def find_offset(image: Image.Image, placement: Placement) -> Size:
    """Left and top of the cut that shows most of what draws the eye, in pixels of the resized picture."""
    interest = measure_interest(image)
    left = best_place(interest.sum(axis=0), placement.bucket[0] / placement.resized[0], placement.slack_x)
    top = best_place(interest.sum(axis=1), placement.bucket[1] / placement.resized[1], placement.slack_y)
    return left, top


def measure_interest(image: Image.Image) -> Map:
    """How much each part of a small copy of the picture draws the eye; the sum is 1."""
    scale = SIDE / max(image.size)
    size = max(round(image.width * scale), 1), max(round(image.height * scale), 1)
    grey = np.asarray(image.convert("L").resize(size, Image.Resampling.BOX), np.float32)
    edges = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    parts = [cv2.GaussianBlur(part, (0, 0), SIDE / 32) for part in (spectral_residual(grey), edges)]
    # The square lets few strong places count more than much of little.
    found = sum(((part / part.sum()) ** 2 for part in parts if part.sum() > 0), np.zeros_like(grey))
    total = found.sum()
    return found / total if total > 0 else found


def spectral_residual(grey: Map) -> Map:
    """What is unexpected in a picture's spectrum, back at its place."""
    spectrum = np.fft.fft2(grey)
    logarithm = np.log(np.abs(spectrum) + 1e-6).astype(np.float32)
    residual = logarithm - cv2.blur(logarithm, (3, 3))
    return (np.abs(np.fft.ifft2(np.exp(residual + 1j * np.angle(spectrum)))) ** 2).astype(np.float32)


def best_place(interest: Map, share: float, slack: int) -> int:
    """Where along one side a window with that share of it holds most; `slack` is how far it can move."""
    if slack <= 0:
        return 0
    begins = np.linspace(0, 1 - share, num=min(slack, 4 * SIDE) + 1)
    sums = np.concatenate([[0.0], np.cumsum(interest)])
    edges = np.linspace(0, 1, num=len(sums))
    held = np.interp(begins + share, edges, sums) - np.interp(begins, edges, sums)
    middle = (1 - share) / 2
    return round(float(begins[np.argmax(held - MIDDLE_PULL * np.abs(begins - middle))]) / (1 - share) * slack)
