"""The img2img tab: canvases, the form, submission, watching, and the buttons around them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import gradio as gr
from gradio.components import Component
from PIL import Image

from webui.core.errors import WebuiError
from webui.jobs.img2img_batch import make_series
from webui.jobs.job import Delivery
from webui.jobs.services import Services
from webui.pipelines.img2img.sketch import blend_sketch
from webui.ui.components.img2img_fields import (
    SizeButtons,
    make_inpaint_fields,
    make_loopback_fields,
    make_outpaint_fields,
    make_resize_fields,
    make_strength_field,
)
from webui.ui.components.img2img_modes import Modes, make_modes
from webui.ui.components.refiner_fields import make_refiner_fields
from webui.ui.components.results import Results, make_results
from webui.ui.components.sampling_fields import make_guidance_fields, make_sampling_fields
from webui.ui.components.seed_fields import make_extensions_field, make_override_field, make_seed_fields
from webui.ui.components.shared_options import make_shared_options
from webui.ui.components.toprow import Toprow, make_toprow
from webui.ui.extension_field import request_of_extensions
from webui.ui.filling import wire_filling
from webui.ui.forms.form import Form
from webui.ui.forms.img2img import (
    BATCH,
    IMG2IMG,
    INPAINT_SKETCH,
    NO_PICTURES,
    Pictures,
    batch_of,
    batch_parts,
    fields_of_img2img_infotext,
    img2img_parts,
    read_pictures,
)
from webui.ui.forms.named_folders import BATCH_FOLDERS, check_named_folders
from webui.ui.handlers import INSTANT, Updates
from webui.ui.memory import wire_memory
from webui.ui.panels import Panels, finish_tab, make_panels
from webui.ui.tabs.again_buttons import wire_decoding
from webui.ui.tabs.generation_tab import (
    clear_old_results,
    delivery_of,
    usual_fields,
    values_by_component,
    wire_clearing,
    wire_defaults,
    wire_prompts,
    wire_watching,
)
from webui.ui.tabs.result_buttons import wire_result_buttons
from webui.ui.texts import notice
from webui.ui.token_counter import wire_counters
from webui.ui.watching.pictures import PictureFiles

TAB = "img2img"
# Adds what extensions' panels hold to the fields of a request.
AddPanels = Callable[[dict[str, Any]], dict[str, Any]]
# Settings that are wanted at hand here.
OPTIONS = ("img2img_color_correction", "initial_noise_multiplier", "img2img_extra_noise")


@dataclass(frozen=True, slots=True)
class Img2img:
    """What other tabs and the page need of this one."""

    form: Form
    toprow: Toprow
    results: Results
    modes: Modes
    options: dict[str, Component]
    panels: Panels


def make_img2img(services: Services, files: PictureFiles, page: gr.Blocks) -> Img2img:
    """Build the tab's inside and wire it."""
    services.plugins.collect("prepare_tab", tab=TAB)
    form = Form()
    toprow = make_toprow(TAB, form, list(services.requests.styles().names))
    with gr.Row(elem_id=f"{TAB}_interface", elem_classes=["generation-columns"], equal_height=False):
        with gr.Column(
            variant="panel", elem_id=f"{TAB}_settings", elem_classes=["generation-settings"], scale=5
        ):
            modes = make_modes(form)
            make_inpaint_fields(form)
            size = make_resize_fields(form)
            make_strength_field(form)
            make_sampling_fields(TAB, form)
            make_guidance_fields(TAB, form)
            seeds = make_seed_fields(TAB, form)
            with gr.Row(elem_id=f"{TAB}_accordions", elem_classes=["accordions"], equal_height=False):
                make_outpaint_fields(form)
                make_loopback_fields(form)
                make_refiner_fields(TAB, form, services.catalog, page)
            with gr.Accordion("Colours and noise", open=False, elem_id=f"{TAB}_colours_and_noise"):
                options = make_shared_options(services, TAB, OPTIONS)
            make_override_field(TAB, form)
            panels = make_panels(services, TAB, form)
            make_extensions_field(TAB, form)
        results = make_results(TAB)
    tab = Img2img(form, toprow, results, modes, options, panels)
    read_text = partial(fields_of_text, services)
    wire_generate(services, tab)
    wire_size(modes, size)
    wire_watching(services, files, page, TAB, toprow, results)
    wire_prompts(services, form, TAB, toprow, read_text, panels)
    wire_memory(page, form, TAB, partial(usual_fields, services))
    wire_filling(form, TAB)
    wire_defaults(form, TAB)
    wire_counters(services, toprow)
    wire_result_buttons(services, files, form, results, seeds, read_text, panels)
    finish_tab(services, TAB, form)
    wire_decoding(services, files, page, TAB, results)
    return tab


