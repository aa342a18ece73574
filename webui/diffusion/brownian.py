"""Brownian motion that gives the same path whatever times are asked for: the noise of SDE samplers.

A binary tree of halved intervals (Li et al. 2020, Kidger et al. 2021). Every interval draws from a seed of
its own, made from its place in the tree. The numbers are those of torchsde's BrownianTree, which k-diffusion
and A1111 use; unlike there, where the normal numbers come from is an argument.
"""

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from torch import Tensor

# Times are rounded to so many digits: below that, two sigmas are the same moment.
TIME_DIGITS = 6
# Words of entropy that the seeds of a tree are mixed from.
POOL_SIZE = 24
# Increments kept, most recently used; the ancestors of an interval, about 25 at most, stay among them.
KEPT_INCREMENTS = 45

# Seed -> normal numbers (C, h, w) or (B, C, h, w).
DrawNormal = Callable[[int], Tensor]


@dataclass(frozen=True, slots=True)
class Interval:
    """A node of the tree: `depth` halvings below the root, `place` counted from the left."""

    start: float
    end: float
    depth: int = 0
    place: int = 0

    @property
    def middle(self) -> float:
        """Where it is halved."""
        return round(0.5 * (self.end + self.start), TIME_DIGITS)

    def halves(self) -> tuple["Interval", "Interval"]:
        """The left and the right one."""
        depth, place = self.depth + 1, 2 * self.place
        return Interval(self.start, self.middle, depth, place), Interval(
            self.middle, self.end, depth, place + 1
        )


class BrownianTree:
    """One Brownian path on [start, end], decided by `entropy` alone."""

    def __init__(self, start: float, end: float, entropy: int, draw: DrawNormal) -> None:
        self._root = Interval(round(start, TIME_DIGITS), round(end, TIME_DIGITS))
        self._entropy = entropy
        self._draw = draw
        seed = np.random.SeedSequence(entropy=entropy, pool_size=POOL_SIZE).generate_state(1)[0]
        self._whole = draw(int(seed)) * math.sqrt(end - start)
        self._kept: OrderedDict[Interval, Tensor] = OrderedDict()

    def __call__(self, start: float, end: float) -> Tensor:
        """How far the path goes between two times within the interval, start <= end."""
        start, end = (
            round(min(max(time, self._root.start), self._root.end), TIME_DIGITS) for time in (start, end)
        )
        if start == end:
            return self._whole * 0.0
        first, *others = self._cover(start, end)
        total = self._increment(first)
        for path in others:
            total = total + self._increment(path)
        return total

    def _cover(self, start: float, end: float) -> list[tuple[Interval, ...]]:
        """The nodes that make up [start, end], from left to right, each as its path from the root."""
        found: list[tuple[Interval, ...]] = []
        waiting = [(self._root,)]
        while waiting:
            path = waiting.pop()
            node = path[-1]
            if node.end <= start or node.start >= end:
                continue
            if start <= node.start and node.end <= end:
                found.append(path)
                continue
            left, right = node.halves()
            waiting += [(*path, right), (*path, left)]
        return found

    def _increment(self, path: tuple[Interval, ...]) -> Tensor:
        """The increment over the last node of a path, from those of its ancestors."""
        total = self._whole
        for parent, child in pairwise(path):
            if child in self._kept:
                self._kept.move_to_end(child)
                total = self._kept[child]
                continue
            left = self._left_increment(parent, total)
            total = left if child.place % 2 == 0 else total - left
            self._kept[child] = total
            if len(self._kept) > KEPT_INCREMENTS:
                self._kept.popitem(last=False)
        return total

    def _left_increment(self, parent: Interval, total: Tensor) -> Tensor:
        """The increment over the left half, given that over both: a Brownian bridge."""
        sequence = np.random.SeedSequence(
            entropy=self._entropy, spawn_key=(parent.place, parent.depth), pool_size=POOL_SIZE
        )
        per_length = 1 / (parent.end - parent.start)
        left, right = parent.middle - parent.start, parent.end - parent.middle
        mean = left * total * per_length
        return mean + math.sqrt(left * right * per_length) * self._draw(int(sequence.generate_state(1)[0]))
