"""Components with A1111's looks."""
# pyright: basic, reportAttributeAccessIssue=false, reportArgumentType=false, reportCallIssue=false
# pyright: reportMissingImports=false, reportOptionalMemberAccess=false

import itertools
from typing import Any

import gradio as gr
from gradio.layouts import Form

from webui.compat.a1111.gradio3.input_accordion import make_layout
from webui.compat.a1111.gradio3.stubs import without_stubs


class FormComponent:
    """Stands in a form with those beside it."""

    def get_expected_parent(self):
        return Form


def with_class(given: dict[str, Any], name: str) -> dict[str, Any]:
    """Arguments with one more class."""
    classes = given.get("elem_classes") or []
    return given | {"elem_classes": [*([classes] if isinstance(classes, str) else classes), name]}


with without_stubs():

    class ToolButton(FormComponent, gr.Button):
        """A small button that shows one sign."""

        def __init__(self, *args, **kwargs):
            super().__init__(*args, **with_class(kwargs, "tool"))

        def get_block_name(self):
            return "button"

    class ResizeHandleRow(gr.Row):
        """A row whose columns a hand can make wider."""

        def __init__(self, **kwargs):
            super().__init__(**with_class(kwargs, "resize-handle-row"))

        def get_block_name(self):
            return "row"

    class FormRow(FormComponent, gr.Row):
        """A row within a form."""

        def get_block_name(self):
            return "row"

    class FormColumn(FormComponent, gr.Column):
        """A column within a form."""

        def get_block_name(self):
            return "column"

    class FormGroup(FormComponent, gr.Group):
        """A group within a form."""

        def get_block_name(self):
            return "group"

    class FormHTML(FormComponent, gr.HTML):
        """HTML within a form."""

        def get_block_name(self):
            return "html"

    class FormColorPicker(FormComponent, gr.ColorPicker):
        """A colour within a form."""

        def get_block_name(self):
            return "colorpicker"

    class DropdownMulti(FormComponent, gr.Dropdown):
        """A dropdown for several choices."""

        def __init__(self, *args, **kwargs):
            super().__init__(*args, **(kwargs | {"multiselect": True}))

        def get_block_name(self):
            return "dropdown"

    class DropdownEditable(FormComponent, gr.Dropdown):
        """A dropdown into which other values may be typed."""

        def __init__(self, *args, **kwargs):
            super().__init__(*args, **(kwargs | {"allow_custom_value": True}))

        def get_block_name(self):
            return "dropdown"

    class InputAccordion(gr.Checkbox):
        """A part of the form that is on while it is open.

        Its value tells whether it is. Used as a context: what is made within stands in the part.
        """

        numbers = itertools.count(1)

        def __init__(self, value=False, **kwargs):
            self.accordion_id = kwargs.get("elem_id") or f"input-accordion-{next(InputAccordion.numbers)}"
            classes = kwargs.pop("elem_classes", None) or []
            visible = kwargs.pop("visible", True)
            self.accordion_layout = make_layout(
                self.accordion_id, [classes] if isinstance(classes, str) else list(classes), visible
            )
            self.accordion = self.accordion_layout.inside
            tick: dict[str, Any] = {"elem_classes": ["accordion-tick"], "container": False, "min_width": 0}
            for name in ("open", "scale", "variant"):
                kwargs.pop(name, None)
            with self.accordion_layout.head:
                super().__init__(value, **(kwargs | tick | {"elem_id": f"{self.accordion_id}-checkbox"}))

        def extra(self):
            """A column in the head, beside the tick."""
            return self.accordion_layout.extend_head(f"{self.accordion_id}-extra")

        def __enter__(self):
            self.accordion.__enter__()
            return self

        def __exit__(self, *error):
            self.accordion.__exit__(*error)

        def get_block_name(self):
            return "checkbox"
