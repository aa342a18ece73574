"""Styles for the parts of the page that extensions make, and those that they gave to pages of their own."""

from functools import cache
from pathlib import Path

from webui.compat.a1111 import gradio3
from webui.plugins.specs import hookimpl


@hookimpl
def page_head() -> str | None:
    """The styles as tags for the head of the page."""
    if not gradio3.is_installed():
        return None
    return "\n".join(f"<style>{as_inside(css)}</style>" for css in (own_styles(), *gradio3.page_styles()))


@cache
def own_styles() -> str:
    """What Gradio 6 draws otherwise than Gradio 3."""
    return (Path(gradio3.__file__).parent / "page.css").read_text(encoding="utf-8")


def as_inside(css: str) -> str:
    """Styles that cannot end the tag they stand in."""
    return css.replace("</", "<\\/")
