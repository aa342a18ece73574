"""Tabs that an extension puts among the page's own, where Gradio 3's page had `gr.Tabs`."""

# Gradio's own values and signatures are not typed.
# ruff: noqa: ANN401

import functools
import html
from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr
from gradio.context import get_render_context

# What holds the page's own tabs, and how one looks there: see webui/ui/components/top_tabs.py.
PAGE_TABS = "tabs"
NESTED = "_gradio3_entered_again"


@functools.cache
def page_tab() -> type:
    """The class of such tabs, made once Gradio's are wrapped: before, Gradio would write files for it."""

    class PageTab(gr.Column):
        """A tab of the page's own strip, made with the arguments of `gr.Tab`."""

        def __init__(self, label: str | None = None, **given: Any) -> None:
            elem_id = given.get("elem_id") or f"tab_{given.get('id') or label}"
            super().__init__(elem_id=elem_id, elem_classes=["tabitem"])
            with self:
                name = f'<h1 class="tab-name">{html.escape(str(label or ""))}</h1>'
                gr.HTML(name, elem_classes=["tab-name-holder"])

    return PageTab


def page_tab_class(cls: type) -> type | None:
    """What stands in for `gr.Tab` where it would be one of the page's own tabs."""
    if not issubclass(cls, gr.Tab):
        return None
    around = get_render_context()
    return page_tab() if isinstance(around, gr.Column) and around.elem_id == PAGE_TABS else None


def wrap_enter(original: Callable[..., Any]) -> Callable[..., Any]:
    """A layout that is entered while what is made goes into it anyway keeps what lies around it."""

    @functools.wraps(original)
    def enter(self: Any) -> Any:
        if get_render_context() is self:
            setattr(self, NESTED, getattr(self, NESTED, 0) + 1)
            return self
        return original(self)

    return enter


def wrap_exit(original: Callable[..., Any]) -> Callable[..., Any]:
    """Such a layout is left as often as it was entered."""

    @functools.wraps(original)
    def leave(self: Any, *error: Any) -> Any:
        known: Mapping[str, Any] = vars(self)
        if known.get(NESTED):
            setattr(self, NESTED, known[NESTED] - 1)
            return None
        return original(self, *error)

    return leave
