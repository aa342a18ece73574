"""Scripts read a tab's whole form and fill it: presets, and putting back what stood there before."""

from typing import Any

import gradio as gr

from webui.ui.forms.form import Form
from webui.ui.handlers import INSTANT, Updates
from webui.ui.memory import fields_of_memory


def wire_filling(form: Form, tab: str) -> None:
    """Two hidden buttons that assets/js/form.js clicks.

    One tells it the values of all fields, in the order of the form; the other asks it for fields by name and
    shows them.
    """

    def fill(text: str) -> Updates:
        return form.write(possible_fields(form, fields_of_memory(text, form.names)))

    read = gr.Button("Read the form", visible="hidden", elem_id=f"{tab}_read_form")
    read.click(
        fn=None,
        inputs=form.components,
        js=f"(...values) => window.webui.formRead('{tab}', values)",
        show_progress="hidden",
        trigger_mode="multiple",
    )
    write = gr.Button("Fill the form", visible="hidden", elem_id=f"{tab}_fill_form")
    write.click(
        fill,
        # The script puts the fields in the place of the prompt.
        inputs=[form.component("prompt")],
        outputs=form.components,
        js=f"() => [window.webui.nextFill('{tab}')]",
        trigger_mode="multiple",
        **INSTANT,
    ).then(fn=None, js=f"() => window.webui.formFilled('{tab}')", show_progress="hidden")


def possible_fields(form: Form, fields: dict[str, Any]) -> dict[str, Any]:
    """Those whose values their components can show: a choice that is not offered stays what it was."""
    return {name: value for name, value in fields.items() if is_possible(form, name, value)}


def is_possible(form: Form, name: str, value: object) -> bool:
    """Whether a field can show a value."""
    component = form.component(name)
    if value is None:
        return False
    if not isinstance(component, gr.Radio):
        return True
    return value in [choice for _, choice in component.choices]
