"""Gradio 3's classes of events, by which extensions ask what a component tells of."""

from abc import ABC
from typing import Any

# By the names of Gradio 3's classes: the events that a component of the class had.
EVENTS = {
    "Changeable": ("change",),
    "Clearable": ("clear",),
    "Clickable": ("click",),
    "Editable": ("edit",),
    "Focusable": ("focus", "blur"),
    "Inputable": ("input",),
    "Playable": ("play", "pause", "stop", "end"),
    "Recordable": ("start_recording", "stop_recording"),
    "Releaseable": ("release",),
    "Selectable": ("select",),
    "Streamable": ("stream",),
    "Submittable": ("submit",),
    "Uploadable": ("upload",),
}


def make_event_class(name: str, events: tuple[str, ...]) -> type:
    """A class to which every component belongs that has one of these events; others may derive from it."""

    def has_events(cls: type, other: type) -> Any:  # noqa: ANN401 - a bool, or NotImplemented
        if cls is not made:
            return NotImplemented
        return any(hasattr(other, event) for event in events) or NotImplemented

    made = type(name, (ABC,), {"__subclasshook__": classmethod(has_events), "__module__": __name__})
    return made


def event_classes() -> dict[str, type]:
    """All of them, by their names."""
    return {name: make_event_class(name, events) for name, events in EVENTS.items()}
