"""What there is to know of a picture file: whether it can be read, its size, sharpness and likeness."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from webui.core.errors import UnusableFile
from webui.training.data.dataset import MEASURED_SIDE, PictureFacts
from webui.training.data.likeness import measure_likeness
from webui.training.data.pictures import open_shown

# Decoding leaves the interpreter to others; more threads than this only take memory.
THREADS = 4


def measure_all(paths: Sequence[Path]) -> list[PictureFacts]:
    """The facts of many files, in their order. Never raises for what lies in them."""
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(measure, paths))


def measure(path: Path) -> PictureFacts:
    """The facts of a file, all of which is read."""
    try:
        picture = open_shown(path, (MEASURED_SIDE, MEASURED_SIDE))
    except UnusableFile as error:
        return PictureFacts(fault=end_of_sentence(str(error), path))
    grey = picture.image.convert("L")
    scale = min(MEASURED_SIDE / min(grey.size), 1)
    size = max(round(grey.width * scale), 1), max(round(grey.height * scale), 1)
    small = np.asarray(grey.resize(size, Image.Resampling.BOX, reducing_gap=2.0))
    return PictureFacts(
        width=picture.size[0],
        height=picture.size[1],
        has_alpha=picture.alpha is not None,
        frames=picture.frames,
        sharpness=float(cv2.Laplacian(small, cv2.CV_64F).var()),
        contrast=float(small.std()),
        likeness=measure_likeness(picture.image),
    )


def end_of_sentence(sentence: str, path: Path) -> str:
    """A refusal that begins with the file's name, without it."""
    return sentence.removeprefix(f"{path.name} ").rstrip(".")
