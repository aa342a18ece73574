"""A field that chooses one of several panels; `assets/js/subtabs.js` makes a strip of tabs of it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import gradio as gr

from webui.ui.forms.form import Form


@contextmanager
def sub_tabs(elem_id: str) -> Iterator[None]:
    """Around the chooser and its panels."""
    with gr.Column(elem_id=elem_id, elem_classes=["sub-tabs"]):
        yield


def chooser(
    form: Form, name: str, choices: Sequence[str], default: str, elem_id: str, label: str
) -> gr.Radio:
    """The field itself."""
    radio = gr.Radio(
        list(choices),
        value=default,
        label=label,
        show_label=False,
        container=False,
        elem_id=elem_id,
        elem_classes=["sub-tab-choice"],
    )
    return form.add(name, radio)


@contextmanager
def panel(choice: str, elem_ids: Mapping[str, str]) -> Iterator[None]:
    """Around what belongs to one choice; the styles show the chosen one's by its class `mode-…`."""
    name = choice.lower().replace(" ", "-")
    with gr.Column(elem_id=elem_ids[choice], elem_classes=["sub-tab-panel", f"mode-{name}"]):
        yield
