"""How events are wired."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import gradio as gr
from gradio.components import Component

from webui.core.errors import WebuiError

# What a handler gives back: values or updates by component.
Updates = dict[Component, Any]
# Handlers that are no one else's business: no entry in Gradio's API, no spinner over what they change.
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
# Handlers that answer with a plain reply. Gradio's queue answers through a stream that opens and closes as
# events come and go, and what falls between is lost; it is left to the one event that never ends: watching.
INSTANT: dict[str, Any] = QUIET | {"queue": False}


def show_fill(tab: str) -> dict[str, Any]:
    """What follows an event that filled a tab's form: the page tells what changed, and how to put it back."""
    return {"fn": None, "js": f"() => window.webui.showFill('{tab}')", "show_progress": "hidden"}


@contextmanager
def show_refusal() -> Generator[None]:
    """Shows a refusal in the corner of the page, where the event has no better place for it."""
    try:
        yield
    except WebuiError as error:
        raise gr.Error(str(error), print_exception=False) from error


def keep_status_in(page: gr.Blocks, status: Component) -> None:
    """Give every event without a spinner one place for its status: the page's first component.

    Otherwise Gradio tells each output of each event that ever ran whenever the state of any one changes, and
    finds each by a walk through the whole page: with some hundred fields, seconds of the browser's time.
    """
    for event in page.fns.values():
        if event.show_progress == "hidden":
            event.show_progress_on = [status]
