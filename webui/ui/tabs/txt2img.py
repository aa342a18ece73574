"""The txt2img tab: form, submission, watching, and the buttons around them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr
from gradio.components import Component

from webui.core.errors import WebuiError
from webui.jobs.services import Services
from webui.ui.components.again_fields import make_unfinished_offer
from webui.ui.components.hires_fields import make_hires_fields, wire_final_size
from webui.ui.components.refiner_fields import make_refiner_fields
from webui.ui.components.results import Results, make_results
from webui.ui.components.sampling_fields import make_guidance_fields, make_sampling_fields, make_size_fields
from webui.ui.components.seed_fields import make_extensions_field, make_override_field, make_seed_fields
from webui.ui.components.toprow import Toprow, make_toprow
from webui.ui.filling import wire_filling
from webui.ui.forms.form import Form
from webui.ui.generation import fields_of_infotext, request_parts
from webui.ui.handlers import INSTANT, Updates
from webui.ui.memory import wire_memory
from webui.ui.panels import Panels, finish_tab, make_panels
from webui.ui.tabs.again_buttons import wire_decoding, wire_hires, wire_unfinished
from webui.ui.tabs.generation_tab import (
    clear_old_results,
    delivery_of,
    usual_fields,
    wire_clearing,
    wire_defaults,
    wire_prompts,
    wire_watching,
)
from webui.ui.tabs.result_buttons import wire_result_buttons
from webui.ui.texts import notice
from webui.ui.token_counter import wire_counters
from webui.ui.watching.pictures import PictureFiles

TAB = "txt2img"


@dataclass(frozen=True, slots=True)
class Txt2img:
    """What other tabs and the page need of this one."""

    form: Form
    toprow: Toprow
    results: Results


def make_txt2img(services: Services, files: PictureFiles, page: gr.Blocks) -> Txt2img:
    """Build the tab's inside and wire it."""
    services.plugins.collect("prepare_tab", tab=TAB)
    form = Form()
    offer = make_unfinished_offer(TAB)
    toprow = make_toprow(TAB, form, list(services.requests.styles().names))
    with gr.Row(elem_id=f"{TAB}_interface", elem_classes=["generation-columns"], equal_height=False):
        with gr.Column(
            variant="panel", elem_id=f"{TAB}_settings", elem_classes=["generation-settings"], scale=5
        ):
            make_sampling_fields(TAB, form)
            with gr.Row(elem_id=f"{TAB}_accordions", elem_classes=["accordions"], equal_height=False):
                hires = make_hires_fields(TAB, form, services.catalog, page)
                make_refiner_fields(TAB, form, services.catalog, page)
            make_size_fields(TAB, form)
            make_guidance_fields(TAB, form)
            seeds = make_seed_fields(TAB, form)
            make_override_field(TAB, form)
            wire_final_size(form, hires)
            panels = make_panels(services, TAB, form)
            make_extensions_field(TAB, form)
        results = make_results(TAB)
    wire_generate(services, form, toprow, results, panels)
    wire_watching(services, files, page, TAB, toprow, results)
    read_text = partial(fields_of_text, services)
    wire_prompts(services, form, TAB, toprow, read_text, panels)
    wire_memory(page, form, TAB, partial(usual_fields, services))
    wire_filling(form, TAB)
    wire_defaults(form, TAB)
    wire_counters(services, toprow)
    wire_result_buttons(services, files, form, results, seeds, read_text, panels)
    finish_tab(services, TAB, form)
    wire_hires(services, files, TAB, form, results)
    wire_decoding(services, files, page, TAB, results)
    wire_unfinished(services, page, offer)
    return Txt2img(form, toprow, results)


def fields_of_text(services: Services, text: str) -> dict[str, Any]:
    """What the form shows for an infotext."""
    known = services.requests.use_local_names(text)
    return fields_of_infotext(known, services.settings.current, services.plugins)


def wire_generate(services: Services, form: Form, toprow: Toprow, results: Results, panels: Panels) -> None:
    """Generate puts a job into the queue."""

    def submit(values: Mapping[Component, Any], browser: gr.Request) -> Updates:
        try:
            fields, overrides = request_parts(form.read(values))
            fields = panels.add_values(fields, values, browser)
            request = services.new_request(fields, overrides)
            remarks = services.remarks_on(fields)
            services.submit(request, delivery_of(services, TAB, browser), overrides, remarks)
        except WebuiError as error:
            return {toprow.notice: notice(str(error))}
        return clear_old_results(results)

    wire_clearing(toprow)
    toprow.generate.click(
        submit,
        inputs={*form.components, *panels.components},
        outputs=[toprow.notice, results.files],
        # Raw values: what is out of range is refused by the request, with a sentence.
        preprocess=False,
        trigger_mode="multiple",
        **INSTANT,
    )
