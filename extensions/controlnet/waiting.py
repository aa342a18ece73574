"""What waits for pictures that are sampled but not decoded yet. Light: the plugin looks here at each run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from PIL.Image import Image

    from webui.plugins import Context

    Finish = Callable[[Image], Image]
    # By depth of the run, index of the picture in it, and number of the unit.
    Places = dict[tuple[int, int, int], Finish]


@dataclass(slots=True)
class Finishes:
    """What units do to finished pictures, by job. Only used on the device's thread."""

    # By how a job is told to end, which tells jobs apart.
    _jobs: WeakKeyDictionary[Any, Places] = field(default_factory=WeakKeyDictionary)

    def begin_run(self, context: Context) -> None:
        """A run begins: nothing waits for its pictures, whatever became of the one before."""
        self._take(context, lambda depth, index: depth >= context.state.depth)

    def add(self, context: Context, indexes: Iterable[int], unit: int, finish: Finish) -> None:
        """For pictures of the run; what the unit left for them in an earlier pass is replaced."""
        places = self._jobs.setdefault(context.stop, {})
        places.update({(context.state.depth, index, unit): finish for index in indexes})

    def take(self, context: Context, index: int) -> list[Finish]:
        """What waits for a picture, in the order of the units; it waits no more."""
        return self._take(context, lambda depth, at: (depth, at) == (context.state.depth, index))

    def _take(self, context: Context, is_wanted: Callable[[int, int], bool]) -> list[Finish]:
        places = self._jobs.get(context.stop, {})
        return [places.pop(key) for key in sorted(places) if is_wanted(*key[:2])]


FINISHES = Finishes()
