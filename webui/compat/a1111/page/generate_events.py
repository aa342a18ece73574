"""The event of Generate as A1111's page has it, for extensions that look for it in `demo.dependencies`.

Ours sends values of another kind. This one is listed beside it and is never called: extensions take its
inputs for buttons of their own, whose values they hand to `modules.txt2img` or `modules.img2img`.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import gradio as gr
from gradio.context import Context

from webui.compat.a1111.gradio3.canvases import CanvasPicture, ChosenScript, make_picture
from webui.compat.a1111.gradio3.pages import list_event
from webui.compat.a1111.page.generate_arguments import BUILT_IN, IMG2IMG, TXT2IMG
from webui.compat.a1111.page.panels import runner_of
from webui.compat.a1111.page.reaching import site

# A1111's argument -> the field of our form, where they are called otherwise.
FIELDS: Mapping[str, str] = {
    "n_iter": "batch_count",
    "enable_hr": "hires",
    "hr_scale": "hires_scale",
    "hr_upscaler": "hires_upscaler",
    "hr_second_pass_steps": "hires_steps",
    "hr_resize_x": "hires_width",
    "hr_resize_y": "hires_height",
    "hr_checkpoint_name": "hires_model",
    "hr_sampler_name": "hires_sampler",
    "hr_scheduler": "hires_schedule",
    "hr_prompt": "hires_prompt",
    "hr_negative_prompt": "hires_negative_prompt",
    "override_settings_texts": "override_settings",
    "inpainting_fill": "masked_content",
    "selected_scale_tab": "resize_tab",
    "inpaint_full_res": "inpaint_area",
    "inpaint_full_res_padding": "padding",
    "inpainting_mask_invert": "mask_mode",
    "img2img_batch_input_dir": "batch_input_dir",
    "img2img_batch_output_dir": "batch_output_dir",
    "img2img_batch_inpaint_mask_dir": "batch_mask_dir",
    "img2img_batch_use_png_info": "batch_use_png_info",
    "img2img_batch_png_info_props": "batch_png_info_props",
    "img2img_batch_png_info_dir": "batch_png_info_dir",
    "img2img_batch_source_type": "batch_source",
    "sampler_name": "sampler",
    "scheduler": "schedule",
    "enable_refiner": "refiner",
    "refiner_checkpoint": "refiner_model",
    "seed_enable_extras": "extra_seed",
    "subseed": "variation_seed",
    "subseed_strength": "variation_strength",
    "seed_resize_from_w": "seed_resize_width",
    "seed_resize_from_h": "seed_resize_height",
}
# A1111's argument -> the id of the element.
ELEMENTS: Mapping[str, str] = {
    "init_img": "img2img_image",
    "sketch": "img2img_sketch",
    "init_img_with_mask": "img2maskimg",
    "inpaint_color_sketch": "inpaint_sketch",
    "init_img_inpaint": "img_inpaint_base",
    "init_mask_inpaint": "img_inpaint_mask",
    "img2img_batch_upload": "img2img_batch_upload",
}
# A1111's fields that ours has none of, with what they hold.
CONSTANTS: Mapping[str, Any] = {"image_cfg_scale": 1.5}
OUTPUTS = ("{tab}_gallery", "generation_info_{tab}", "html_info_{tab}", "html_log_{tab}")


def list_generate_event(tab: str, fields: Mapping[str, Any]) -> None:
    """List A1111's event of a tab's Generate. The tab is built, its page is open."""
    page = Context.root_block
    if page is None:
        return
    elements = elements_of(page)
    generate = elements.get(f"{tab}_generate")
    if generate is None:
        return
    task = gr.Textbox("", visible="hidden", show_label=False)
    names = IMG2IMG if tab == "img2img" else TXT2IMG
    inputs = [task, *(find_input(name, fields, elements, task) for name in names)]
    # A1111's scripts of its own come before the others.
    chosen = ChosenScript(tab, runner_of(tab))
    inputs += [chosen, *(find_input(name, fields, elements, task) for name in BUILT_IN)]
    inputs += runner_of(tab).inputs[1:]
    outputs = [elements.get(each.format(tab=tab)) or gr.State() for each in OUTPUTS]
    script = "submit" if tab == "txt2img" else "submit_img2img"
    list_event(page, generate, partial(make_pictures, tab), inputs=inputs, outputs=outputs, js=script)


def make_pictures(tab: str, *args: Any) -> Any:  # noqa: ANN401 - as A1111's function has them
    """What `modules.txt2img.txt2img` gives, or that of img2img, which is imported when it is called."""
    return getattr(site(tab), tab)(*args)


def elements_of(page: Any) -> dict[str, Any]:  # noqa: ANN401 - Gradio's Blocks
    """The components of a page by their ids; in the place of a canvas the picture that stands for it."""
    found: dict[str, Any] = {}
    for block in page.blocks.values():
        elem_id = block.elem_id
        if elem_id and (elem_id not in found or isinstance(block, CanvasPicture)):
            found[elem_id] = block
    return found


def find_input(name: str, fields: Mapping[str, Any], elements: Mapping[str, Any], task: Any) -> Any:  # noqa: ANN401 - Gradio's components
    """The component that holds an argument of A1111's."""
    if name == "mode":
        # The browser puts the number of the tab in its place.
        return task
    if name == "inpaint_color_sketch_orig":
        return make_picture("inpaint_sketch", "original")
    known = fields.get(FIELDS.get(name, name)) or elements.get(ELEMENTS.get(name, ""))
    return gr.State(CONSTANTS.get(name)) if known is None else known