def fields_of_text(services: Services, text: str) -> dict[str, Any]:
    """What the form shows for an infotext."""
    known = services.requests.use_local_names(text)
    return fields_of_img2img_infotext(known, services.settings.current, services.plugins)


def wire_generate(services: Services, tab: Img2img) -> None:
    """Generate puts a job into the queue; before, the page uploads what the canvas of the mode holds."""
    form, toprow, results, modes = tab.form, tab.toprow, tab.results, tab.modes
    canvas_pictures = gr.Textbox("", visible="hidden", elem_id=f"{TAB}_pictures")

    def submit(pictures: str, files: object, browser: gr.Request, *values: object) -> Updates:
        found = values_by_component(inputs, values)
        fields = form.read(found)
        delivery = delivery_of(services, TAB, browser)

        def add_panels(wanted: dict[str, Any]) -> dict[str, Any]:
            return tab.panels.add_values(wanted, found, browser)

        try:
            if fields["mode"] == BATCH:
                submit_batch(services, fields, uploaded_paths(files), delivery, add_panels)
            else:
                submit_one(services, fields, read_pictures(pictures), delivery, add_panels, tab.panels)
        except WebuiError as error:
            return {toprow.notice: notice(str(error))}
        return clear_old_results(results)

    further = [each for each in tab.panels.components if each not in form.components]
    inputs = [*form.components, *further]
    mode_at = form.components.index(modes.mode)
    wire_clearing(toprow)
    toprow.generate.click(
        submit,
        inputs=[canvas_pictures, modes.batch_files, *inputs],
        outputs=[toprow.notice, results.files],
        js=f"async (_, ...values) => [await window.webui.canvasPictures(values[{mode_at + 1}]), ...values]",
        # Raw values: what is out of range is refused by the request, with a sentence.
        preprocess=False,
        trigger_mode="multiple",
        **INSTANT,
    )


def submit_one(
    services: Services,
    fields: dict[str, Any],
    pictures: Pictures,
    delivery: Delivery,
    add_panels: AddPanels,
    panels: Panels,
) -> None:
    """A job for what the canvas holds. An extension's script may do without: it brings its own pictures."""
    script = request_of_extensions(fields).get("script", "")
    if not pictures.image and panels.has_script(script):
        fields, pictures = fields | {"mode": IMG2IMG}, blank_picture(services, fields)
    wanted, overrides = img2img_parts(fields, with_blended_sketch(services, fields, pictures))
    wanted = add_panels(wanted)
    request = services.new_request(wanted, overrides)
    services.submit(request, delivery, overrides, services.remarks_on(wanted))


def blank_picture(services: Services, fields: dict[str, Any]) -> Pictures:
    """A picture of the result's size of which nothing is seen."""
    width, height = (max(int(fields.get(side) or 0), 8) for side in ("width", "height"))
    reference = services.inputs.add_image(Image.new("RGBA", (width, height)))
    return replace(NO_PICTURES, image=reference, original=reference, width=width, height=height)


def submit_batch(
    services: Services, fields: dict[str, Any], files: list[str], delivery: Delivery, add_panels: AddPanels
) -> None:
    """A job for many pictures; its log names those that are left out."""
    check_named_folders(services, fields, BATCH_FOLDERS)
    wanted, overrides = batch_parts(fields)
    wanted = add_panels(wanted)
    series, problems = make_series(services, batch_of(fields, files), wanted, overrides)
    # The grid of a batch would hold pictures that have nothing to do with each other.
    remarks = [*services.remarks_on(wanted), *problems]
    services.submit(series, replace(delivery, save_grid=False), overrides, remarks)


def uploaded_paths(files: object) -> list[str]:
    """Paths of files that were uploaded to the page, as Gradio tells them unprocessed."""
    return [str(file["path"]) for file in files or [] if file.get("path")] if isinstance(files, list) else []


def with_blended_sketch(services: Services, fields: dict[str, Any], pictures: Pictures) -> Pictures:
    """Of an inpaint sketch, the picture with its paint blended in by the blurred mask."""
    if fields.get("mode") != INPAINT_SKETCH or not pictures.mask or not pictures.original:
        return pictures
    image = blend_sketch(
        services.inputs.open(pictures.original),
        services.inputs.open(pictures.image),
        services.inputs.open(pictures.mask),
        float(fields.get("mask_blur") or 0),
        1 - float(fields.get("mask_alpha") or 0) / 100,
    )
    return replace(pictures, image=services.inputs.add_image(image))


def wire_size(modes: Modes, size: SizeButtons) -> None:
    """The size of the picture into the sliders."""
    size.from_picture.click(
        fn=None,
        inputs=[modes.mode, size.width, size.height],
        outputs=[size.width, size.height],
        js="(mode, width, height) => window.webui.canvasSize(mode) ?? [width, height]",
    )
