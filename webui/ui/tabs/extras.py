"""The Extras tab: pictures made larger, faces restored, pictures cut; one, several, or a folder of them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr
from gradio.components import Component

from webui.core.errors import WebuiError
from webui.jobs.services import Services
from webui.library.catalog.upscaler_names import NONE, find_upscaler
from webui.ui.components.extras_fields import (
    ExtrasSources,
    make_captions,
    make_cuts,
    make_faces,
    make_sources,
    make_upscaling,
)
from webui.ui.components.generate_box import GenerateBox, make_generate_box
from webui.ui.components.results import Results, make_results
from webui.ui.forms.extras import extras_request, given_pictures
from webui.ui.forms.form import Form
from webui.ui.forms.named_folders import EXTRAS_FOLDERS, check_named_folders
from webui.ui.handlers import INSTANT, Updates
from webui.ui.memory import wire_memory
from webui.ui.panels import Panels, make_panels
from webui.ui.tabs.generation_tab import delivery_of, wire_watching
from webui.ui.tabs.result_buttons import select_picture, wire_saving
from webui.ui.texts import notice
from webui.ui.watching.pictures import PictureFiles

TAB = "extras"
SIZES_STAY = "Upscale is ticked, but Upscaler 1 is None, so the sizes stay. Choose one, such as Lanczos."


@dataclass(frozen=True, slots=True)
class Extras:
    """What other tabs need of this one: where their pictures arrive, and where its own are."""

    image: gr.Image
    results: Results


def make_extras(services: Services, files: PictureFiles, page: gr.Blocks) -> Extras:
    """Build the tab's inside and wire it."""
    form = Form()
    with gr.Row(elem_id=f"{TAB}_interface", elem_classes=["generation-columns"], equal_height=False):
        with gr.Column(
            variant="panel", elem_id=f"{TAB}_settings", elem_classes=["generation-settings"], scale=5
        ):
            sources = make_sources(form)
            box = make_generate_box(TAB)
            with gr.Column(elem_id=f"{TAB}_accordions", elem_classes=["accordions", "extras-parts"]):
                make_upscaling(form, services.catalog, page)
                make_faces(form, services.catalog, page)
                make_cuts(form)
                make_captions(form)
            panels = make_panels(services, TAB, form)
        results = make_results(TAB)
    wire_generate(services, form, sources, box, results, panels)
    wire_watching(services, files, page, TAB, box, results)
    wire_results(services, files, results)
    wire_memory(page, form, TAB)
    return Extras(sources.image, results)


def wire_generate(
    services: Services,
    form: Form,
    sources: ExtrasSources,
    box: GenerateBox,
    results: Results,
    panels: Panels,
) -> None:
    """Generate puts a job into the queue."""

    def submit(values: Mapping[Component, Any], browser: gr.Request) -> Updates:
        fields = form.read(values)
        try:
            check_named_folders(services, fields, EXTRAS_FOLDERS)
            for name in ("upscaler_1", "upscaler_2"):
                find_upscaler(services.catalog, fields[name] or "None")
            pictures, problems = given_pictures(
                fields["mode"], values[sources.image], values[sources.files], services.inputs
            )
            fields = panels.add_values(fields, values, browser)
            request = extras_request(fields, pictures, services.settings.current, services.paths.models)
            if request.upscaling.enabled and request.upscaling.upscaler_1 == NONE:
                problems.append(SIZES_STAY)
            # A grid would hold pictures that have nothing to do with each other.
            delivery = replace(delivery_of(services, TAB, browser), save_grid=False)
            services.submit(request, delivery, remarks=problems)
        except WebuiError as error:
            return {box.notice: notice(str(error))}
        # The notice is the watcher's from here on: a job refused at once may have written there already.
        return {results.files: gr.update(value=None, visible="hidden")}

    box.generate.click(
        submit,
        inputs={*form.components, *panels.components, sources.image, sources.files},
        outputs=[box.notice, results.files],
        # Raw: the very files, not pictures that were opened and written again; and wrong values are refused
        # by the request, with a sentence.
        preprocess=False,
        trigger_mode="multiple",
        **INSTANT,
    )


def wire_results(services: Services, files: PictureFiles, results: Results) -> None:
    """Choosing a picture and saving it."""
    results.gallery.select(
        select_picture,
        inputs=[results.generation_info],
        outputs=[results.selected, results.infotext],
        **INSTANT,
    )
    wire_saving(services, files, results)
