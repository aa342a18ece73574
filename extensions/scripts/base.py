"""What all scripts share: a part with A1111's arguments, and events of a nested run as those of the whole."""

from typing import Annotated, Any, ClassVar, Self, cast

from pydantic import BeforeValidator

from webui.plugins import Event, ImageReady, Phase, Planned, Progress, RequestPart, Withdrawn


def number_as_text(value: object) -> object:
    """A1111's clients send the number of a name in its list."""
    return str(value) if isinstance(value, int) else value


# Name of an upscaler, or its number among all.
Upscaler = Annotated[str, BeforeValidator(number_as_text)]


class ScriptPart(RequestPart):
    """Base of the scripts' values. It is there whenever its script is chosen, at its defaults too.

    `has_note`: A1111's page has a paragraph of text before the values, and so has its list of arguments.
    """

    is_script: ClassVar[bool] = True
    has_note: ClassVar[bool] = False

    @property
    def is_active(self) -> bool:
        """A chosen script always does something."""
        return True

    @classmethod
    def from_args(cls, args: list[Any]) -> Self:
        """From `script_args`, in A1111's order; what is left out, or is None, has its default.

        Raises InvalidRequest.
        """
        if cls.has_note and len(args) > 0 and (args[0] is None or isinstance(args[0], str)):
            args = args[1:]
        names = list(cls.model_fields)
        first: object = args[0] if len(args) == 1 else None
        if len(args) > len(names) or isinstance(first, dict):
            return super().from_args(args)
        pairs = zip(names, args, strict=False)
        return cls.read({name: value for name, value in pairs if value is not None})

    def to_infotext(self) -> dict[str, str]:
        """Scripts write their own keys, if any."""
        return {}


class NestedRun:
    """One of several runs of a script: its place among them, and where its pictures stand in the gallery."""

    def __init__(self, number: int, count: int, first_index: int = 0, what: str = "") -> None:
        """`number` counts from 0 in the order of the work. `what` tells the artist which it is."""
        self.number, self.count, self.first_index = number, count, first_index
        self.what = what or f"{number + 1} of {count}"

    def place(self, event: Event) -> Event | None:
        """An event of the run as one of the whole job; None for what only makes sense of one run."""
        if isinstance(event, Planned):
            return None
        if isinstance(event, ImageReady | Withdrawn):
            return event.model_copy(update={"index": self.first_index + event.index})
        if isinstance(event, Progress):
            return self._place_progress(event)
        if isinstance(event, Phase) and not event.detail:
            return event.model_copy(update={"detail": self.what})
        return event

    def _place_progress(self, event: Progress) -> Progress:
        changes = {
            "step": event.steps * self.number + event.step,
            "steps": event.steps * self.count,
            "batch": self.number,
            "batches": self.count,
        }
        return event.model_copy(update=changes)


def is_result(event: object) -> bool:
    """Whether an event brings a finished picture, not one on the way to it."""
    return isinstance(event, ImageReady) and not event.aside


def list_of(value: object) -> object:
    """A list as it is sent by clients who leave it empty in their own ways."""
    if value is None or value == "":
        return ()
    return (value,) if isinstance(value, str) else tuple(cast("list[object]", value))
