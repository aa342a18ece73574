"""The prompt pair with its counters, the Generate box, the tools and the styles."""

from dataclasses import dataclass

import gradio as gr
from gradio.layouts import Form as GradioForm

from webui.ui.components.buttons import icon_button
from webui.ui.forms.form import Form

KEYS_HINT = "Ctrl+Enter generates, Alt+Enter skips, Esc interrupts"
EMPTY_COUNT = "<span>0/75</span>"


@dataclass(frozen=True, slots=True)
class Toprow:
    """Everything above the settings of a generation tab."""

    prompt: gr.Textbox
    negative_prompt: gr.Textbox
    generate: gr.Button
    interrupt: gr.Button
    skip: gr.Button
    cancel: gr.Button
    queue: gr.HTML
    clear_queue: gr.Button
    notice: gr.HTML
    paste: gr.Button
    clear: gr.Button
    restore: gr.Button
    styles: gr.Dropdown
    refresh_styles: gr.Button
    apply_styles: gr.Button
    counter: gr.HTML
    counter_button: gr.Button
    negative_counter: gr.HTML
    negative_counter_button: gr.Button


def make_toprow(tab: str, form: Form, style_names: list[str]) -> Toprow:
    """Lay out the row. Element ids are A1111's."""
    with gr.Row(elem_id=f"{tab}_toprow", elem_classes=["toprow"], equal_height=False):
        with gr.Column(elem_id=f"{tab}_prompt_container", elem_classes=["prompts"], scale=6, min_width=300):
            prompt, counter, counter_button = make_prompt(
                tab, "prompt", "token", "Prompt", f"What the picture should show. {KEYS_HINT}."
            )
            negative, negative_counter, negative_button = make_prompt(
                tab, "neg_prompt", "negative_token", "Negative prompt", "What it should not show."
            )
        with gr.Column(elem_id=f"{tab}_actions_column", elem_classes=["actions"], scale=1, min_width=280):
            with gr.Column(elem_id=f"{tab}_generate_bar", elem_classes=["generate-bar"]):
                with gr.Row(elem_id=f"{tab}_generate_box", elem_classes=["generate-box"]):
                    generate = gr.Button(
                        "Generate", elem_id=f"{tab}_generate", variant="primary", size="lg", min_width=120
                    )
                    interrupt = running_button("Interrupt", f"{tab}_interrupt", "generate-box-interrupt")
                    skip = running_button("Skip", f"{tab}_skip", "generate-box-skip")
                    cancel = running_button("Cancel", f"{tab}_cancel", "generate-box-cancel")
                with gr.Row(elem_id=f"{tab}_queue_row", elem_classes=["queue-row"]):
                    queue = gr.HTML("", elem_id=f"{tab}_queue")
                    clear_queue = gr.Button(
                        "Clear queue", elem_id=f"{tab}_clear_queue", size="sm", scale=0, min_width=90
                    )
                notice = gr.HTML("", elem_id=f"{tab}_notice", elem_classes=["notice"])
            with gr.Row(elem_id=f"{tab}_tools", elem_classes=["tools"]):
                paste = icon_button(
                    "paste", "Read parameters from the prompt, or of the last picture", paste_id(tab)
                )
                clear = icon_button("clear", "Clear both prompts", f"{tab}_clear_prompt")
                restore = icon_button(
                    "restore", "Show the running job", f"{tab}_restore_progress", visible=False
                )
            with gr.Row(elem_id=f"{tab}_styles_row", elem_classes=["tools"]):
                styles = gr.Dropdown(
                    style_names,
                    value=[],
                    multiselect=True,
                    allow_custom_value=True,
                    label="Styles",
                    show_label=False,
                    container=False,
                    elem_id=f"{tab}_styles",
                    min_width=90,
                )
                apply_styles = icon_button(
                    "apply", "Write the chosen styles into the prompts", f"{tab}_style_apply"
                )
                # js/styles.js adds the button that edits them.
                refresh_styles = icon_button("refresh", "Read the styles file again", f"refresh_{tab}_styles")
    form.add("prompt", prompt)
    form.add("negative_prompt", negative)
    form.add("styles", styles)
    return Toprow(
        prompt=prompt,
        negative_prompt=negative,
        generate=generate,
        interrupt=interrupt,
        skip=skip,
        cancel=cancel,
        queue=queue,
        clear_queue=clear_queue,
        notice=notice,
        paste=paste,
        clear=clear,
        restore=restore,
        styles=styles,
        refresh_styles=refresh_styles,
        apply_styles=apply_styles,
        counter=counter,
        counter_button=counter_button,
        negative_counter=negative_counter,
        negative_counter_button=negative_button,
    )


def make_prompt(
    tab: str, name: str, counted: str, label: str, hint: str
) -> tuple[gr.Textbox, gr.HTML, gr.Button]:
    """One prompt box with its counter in the corner, and the hidden button that makes the counter count."""
    with gr.Row(elem_id=f"{tab}_{name}_row", elem_classes=["prompt-row"]):
        # A1111's row is two elements above its box: scripts of extensions put things of theirs after it.
        with GradioForm():
            box = gr.Textbox(
                label=label,
                show_label=False,
                container=False,
                lines=3,
                max_lines=12,
                placeholder=f"{label}\n{hint}",
                elem_id=f"{tab}_{name}",
                elem_classes=["prompt"],
            )
        counter = gr.HTML(EMPTY_COUNT, elem_id=f"{tab}_{counted}_counter", elem_classes=["token-counter"])
        button = gr.Button("Count", elem_id=f"{tab}_{counted}_button", visible="hidden")
    return box, counter, button


def paste_id(tab: str) -> str:
    """A1111 calls the arrow of both tabs "paste"; an id can stand in a page only once."""
    return "paste" if tab == "txt2img" else f"{tab}_paste"


def running_button(label: str, elem_id: str, css_class: str) -> gr.Button:
    """A button that css/toprow.css shows only while a job runs."""
    return gr.Button(
        label, elem_id=elem_id, elem_classes=[css_class, "while-running"], size="md", min_width=60
    )
