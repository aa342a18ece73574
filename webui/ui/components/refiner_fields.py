"""The refiner: a second checkpoint that finishes the picture."""

import gradio as gr

from webui.library.catalog.catalog import Catalog
from webui.ui.components.input_accordion import input_accordion
from webui.ui.components.model_lists import checkpoint_titles, make_refresh, renew_on_load
from webui.ui.components.sampling_fields import add_slider
from webui.ui.forms.form import Form
from webui.ui.generation import FORM_DEFAULTS


def make_refiner_fields(tab: str, form: Form, catalog: Catalog, page: gr.Blocks) -> None:
    """The accordion; element ids are A1111's."""

    def checkpoints() -> list[str]:
        return checkpoint_titles(catalog)

    with input_accordion("Refiner", f"{tab}_enable") as accordion:
        form.add("refiner", accordion.enabled, lambda value: {"value": bool(value)})
        with gr.Row(elem_classes=["fields"]):
            with gr.Row(elem_classes=["with-refresh"], equal_height=False):
                checkpoint = gr.Dropdown(
                    checkpoints(),
                    value=FORM_DEFAULTS["refiner_model"],
                    label="Checkpoint",
                    elem_id=f"{tab}_checkpoint",
                    allow_custom_value=True,
                    min_width=140,
                )
                form.add("refiner_model", checkpoint)
                make_refresh(
                    catalog,
                    checkpoint,
                    checkpoints,
                    "Look for checkpoints again",
                    f"{tab}_checkpoint_refresh",
                )
            add_slider(form, "refiner_switch_at", "Switch at", f"{tab}_switch_at", (0.01, 1, 0.01), 140)
    renew_on_load(page, checkpoint, checkpoints)
