"""Lists of files that a form offers, kept up to date: when the page opens, and by a button."""

from collections.abc import Callable

import gradio as gr

from webui.core.model_file import ModelKind
from webui.library.catalog.catalog import Catalog
from webui.ui.components.buttons import icon_button
from webui.ui.handlers import INSTANT
from webui.ui.renewals import renewals_of

Choices = Callable[[], list[str]]


def checkpoint_titles(catalog: Catalog) -> list[str]:
    """What a list of checkpoints shows."""
    return [file.title for file in catalog.files(ModelKind.CHECKPOINT)]


def make_refresh(catalog: Catalog, shown: gr.Dropdown, choices: Choices, label: str, elem_id: str) -> None:
    """A button beside a list that looks for files again."""

    def refresh() -> object:
        catalog.scan()
        return gr.update(choices=choices())

    icon_button("refresh", label, elem_id).click(refresh, outputs=[shown], **INSTANT)


def renew_on_load(page: gr.Blocks, shown: gr.Dropdown, choices: Choices) -> None:
    """The list as it is now, for a page that was just opened, and when files became known since."""
    built = gr.update(choices=[value for _, value in shown.choices or ()])
    renewals_of(page).add(shown, lambda: gr.update(choices=choices()), built)
