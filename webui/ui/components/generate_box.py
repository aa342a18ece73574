"""Generate, and what stops a running job: of a tab without prompts."""

from dataclasses import dataclass
from typing import Protocol

import gradio as gr

from webui.ui.components.buttons import icon_button
from webui.ui.components.toprow import running_button


class JobControls(Protocol):
    """What starts, stops and tells of a tab's jobs; tabs with prompts have it in their top row."""

    @property
    def generate(self) -> gr.Button: ...  # noqa: D102 - named by itself, as all below
    @property
    def interrupt(self) -> gr.Button: ...  # noqa: D102
    @property
    def skip(self) -> gr.Button: ...  # noqa: D102
    @property
    def cancel(self) -> gr.Button: ...  # noqa: D102
    @property
    def queue(self) -> gr.HTML: ...  # noqa: D102
    @property
    def clear_queue(self) -> gr.Button: ...  # noqa: D102
    @property
    def notice(self) -> gr.HTML: ...  # noqa: D102
    @property
    def restore(self) -> gr.Button: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class GenerateBox:
    """The components; see JobControls."""

    generate: gr.Button
    interrupt: gr.Button
    skip: gr.Button
    cancel: gr.Button
    queue: gr.HTML
    clear_queue: gr.Button
    notice: gr.HTML
    restore: gr.Button


def make_generate_box(tab: str) -> GenerateBox:
    """Lay them out. Element ids are those of the top row."""
    with (
        gr.Column(elem_id=f"{tab}_actions_column", elem_classes=["actions"], min_width=200),
        gr.Column(elem_id=f"{tab}_generate_bar", elem_classes=["generate-bar"]),
    ):
        with gr.Row(elem_id=f"{tab}_generate_box", elem_classes=["generate-box"]):
            generate = gr.Button(
                "Generate", elem_id=f"{tab}_generate", variant="primary", size="lg", min_width=120
            )
            interrupt = running_button("Interrupt", f"{tab}_interrupt", "generate-box-interrupt")
            skip = running_button("Skip", f"{tab}_skip", "generate-box-skip")
            cancel = running_button("Cancel", f"{tab}_cancel", "generate-box-cancel")
            restore = icon_button("restore", "Show the running job", f"{tab}_restore_progress", visible=False)
        with gr.Row(elem_id=f"{tab}_queue_row", elem_classes=["queue-row"]):
            queue = gr.HTML("", elem_id=f"{tab}_queue")
            clear_queue = gr.Button(
                "Clear queue", elem_id=f"{tab}_clear_queue", size="sm", scale=0, min_width=90
            )
        notice = gr.HTML("", elem_id=f"{tab}_notice", elem_classes=["notice"])
    return GenerateBox(generate, interrupt, skip, cancel, queue, clear_queue, notice, restore)
