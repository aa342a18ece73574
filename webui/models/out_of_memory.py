"""Lack of memory: how it is recognised, and what is tried before the artist hears of it.

All stages of a picture (text encoders, U-Net, VAE, upscalers, face restorers) and all loading go through
`MemoryLadder`: what is not in use is freed and the work done again, then with less at once, and only then is
there a sentence that says what to lower.
"""

import gc
import logging
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import torch

from webui.core.errors import OutOfMemory
from webui.core.lack_of_memory import is_lack_of_memory

logger = logging.getLogger(__name__)
Result = TypeVar("Result")
# After so long everything is tried at once again: other programs may have left.
FORGET_S = 120.0
LOWER = "Lower the size, the batch size or the hires scale, or start the server with --medvram or --lowvram."


def attempt(work: Callable[[], Result]) -> tuple[Result] | None:
    """What the work gave; None where the memory ran out. All that the failed work held is free again then."""
    try:
        return (work(),)
    except (RuntimeError, MemoryError, OSError, OutOfMemory) as error:
        if not is_lack_of_memory(error):
            raise
        logger.info("Out of memory: %s", str(error).partition("\n")[0])
    # Only here: the error, with everything that its frames held, is gone.
    release_unused()
    return None


def release_unused() -> None:
    """Give memory that torch keeps without using it back to the device."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()
    if hasattr(torch, "xpu") and torch.xpu.is_available():
        torch.xpu.empty_cache()


class Strategy(Protocol):
    """A way to do a piece of work."""

    @property
    def description(self) -> str:
        """How it is done, as the end of a sentence."""
        ...


AnyStrategy = TypeVar("AnyStrategy", bound=Strategy)


@dataclass(frozen=True, slots=True)
class Work:
    """What is done, and what the artist hears of it.

    `key`: equal work of the same size. `tell_lesser` tells the user by which strategy it was done, and is
    given its description; `refusal` is the sentence where none fits.
    """

    key: Hashable
    tell_lesser: Callable[[str], None]
    refusal: str


def free_nothing() -> bool:
    """For work that shares its memory with nobody."""
    return False


class MemoryLadder:
    """Does work by the first strategy that fits, and begins there for the next work of that size."""

    def __init__(
        self, free: Callable[[], bool] = free_nothing, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`free` lets go of what is not in use and says whether there was anything."""
        self.free, self.clock = free, clock
        # By work: the strategy that did, and until when that is believed.
        self._known: dict[Hashable, tuple[int, float]] = {}

    def try_in_order(
        self,
        work: Work,
        strategies: Sequence[AnyStrategy],
        run: Callable[[AnyStrategy], Result],
        first: int = 0,
    ) -> Result:
        """`run` of the first strategy that fits, from number `first` on. Raises OutOfMemory if none does."""
        known, until = self._known.get(work.key, (0, 0.0))
        start = max(first, known if self.clock() < until else 0)
        for number in range(start, len(strategies)):
            strategy = strategies[number]
            found = attempt(lambda strategy=strategy: run(strategy))
            if found is None and self.free():
                # Once more as before: what was freed may be enough.
                found = attempt(lambda strategy=strategy: run(strategy))
            if found is not None:
                self._remember(work, number, strategy)
                return found[0]
        raise OutOfMemory(work.refusal)

    def _remember(self, work: Work, number: int, strategy: Strategy) -> None:
        if number == 0:
            self._known.pop(work.key, None)
            return
        if self._known.get(work.key, (0, 0.0))[0] != number:
            work.tell_lesser(strategy.description)
        self._known[work.key] = (number, self.clock() + FORGET_S)
