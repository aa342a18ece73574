"""The modes of the img2img tab, each with its canvas: A1111's six tabs, here one field of the form."""

from dataclasses import dataclass

import gradio as gr

from webui.ui.components.canvas import make_canvas
from webui.ui.components.sub_tabs import chooser, panel, sub_tabs
from webui.ui.forms.form import Form
from webui.ui.forms.img2img import (
    BATCH,
    FROM_DIRECTORY,
    IMG2IMG,
    IMG2IMG_DEFAULTS,
    INPAINT,
    INPAINT_SKETCH,
    INPAINT_UPLOAD,
    MODES,
    SKETCH,
    UPLOAD,
)

TAB = "img2img"
# A1111's ids of the tabs, by mode.
PANELS = {
    IMG2IMG: "img2img_img2img_tab",
    SKETCH: "img2img_img2img_sketch_tab",
    INPAINT: "img2img_inpaint_tab",
    INPAINT_SKETCH: "img2img_inpaint_sketch_tab",
    INPAINT_UPLOAD: "img2img_inpaint_upload_tab",
    BATCH: "img2img_batch_tab",
}
PNG_INFO_PROPS = ("Prompt", "Negative prompt", "Seed", "CFG scale", "Sampler", "Steps", "Model hash")
BATCH_HINT = (
    '<p class="hint">Every picture goes through img2img with the settings below. '
    "Those that cannot be read are named, and the others go on.</p>"
)


@dataclass(frozen=True, slots=True)
class Modes:
    """What handlers need of the modes: which is chosen, and the uploaded files of a batch."""

    mode: gr.Radio
    batch_files: gr.File


def make_modes(form: Form) -> Modes:
    """The chooser, of which `assets/js/subtabs.js` makes a strip of tabs, and a panel for each mode."""
    with sub_tabs("mode_img2img"):
        default, label = str(IMG2IMG_DEFAULTS["mode"]), "What to do with the picture"
        mode = chooser(form, "mode", MODES, default, "img2img_mode", label)
        with panel(IMG2IMG, PANELS):
            make_canvas("img2img_image", "picture", "The picture to begin with")
        with panel(SKETCH, PANELS):
            make_canvas("img2img_sketch", "sketch", "A picture to paint on")
        with panel(INPAINT, PANELS):
            make_canvas("img2maskimg", "mask", "A picture in which to mask what should change")
        with panel(INPAINT_SKETCH, PANELS):
            make_canvas("inpaint_sketch", "inpaint-sketch", "A picture to paint on; only the paint changes")
        with panel(INPAINT_UPLOAD, PANELS), gr.Row(elem_classes=["canvas-pair"]):
            make_canvas("img_inpaint_base", "picture", "The picture")
            make_canvas("img_inpaint_mask", "picture", "The mask: white, or opaque, is regenerated")
        with panel(BATCH, PANELS):
            files = make_batch(form)
    return Modes(mode, files)


def make_batch(form: Form) -> gr.File:
    """Many pictures: uploaded, or in a directory on the server; element ids are A1111's."""
    gr.HTML(BATCH_HINT)
    form.add(
        "batch_source",
        gr.Radio(
            [UPLOAD, FROM_DIRECTORY],
            value=UPLOAD,
            label="Pictures",
            show_label=False,
            container=False,
            elem_id="img2img_batch_source",
        ),
    )
    with gr.Column(elem_id="img2img_batch_upload_tab", elem_classes=["batch-upload"]):
        files = gr.File(
            file_count="multiple",
            file_types=["image"],
            label="Pictures",
            show_label=False,
            interactive=True,
            elem_id="img2img_batch_upload",
            height=180,
        )
    with gr.Column(elem_id="img2img_batch_from_dir_tab", elem_classes=["batch-directory"]):
        directory_box(
            form, "batch_input_dir", "Input directory", "A folder on the server.", "img2img_batch_input_dir"
        )
    directory_box(
        form,
        "batch_output_dir",
        "Output directory",
        "Empty: where img2img puts its pictures. Else pictures keep their names.",
        "img2img_batch_output_dir",
    )
    directory_box(
        form,
        "batch_mask_dir",
        "Inpaint masks directory",
        "Empty: no masks. One mask holds for all pictures; of several, the one with the picture's name.",
        "img2img_batch_inpaint_mask_dir",
    )
    with gr.Accordion("PNG info", open=False, elem_id="img2img_batch_png_info"):
        make_batch_png_info(form)
    return files


def make_batch_png_info(form: Form) -> None:
    """Parameters of each picture from its own infotext."""
    form.add(
        "batch_use_png_info",
        gr.Checkbox(
            value=False,
            label="Append the pictures' own parameters",
            info="Prompts are added to the prompts above; the other parameters replace those below.",
            elem_id="img2img_batch_use_png_info",
        ),
    )
    directory_box(
        form,
        "batch_png_info_dir",
        "PNG info directory",
        "Empty: from the pictures themselves. Else from the pictures of the same names there.",
        "img2img_batch_png_info_dir",
    )
    form.add(
        "batch_png_info_props",
        gr.CheckboxGroup(
            list(PNG_INFO_PROPS),
            value=list(PNG_INFO_PROPS[:5]),
            label="Parameters to take",
            elem_id="img2img_batch_png_info_props",
        ),
    )


def directory_box(form: Form, name: str, label: str, info: str, elem_id: str) -> gr.Textbox:
    """One line for a folder on the server."""
    return form.add(
        name, gr.Textbox("", label=label, info=info, lines=1, max_lines=1, elem_id=elem_id, min_width=200)
    )
