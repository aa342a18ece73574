"""Which pictures are the same but for their size, format or small changes.

A difference hash says along each row and column where it gets brighter; means of colour in nine fields tell
pictures apart whose shapes are alike.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

HASH_SIDE, FIELDS = 8, 3
HASH_BYTES = 2 * HASH_SIDE * HASH_SIDE // 8
# Neighbouring places that differ by less are alike; else noise would decide in plain areas.
LEAST_STEP = 3
# Of 128 bits, and of 255 levels: what JPEG, a new size or a slight change of brightness make.
MOST_BITS, MOST_LEVELS = 10, 12.0
MOST_PAIRS = 1000
# Pictures compared with all others at once.
ROWS = 256
Bytes = npt.NDArray[np.uint8]


def measure_likeness(image: Image.Image) -> str:
    """Of an RGB picture: 43 bytes in hexadecimal."""
    grey = image.convert("L")
    wide = np.asarray(grey.resize((HASH_SIDE + 1, HASH_SIDE), Image.Resampling.BOX), np.int16)
    tall = np.asarray(grey.resize((HASH_SIDE, HASH_SIDE + 1), Image.Resampling.BOX), np.int16)
    rises = [np.diff(wide, axis=1) >= LEAST_STEP, np.diff(tall, axis=0) >= LEAST_STEP]
    fields = np.asarray(image.resize((FIELDS, FIELDS), Image.Resampling.BOX), np.uint8)
    return (b"".join(np.packbits(each).tobytes() for each in rises) + fields.tobytes()).hex()


def find_duplicates(likenesses: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs of places whose pictures look the same, the first 1000."""
    if len(likenesses) < 2:
        return []
    table = np.stack([np.frombuffer(bytes.fromhex(each), np.uint8) for each in likenesses])
    bits, colours = table[:, :HASH_BYTES], table[:, HASH_BYTES:].astype(np.int16)
    pairs: list[tuple[int, int]] = []
    for begin in range(0, len(table), ROWS):
        rows = slice(begin, begin + ROWS)
        differing = np.bitwise_count(bits[rows, None] ^ bits[None]).sum(axis=2, dtype=np.int32)
        near = np.argwhere(differing <= MOST_BITS)
        near = near[near[:, 0] + begin < near[:, 1]]
        for row, other in near:
            one = int(row) + begin
            if np.abs(colours[one] - colours[other]).max() <= MOST_LEVELS:
                pairs.append((one, int(other)))
                if len(pairs) >= MOST_PAIRS:
                    return pairs
    return pairs
