"""A series: one request after another, each with its own init picture, prompt and settings."""

from collections.abc import Callable, Generator
from pathlib import PurePath

from webui.core.errors import WebuiError
from webui.core.events import Event, ImageReady, Message, Progress, SaveAs
from webui.core.request import GenerationRequest
from webui.core.work.series import Series
from webui.plugins.context import Context

Generate = Callable[[GenerationRequest, Context], Generator[Event]]


def run_series(series: Series, context: Context, generate: Generate) -> Generator[Event]:
    """All requests. Raises the refusal of the last one if none gave a picture."""
    counts = [run_request(request) for request in series.requests]
    refusal: WebuiError | None = None
    has_pictures = False
    for number, request in enumerate(series.requests):
        place = SeriesPosition(series, number, sum(counts[:number]), len(counts))
        try:
            for event in generate(request, context):
                has_pictures = has_pictures or isinstance(event, ImageReady)
                yield place.of(event)
        except WebuiError as error:
            refusal = error
            yield Message(text=f"{place.name}: {error}", level="warning")
        if context.stop.is_stopped:
            return
    if refusal is not None and not has_pictures:
        raise refusal


def run_request(request: GenerationRequest) -> int:
    """How many pictures a request makes at most."""
    return request.batch_count * request.loopback.loops if request.loopback else request.count


class SeriesPosition:
    """Where a request stands in its series."""

    def __init__(self, series: Series, number: int, before: int, count: int) -> None:
        """`before` is how many pictures come before its own."""
        self._series, self._number, self._before, self._count = series, number, before, count

    @property
    def name(self) -> str:
        """What the artist knows the request by."""
        names = self._series.names
        return names[self._number] if self._number < len(names) else f"Picture {self._number + 1}"

    def of(self, event: Event) -> Event:
        """An event of the request as one of the series."""
        if isinstance(event, ImageReady):
            changes = {"index": self._before + event.index, "save_as": self._save_as(event)}
            return event.model_copy(update=changes)
        if isinstance(event, Progress):
            step, steps = event.steps * self._number + event.step, event.steps * self._count
            changes = {"step": step, "steps": steps, "batch": self._number, "batches": self._count}
            return event.model_copy(update=changes)
        return event

    def _save_as(self, event: ImageReady) -> SaveAs | None:
        """The file's name is kept; of several results, those after the first count up, as in A1111."""
        names = self._series.names
        if self._number >= len(names) and not self._series.folder:
            return event.save_as
        stem = PurePath(names[self._number]).stem if self._number < len(names) else ""
        counted = f"{stem}-{event.index}" if stem and event.index else stem
        return SaveAs(folder=self._series.folder, name=counted, items=describe_request(event))


def describe_request(event: ImageReady) -> dict[str, str]:
    """The whole request beside A1111's infotext."""
    return {"atelier": event.request.model_dump_json()} if event.request else {}
