"""The top-level tabs. All of them are in the page from the start, shown or not.

Scripts of extensions look for elements of tabs that were never opened, and Gradio mounts what is in its
own tabs only when they are first opened. `assets/js/tabs.js` draws the buttons and shows one panel at a time.
"""

import html
from collections.abc import Iterator
from contextlib import contextmanager

import gradio as gr


@contextmanager
def top_tabs() -> Iterator[None]:
    """Around all `top_tab`s."""
    with gr.Column(elem_id="tabs", elem_classes=["tabs"]):
        yield


@contextmanager
def top_tab(label: str, name: str) -> Iterator[None]:
    """Around what a tab contains. Its panel has the id `tab_<name>`; the label becomes the button's text."""
    with gr.Column(elem_id=f"tab_{name}", elem_classes=["tabitem"]):
        gr.HTML(f'<h1 class="tab-name">{html.escape(label)}</h1>', elem_classes=["tab-name-holder"])
        yield
