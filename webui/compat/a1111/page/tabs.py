"""Tabs of extensions: built on their own, with no page open, then rendered into ours."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import gradio as gr
from gradio.context import Context

from webui.compat.a1111.gradio3.late_parts import add_late_part
from webui.compat.a1111.host import current
from webui.compat.a1111.page.reaching import site

Tab = tuple[str, str, Callable[[], object]]


@contextmanager
def no_page_open() -> Iterator[None]:
    """Within it, a `gr.Blocks` is a page of its own: inside ours it would be drawn twice."""
    page, block = Context.root_block, Context.block
    Context.root_block = Context.block = None
    try:
        yield
    finally:
        Context.root_block, Context.block = page, block


def make_tabs() -> list[Tab]:
    """What `on_ui_tabs` callbacks give: label, id, and what renders the tab."""
    with no_page_open():
        found = site("script_callbacks").called_tabs()
    tabs: list[Tab] = []
    for file, each in found:
        if not isinstance(each, tuple | list) or len(each) != 3 or not isinstance(each[0], gr.Blocks):
            continue
        blocks, title, elem_id = each
        name = re.sub(r"\s+", "_", str(elem_id))
        health = current().health.of_file(file)
        owner = health.folder.name if health else ""
        tabs.append((str(title), name, partial(add_late_part, owner, f"tab_{name}", blocks.render)))
    site("shared").tab_names[:] = [label for label, _, _ in tabs]
    return tabs


def make_train_tabs() -> None:
    """What `on_ui_train_tabs` callbacks build, in tabs below the page's own."""
    callbacks = site("script_callbacks")
    if not callbacks.callback_map["callbacks_ui_train_tabs"]:
        return
    params = callbacks.UiTrainTabParams([field.component for field in site("ui").own_txt2img_fields()])
    with gr.Tabs(elem_id="train_tabs"):
        callbacks.ui_train_tabs_callback(params)
