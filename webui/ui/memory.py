"""The values of a form survive a reload, in the artist's browser."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import gradio as gr

from webui.ui.forms.form import Form
from webui.ui.handlers import INSTANT, Updates

# Fields for a browser that keeps none yet.
Usual = Callable[[], Mapping[str, Any]]

# Scripts wait for this beside the form: js/defaults.js.
RESTORED = '<span class="restored"></span>'


def wire_memory(page: gr.Blocks, form: Form, tab: str, usual: Usual = dict) -> None:
    """Keep the form of a tab in the browser whenever it changes, and show it again when the page loads."""
    key = f"atelier.{tab}"
    stored = gr.HTML("", visible="hidden", elem_id=f"{tab}_stored")

    def restore(text: str) -> Updates:
        return form.write(fields_of_memory(text, form.names) or usual()) | {stored: RESTORED}

    for name in form.names:
        component = form.component(name)
        # An event for each: Gradio walks through the whole page for every component that an event is about.
        # Every component of a form has the event; their common base does not say so.
        component.change(  # pyright: ignore[reportAttributeAccessIssue]
            fn=None,
            inputs=[component],
            js=f"(value) => window.webui.noteChange({json.dumps(key)}, {json.dumps(name)}, value)",
            show_progress="hidden",
        )
    page.load(
        restore,
        inputs=[stored],
        outputs=[*form.components, stored],
        js=recall_script(form, key),
        **INSTANT,
    ).then(
        fn=None,
        inputs=form.components,
        js=f"(...values) => window.webui.remember({json.dumps(key)}, values)",
        show_progress="hidden",
    )


def recall_script(form: Form, key: str) -> str:
    """A script that gives what the browser keeps under `key`, and tells memory.js of the form's fields.

    All scripts of the page wait for the first of these: js/first/built.js.
    """
    fields = [[name, form.component(name).elem_id] for name in form.names]
    return f"""() => {{
      ((window.webui ??= {{}}).forms ??= {{}})[{json.dumps(key)}] = {json.dumps(fields)};
      dispatchEvent(new Event("page-built"));
      return [localStorage.getItem({json.dumps(key)}) ?? ""];
    }}"""


def fields_of_memory(stored: str | None, names: Iterable[str]) -> dict[str, Any]:
    """Fields kept in a browser, of those that the form has; an empty dict where they cannot be read."""
    try:
        fields = json.loads(stored or "{}")
    except json.JSONDecodeError:
        return {}
    known = set(names)
    return {k: v for k, v in fields.items() if k in known} if isinstance(fields, dict) else {}
