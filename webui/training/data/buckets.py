"""Sizes that pictures are shown in, by their own aspect ratio and within one area, as kohya has them."""

import math
from dataclasses import dataclass
from functools import lru_cache

from webui.training.data.dataset import Rules

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Placement:
    """How a picture fills its bucket: it is resized, then cut. All in pixels of the resized picture.

    `slack_x` and `slack_y` are how far the cut can move; one of them is near 0.
    """

    bucket: Size
    resized: Size

    @property
    def slack_x(self) -> int:
        """Columns that are cut away."""
        return self.resized[0] - self.bucket[0]

    @property
    def slack_y(self) -> int:
        """Rows that are cut away."""
        return self.resized[1] - self.bucket[1]

    @property
    def kept_share(self) -> float:
        """How much of the picture is seen, 0 to 1."""
        return self.bucket[0] * self.bucket[1] / (self.resized[0] * self.resized[1])


@lru_cache(maxsize=64)
def list_buckets(resolution: Size, step: int, min_side: int, max_side: int) -> tuple[Size, ...]:
    """All sizes with sides that are multiples of `step`, and no more pixels than `resolution` has.

    For each width within the bounds the greatest height, both ways round; the square always.
    """
    area = resolution[0] * resolution[1]
    square = max(math.isqrt(area) // step, 1) * step
    sizes = {(square, square)}
    for width in range(max(min_side // step, 1) * step, max_side + 1, step):
        height = min(max_side // step * step, area // width // step * step)
        if height >= max(min_side, step):
            sizes |= {(width, height), (height, width)}
    return tuple(sorted(sizes))


def find_buckets(rules: Rules) -> tuple[Size, ...]:
    """The sizes that rules allow; one where nothing is sorted by aspect ratio."""
    if not rules.bucketing:
        width, height = (max(side // rules.step, 1) * rules.step for side in rules.resolution)
        return ((width, height),)
    side = math.isqrt(rules.resolution[0] * rules.resolution[1])
    # As kohya's 256 and 1024 are to its 512.
    return list_buckets(rules.resolution, rules.step, rules.min_side or side // 2, rules.max_side or side * 2)


def place(size: Size, rules: Rules) -> Placement:
    """How a picture of `size` is shown."""
    if rules.bucketing and not rules.enlarge and (bucket := find_own_bucket(size, rules)) is not None:
        return cover(size, bucket)
    return cover(size, min(find_buckets(rules), key=lambda bucket: shape_error(size, bucket)))


def find_own_bucket(size: Size, rules: Rules) -> Size | None:
    """The bucket of a picture that is not enlarged: its size, made smaller only where it has too many pixels.

    None for one that is smaller than a step, or longer than the longest side: it is shown as others are.
    """
    area = rules.resolution[0] * rules.resolution[1]
    scale = min(1.0, math.sqrt(area / (size[0] * size[1])))
    width, height = (int(side * scale + 1e-6) // rules.step * rules.step for side in size)
    longest = rules.max_side or 2 * math.isqrt(area)
    return (width, height) if min(width, height) > 0 and max(width, height) <= longest else None


def shape_error(one: Size, other: Size) -> float:
    """How far two aspect ratios differ, the same both ways round."""
    return abs(math.log(one[0] * other[1] / (one[1] * other[0])))


def cover(size: Size, bucket: Size) -> Placement:
    """The picture just large enough to cover a bucket."""
    scale = max(bucket[0] / size[0], bucket[1] / size[1])
    width, height = (max(round(side * scale), least) for side, least in zip(size, bucket, strict=True))
    return Placement(bucket, (width, height))
