"""A job: a request, the log of what happened to it, and three ways to end it early."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Literal, TypeVar
from uuid import uuid4

from webui.core.events import (
    Event,
    Finished,
    ImageReady,
    ImageSaved,
    LoraReport,
    Message,
    Phase,
    Planned,
    Preview,
    Progress,
    Queued,
    Started,
    TrainingProgress,
    Withdrawn,
)
from webui.core.request import GenerationRequest
from webui.core.settings import Settings
from webui.core.stop import Stop
from webui.core.work.kinds import DecodeRequest, WorkRequest
from webui.jobs.edge import run_at_edge

logger = logging.getLogger(__name__)

JobState = Literal["queued", "running", "done", "stopped", "cancelled", "failed"]
Listener = Callable[[Event], None]
Kind = TypeVar("Kind", bound=Event)
# Until a job has ended, it is not done: decoding and saving come after the last step.
MOST_UNFINISHED = 0.99


@dataclass(frozen=True, slots=True)
class GalleryContext:
    """Pictures of earlier jobs that the page shows before the job's own; `chosen` is the place of the one
    that the job works on. Each lies in a file.
    """

    pictures: tuple[ImageSaved, ...] = ()
    chosen: int = 0


@dataclass(frozen=True, slots=True)
class Delivery:
    """What happens to the finished pictures; it does not change them."""

    tab: str = "txt2img"
    save_samples: bool = True
    save_grid: bool = True
    # Keep the pictures themselves in the log, for a caller who waits for them (the API).
    keep_images: bool = False
    earlier: GalleryContext = GalleryContext()
    # Who asked for the job, as `ownership.owner_name` writes it; empty: nobody in particular (the API).
    owner: str = ""
    # What a client calls the job when it asks how far it is: A1111's `force_task_id`, and its page's tasks.
    task_id: str = ""


@dataclass(frozen=True, slots=True)
class JobProgress:
    """Where a job stands; `fraction` is 1 only at its end. `eta_s` is None while nothing can be said."""

    fraction: float = 0.0
    eta_s: float | None = None
    sampling_step: int = 0
    sampling_steps: int = 0
    batch: int = 0
    batches: int = 0
    phase: Phase | None = None


@dataclass(slots=True, eq=False)
class Job:
    """Thread-safe: the device thread appends events, any number of others read them."""

    request: WorkRequest
    delivery: Delivery = Delivery()
    settings: Settings = field(default_factory=Settings)
    id: str = field(default_factory=lambda: uuid4().hex)
    created: float = field(default_factory=time.time)
    halt: Stop = field(default_factory=Stop)
    _log: dict[int, Event] = field(default_factory=dict[int, Event])
    _count: int = 0
    _newest: dict[type[Event], int] = field(default_factory=dict[type[Event], int])
    _listeners: dict[int, Listener] = field(default_factory=dict[int, Listener])
    _listened: int = 0
    _started: Started | None = None
    _finished: Finished | None = None
    _changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def generation(self) -> GenerationRequest | None:
        """The request that made the pictures, or makes them; None for other kinds of work."""
        if isinstance(self.request, DecodeRequest):
            return self.request.generation
        return self.request if isinstance(self.request, GenerationRequest) else None

    @property
    def owner(self) -> str:
        """Who asked for it; empty: nobody in particular."""
        return self.delivery.owner

    def append(self, event: Event) -> None:
        """Publish an event; nothing comes after `Finished`.

        The newest preview, progress and phase replace the older ones, to keep the log short.
        """
        with self._changed:
            if self._finished is not None:
                return
            if isinstance(event, Preview | Progress | TrainingProgress | Phase | Queued):
                self._log.pop(self._newest.get(type(event), -1), None)
                self._newest[type(event)] = self._count
            elif isinstance(event, Started):
                self._started = event
            elif isinstance(event, Finished):
                self._finished = event
            self._log[self._count] = event
            self._count += 1
            self._changed.notify_all()
            for number in tuple(self._listeners):
                self._call(number, event)

    def keep(self, ready: ImageReady) -> None:
        """Keep a picture in the log, for a caller who waits for it or a page that shows it; once only."""
        known = ((event.index, event.aside) for event in self.log() if isinstance(event, ImageReady))
        if (ready.index, ready.aside) not in known:
            self.append(ready)

    def drop_images(self) -> None:
        """Let go of the pictures kept for a caller; those on disk stay."""
        with self._changed:
            self._log = {at: event for at, event in self._log.items() if not isinstance(event, ImageReady)}

    def drop_images_at_end(self) -> None:
        """The same as soon as it is finished: for a caller who waits no more."""

        def hear(event: Event) -> None:
            if isinstance(event, Finished):
                self.drop_images()

        self.listen(hear)

    def count_kept_pixels(self) -> int:
        """Pixels of the pictures that its log holds in memory."""
        return sum(
            event.image.width * event.image.height for event in self.log() if isinstance(event, ImageReady)
        )

    def log(self) -> tuple[Event, ...]:
        """The events so far, without superseded previews and progress."""
        with self._changed:
            return tuple(self._log.values())

    @property
    def version(self) -> int:
        """How many events there were: a reader who has seen this number has nothing new to see."""
        return self._count

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Have `listener` called with every event, those so far first; gives a function that ends it.

        It is called in order, each event once, on whichever thread appends, and must return at once: asyncio
        hands over with `loop.call_soon_threadsafe`. One that raises is logged and not called again.
        """
        with self._changed:
            number = self._listened
            self._listened += 1
            self._listeners[number] = listener
            for event in tuple(self._log.values()):
                self._call(number, event)

        def end() -> None:
            with self._changed:
                self._listeners.pop(number, None)

        return end

    def _call(self, number: int, event: Event) -> None:
        def forget(error: BaseException) -> None:
            # Its fault must not end the job that it listens to.
            logger.error("A listener of job %s failed and is not called again", self.id, exc_info=error)
            self._listeners.pop(number, None)

        if listener := self._listeners.get(number):
            run_at_edge(lambda: listener(event), forget)

    async def join(self) -> Finished:
        """Wait for the end without holding a thread. Ending the wait does not end the job."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[Finished] = loop.create_future()

        def resolve(finished: Finished) -> None:
            if not ended.done():
                ended.set_result(finished)

        def hear(event: Event) -> None:
            if isinstance(event, Finished):
                loop.call_soon_threadsafe(resolve, event)

        end_listening = self.listen(hear)
        try:
            return await ended
        finally:
            end_listening()

    def events(self) -> Iterator[Event]:
        """All events from the beginning, waiting for new ones, until `Finished`."""
        seen = -1
        while True:
            with self._changed:
                while not (fresh := self._since(seen)):
                    self._changed.wait()
            for number, event in fresh:
                seen = number
                yield event
                if isinstance(event, Finished):
                    return

    def _since(self, seen: int) -> list[tuple[int, Event]]:
        fresh = list(takewhile(lambda entry: entry[0] > seen, reversed(self._log.items())))
        return fresh[::-1]

    def wait(self, timeout_s: float | None = None) -> Finished | None:
        """Wait for the end. None if it did not come in time."""
        with self._changed:
            self._changed.wait_for(lambda: self._finished is not None, timeout_s)
            return self._finished

    @property
    def finished(self) -> Finished | None:
        """How it ended; None before."""
        return self._finished

    @property
    def state(self) -> JobState:
        """Where the job stands in its life."""
        if self._finished is not None:
            return self._finished.outcome
        return "running" if self._started is not None else "queued"

    def stop(self) -> None:
        """Finish the step, decode what is there, end."""
        self.halt.stop()

    def skip(self) -> None:
        """End this batch after the step, decode it, go on with the next."""
        self.halt.skip()

    def cancel(self) -> None:
        """End as soon as possible and drop the unfinished pictures."""
        self.halt.cancel()

    def progress(self) -> JobProgress:
        """Share done, and how long it will still take at the speed so far."""
        if self._finished is not None:
            return JobProgress(fraction=1.0)
        started, now, phase = self._started, self._latest(Progress), self._latest(Phase)
        if started is not None and (trained := self._latest(TrainingProgress)) is not None:
            done = min(trained.step / max(trained.steps, 1), MOST_UNFINISHED)
            return JobProgress(done, trained.seconds_left, trained.step, trained.steps, phase=phase)
        if started is None or now is None:
            return JobProgress(phase=phase)
        spent = time.time() - started.at
        eta = spent / now.fraction - spent if 0 < now.fraction < MOST_UNFINISHED else None
        # A pass that has begun stands before its first step.
        is_new = self._newest.get(Phase, -1) > self._newest[Progress]
        step = 0 if is_new and phase is not None and phase.counts_steps else now.sampling_step
        return JobProgress(
            min(now.fraction, MOST_UNFINISHED),
            eta,
            step,
            now.sampling_steps,
            now.batch,
            now.batches,
            phase,
        )

    def training_progress(self) -> TrainingProgress | None:
        """How far a training run is, if it is one and has begun."""
        return self._latest(TrainingProgress)

    def preview(self) -> Preview | None:
        """The newest preview, if there was one."""
        return self._latest(Preview)

    def _latest(self, kind: type[Kind]) -> Kind | None:
        """The newest event of a kind of which the log keeps only one."""
        with self._changed:
            event = self._log.get(self._newest.get(kind, -1))
        return event if isinstance(event, kind) else None

    def saved(self) -> tuple[ImageSaved, ...]:
        """The pictures so far, in order."""
        return tuple(event for event in without_withdrawn(self.log()) if isinstance(event, ImageSaved))

    def gallery(self) -> tuple[ImageSaved, ...]:
        """What the page shows: pictures from before, then the job's own in their order, the grid first."""
        return (*self.delivery.earlier.pictures, *shown_pictures(self.log()))

    def planned(self, request: GenerationRequest) -> GenerationRequest:
        """A request of this job with the plan that extensions made of it, once that is known."""
        plans = [event.plan for event in self.log() if isinstance(event, Planned)]
        # A script plans several runs, none of which is the whole.
        return request.planned(plans[0]) if len(plans) == 1 and not request.script else request

    def messages(self) -> tuple[Message, ...]:
        """What the artist was told."""
        return tuple(event for event in self.log() if isinstance(event, Message))

    def lora_reports(self) -> tuple[LoraReport, ...]:
        """What became of the LoRAs of its prompts, each once."""
        return tuple(dict.fromkeys(event for event in self.log() if isinstance(event, LoraReport)))


def shown_pictures(log: Iterable[Event]) -> list[ImageSaved]:
    """The pictures of a log in their order, the grid first; of a job that is done, none that pass."""
    log = without_withdrawn(log)
    is_done = any(isinstance(event, Finished) and event.outcome == "done" for event in log)
    saved = (event for event in log if isinstance(event, ImageSaved))
    return sorted(
        (picture for picture in saved if not (is_done and picture.is_passing)),
        key=lambda picture: picture.index,
    )


def without_withdrawn(log: Iterable[Event]) -> list[Event]:
    """The events without results that extensions took back."""
    log = list(log)
    gone = {event.index for event in log if isinstance(event, Withdrawn)}
    return [
        event
        for event in log
        if not (isinstance(event, ImageReady | ImageSaved) and not event.aside and event.index in gone)
    ]
