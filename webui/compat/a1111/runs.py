"""The runs that are being made for extensions: which processing object belongs to which."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from webui.core.events import ImageReady, Message

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from PIL import Image

    from webui.core.request import GenerationRequest
    from webui.core.stop import Stop
    from webui.plugins.batch import Batch
    from webui.plugins.context import Context

# Jobs whose pictures may still be saved while later ones run.
MOST_REMEMBERED = 32


@dataclass(slots=True, eq=False)
class ActiveRun:
    """One run of the program with its processing object `p`.

    `handed` is what `p` was when its values last went into the request. `is_ours`: it was begun by
    `process_images`, which takes `processed` and tells the pictures itself.
    """

    p: Any
    context: Context
    request: GenerationRequest
    handed: Mapping[str, Any]
    is_ours: bool = False
    depth: int = 0
    batch: Batch | None = None
    is_planned: bool = False
    # Calls of the core, while they may be made: see `wrap_start` and `wrap_sampling`.
    start: Callable[[], None] | None = None
    sample: Callable[[], Any] | None = None
    results: list[ImageReady] = field(default_factory=list[ImageReady])
    processed: Any = None
    # Have the batch's pictures decoded together: there are more of them than were planned, or fewer.
    needs_whole_batch: Callable[[], object] = lambda: None
    # The noise that the object was given for its batch.
    rng: Any = None


@dataclass(slots=True)
class Runs:
    """All that are being made, the innermost last. Used on the device's thread, but for `of_job`."""

    stack: list[ActiveRun] = field(default_factory=list[ActiveRun])
    # Handed over by `process_images` to the run that it begins.
    pending: ActiveRun | None = None
    # What the job that runs now may use, and the thread it runs on.
    context: Context | None = None
    thread: int = 0
    # Pictures that the job's script has made so far, by their index; None where there is no script.
    shown: dict[int, Image.Image] | None = None
    told: int = 0
    _by_job: list[tuple[Stop, ActiveRun]] = field(default_factory=list)

    def enter(self, context: Context) -> None:
        """A run begins at the depth of the context: what is as deep or deeper is over."""
        self.context, self.thread = context, threading.get_ident()
        self.stack = [
            each
            for each in self.stack
            if each.depth < context.state.depth and each.context.stop is context.stop
        ]

    def push(self, run: ActiveRun) -> None:
        """Begin a run within those that are being made."""
        run.depth = run.context.state.depth
        self.stack.append(run)
        self._by_job = [*self._by_job[1 - MOST_REMEMBERED :], (run.context.stop, run)]

    def leave(self) -> None:
        """The job is over."""
        self.context, self.stack, self.pending, self.shown = None, [], None, None

    @property
    def is_in_job(self) -> bool:
        """Whether this thread carries out a job."""
        return self.context is not None and self.thread == threading.get_ident()

    @property
    def innermost(self) -> ActiveRun | None:
        """The run that is being made."""
        return self.stack[-1] if self.stack else None

    def at(self, context: Context) -> ActiveRun | None:
        """The run of a context, as hooks are given it."""
        depth = context.state.depth
        return next((each for each in reversed(self.stack) if each.depth == depth), None)

    def of(self, p: Any) -> ActiveRun | None:  # noqa: ANN401 - a processing object
        """The run of a processing object, or of the one that it is a copy of."""
        return next((each for each in reversed(self.stack) if each.p is p), self.innermost)

    def of_job(self, stop: Stop | None, request: GenerationRequest | None) -> ActiveRun | None:
        """The run that made a picture of a job. Any thread."""
        own = [run for halt, run in list(self._by_job) if halt is stop]
        seed = request.seed if request else None
        fitting = [run for run in own if run.request.seed == seed]
        return (fitting or own or [None])[-1]

    def tell(self, text: str) -> None:
        """A warning for the artist, if there is one who waits."""
        if self.context is not None:
            self.context.emit(Message(text=text, level="warning"))
