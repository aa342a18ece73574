"""A job: a request, the log of what happened to it, and three ways to end it early."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal
from uuid import uuid4

from webui.core.decode_request import DecodeRequest
from webui.core.events import (
    Event,
    Finished,
    ImageReady,
    ImageSaved,
    LoraReport,
    Message,
    Preview,
    Progress,
    Queued,
    Started,
)
from webui.core.request import GenerationRequest
from webui.core.settings import Settings
from webui.core.stop import Stop
from webui.core.work import WorkRequest

JobState = Literal["queued", "running", "done", "stopped", "cancelled", "failed"]


@dataclass(frozen=True, slots=True)
class Beside:
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
    beside: Beside = Beside()


@dataclass(frozen=True, slots=True)
class JobProgress:
    """Where a job stands. `eta_s` is None while nothing can be said."""

    fraction: float = 0.0
    eta_s: float | None = None
    sampling_step: int = 0
    sampling_steps: int = 0
    batch: int = 0
    batches: int = 0


@dataclass(slots=True, eq=False)
class Job:
    """Thread-safe: the device thread appends events, any number of others read them."""

    request: WorkRequest
    delivery: Delivery = Delivery()
    settings: Settings = field(default_factory=Settings)
    id: str = field(default_factory=lambda: uuid4().hex)
    created: float = field(default_factory=time.time)
    halt: Stop = field(default_factory=Stop)
    _log: list[tuple[int, Event]] = field(default_factory=list[tuple[int, Event]])
    _count: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def generation(self) -> GenerationRequest | None:
        """The request that made the pictures, or makes them; None for other kinds of work."""
        if isinstance(self.request, DecodeRequest):
            return self.request.generation
        return self.request if isinstance(self.request, GenerationRequest) else None

    def append(self, event: Event) -> None:
        """Publish an event. The newest preview and progress replace the older ones, to keep the log short."""
        with self._changed:
            if isinstance(event, Preview | Progress | Queued):
                self._log = [entry for entry in self._log if type(entry[1]) is not type(event)]
            self._log.append((self._count, event))
            self._count += 1
            self._changed.notify_all()

    def keep(self, ready: ImageReady) -> None:
        """Keep a picture in the log, for a caller who waits for it or a page that shows it; once only."""
        if all(event is not ready for event in self.log()):
            self.append(ready)

    def drop_images(self) -> None:
        """Let go of the pictures kept for a caller; those on disk stay."""
        with self._changed:
            self._log = [entry for entry in self._log if not isinstance(entry[1], ImageReady)]

    def log(self) -> tuple[Event, ...]:
        """The events so far, without superseded previews and progress."""
        with self._changed:
            return tuple(event for _, event in self._log)

    def events(self) -> Iterator[Event]:
        """All events from the beginning, waiting for new ones, until `Finished`."""
        seen = -1
        while True:
            with self._changed:
                while not (fresh := [entry for entry in self._log if entry[0] > seen]):
                    self._changed.wait()
            for number, event in fresh:
                seen = number
                yield event
                if isinstance(event, Finished):
                    return

    def wait(self, timeout_s: float | None = None) -> Finished | None:
        """Wait for the end. None if it did not come in time."""
        with self._changed:
            self._changed.wait_for(lambda: self._finished() is not None, timeout_s)
            return self._finished()

    def _finished(self) -> Finished | None:
        last = self._log[-1][1] if self._log else None
        return last if isinstance(last, Finished) else None

    @property
    def state(self) -> JobState:
        """Where the job stands in its life."""
        log = self.log()
        if log and isinstance(log[-1], Finished):
            return log[-1].outcome
        return "running" if any(isinstance(event, Started) for event in log) else "queued"

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
        log = self.log()
        started = next((event for event in log if isinstance(event, Started)), None)
        now = next((event for event in log if isinstance(event, Progress)), None)
        if log and isinstance(log[-1], Finished):
            return JobProgress(fraction=1.0)
        if started is None or now is None:
            return JobProgress()
        spent = time.time() - started.at
        eta = spent / now.fraction - spent if now.fraction > 0 else None
        return JobProgress(now.fraction, eta, now.sampling_step, now.sampling_steps, now.batch, now.batches)

    def preview(self) -> Preview | None:
        """The newest preview, if the job still runs."""
        return next((event for event in reversed(self.log()) if isinstance(event, Preview)), None)

    def saved(self) -> tuple[ImageSaved, ...]:
        """The pictures so far, in order."""
        return tuple(event for event in self.log() if isinstance(event, ImageSaved))

    def gallery(self) -> tuple[ImageSaved, ...]:
        """What the page shows: pictures from before, then the job's own in their order, the grid first."""
        own = sorted(self.saved(), key=lambda picture: picture.index)
        return (*self.delivery.beside.pictures, *own)

    def messages(self) -> tuple[Message, ...]:
        """What the artist was told."""
        return tuple(event for event in self.log() if isinstance(event, Message))

    def lora_reports(self) -> tuple[LoraReport, ...]:
        """What became of the LoRAs of its prompts, each once."""
        return tuple(dict.fromkeys(event for event in self.log() if isinstance(event, LoraReport)))
