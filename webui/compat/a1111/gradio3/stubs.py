"""Keeps Gradio from writing files beside the scripts that derive classes from its own."""

from collections.abc import Generator
from contextlib import contextmanager

from gradio import component_meta

from webui.compat.a1111.gradio3.replacing import Replacements


@contextmanager
def without_stubs() -> Generator[None]:
    """Around classes derived from Gradio's, for which it would write a file of their types."""
    replacements = Replacements()
    replacements.replace(component_meta, "create_or_modify_pyi", lambda *_: None)
    try:
        yield
    finally:
        replacements.restore()
