"""The fields of Extras: which pictures, how large they become, faces, cuts. Element ids are A1111's."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import gradio as gr

from webui.library.catalog.catalog import Catalog
from webui.library.catalog.upscaler_names import LANCZOS, RESAMPLERS, restorer_files, upscaler_names
from webui.ui.components.buttons import icon_button
from webui.ui.components.input_accordion import input_accordion
from webui.ui.components.model_lists import make_refresh, renew_on_load
from webui.ui.components.sampling_fields import add_slider
from webui.ui.components.sub_tabs import chooser, panel, sub_tabs
from webui.ui.forms.extras import (
    BATCH,
    CAPTIONERS,
    DEFAULTS,
    DIRECTORY,
    FLIPS,
    MODES,
    OBJECTIVES,
    SCALE_BY,
    SCALE_TO,
    SINGLE,
)
from webui.ui.forms.form import Form
from webui.ui.renewals import renewals_of

TAB = "extras"
PANELS = {
    SINGLE: "extras_single_tab",
    BATCH: "extras_batch_process_tab",
    DIRECTORY: "extras_batch_directory_tab",
    SCALE_BY: "extras_scale_by_tab",
    SCALE_TO: "extras_scale_to_tab",
}
NO_UPSCALERS = (
    '<p class="hint">There are no upscaler files yet, so only Lanczos and Nearest can be chosen. Put .pth '
    "or .safetensors files (ESRGAN, Real-ESRGAN, SwinIR, DAT, HAT …) "
    "into models/ESRGAN, then refresh the list.</p>"
)
NO_FACES = (
    '<p class="hint">To restore faces, put GFPGANv1.4.pth into models/GFPGAN or codeformer-v0.1.0.pth into '
    "models/Codeformer, and detection_Resnet50_Final.pth, which finds the faces, into models/GFPGAN.</p>"
)


@dataclass(frozen=True, slots=True)
class ExtrasSources:
    """Where the pictures come from."""

    image: gr.Image
    files: gr.File


def make_sources(form: Form) -> ExtrasSources:
    """The three ways to name pictures, as a strip of tabs made by `assets/js/subtabs.js`."""
    with sub_tabs("mode_extras"):
        chooser(form, "mode", MODES, DEFAULTS["mode"], "extras_mode", "Which pictures")
        with panel(SINGLE, PANELS):
            image = gr.Image(
                elem_id="extras_image",
                label="Source",
                show_label=False,
                sources=["upload", "clipboard"],
                type="filepath",
                image_mode=None,
                interactive=True,
                buttons=["fullscreen"],
                height="42vh",
            )
        with panel(BATCH, PANELS):
            files = gr.File(
                file_count="multiple",
                file_types=["image"],
                label="Pictures",
                show_label=False,
                interactive=True,
                elem_id="extras_image_batch",
                height=200,
            )
        with panel(DIRECTORY, PANELS):
            text(form, "input_dir", "Input directory", "A folder on the server.", "extras_batch_input_dir")
            text(
                form,
                "output_dir",
                "Output directory",
                "Empty: where Extras puts its pictures.",
                "extras_batch_output_dir",
            )
            tick(form, "show_results", "Show result images", "extras_show_extras_results")
    return ExtrasSources(image, files)


def make_upscaling(form: Form, catalog: Catalog, page: gr.Blocks) -> None:
    """How large pictures become, and by what."""

    def names() -> list[str]:
        return upscaler_names(catalog)

    def hint() -> str:
        return "" if len(names()) > len(RESAMPLERS) else NO_UPSCALERS

    with accordion(form, "upscale", "Upscale", "extras_upscale"):
        shown_hint = gr.HTML(hint(), elem_id="extras_upscaler_hint", elem_classes=["empty-hint"])
        with gr.Row(elem_classes=["with-refresh"], equal_height=False):
            first = choice(form, "upscaler_1", "Upscaler 1", "extras_upscaler_1", names())
            if len(names()) == len(RESAMPLERS):
                # A1111 has None, with which Upscale does nothing; here it does something without a file, too.
                first.value = LANCZOS
            make_refresh(catalog, first, names, "Look for upscalers again", "extras_upscaler_refresh")
        with sub_tabs("extras_resize_mode"):
            ways = (SCALE_BY, SCALE_TO)
            chooser(form, "resize_tab", ways, DEFAULTS["resize_tab"], "extras_resize_tab", "How large")
            with panel(SCALE_BY, PANELS), gr.Row(elem_classes=["fields"]):
                slider(form, "scale", "Resize", "extras_upscaling_resize", (1, 8, 0.05))
                slider(
                    form,
                    "max_side",
                    "Max side length (0: no limit)",
                    "extras_upscale_max_side_length",
                    (0, 16384, 8),
                )
            with panel(SCALE_TO, PANELS):
                make_target(form)
        with gr.Row(elem_classes=["fields"]):
            second = choice(form, "upscaler_2", "Upscaler 2", "extras_upscaler_2", names())
            slider(
                form,
                "upscaler_2_visibility",
                "Upscaler 2 visibility",
                "extras_upscaler_2_visibility",
                (0, 1, 0.001),
            )
    for shown in (first, second):
        renew_on_load(page, shown, names)
    renewals_of(page).add(shown_hint, hint, shown_hint.value)


def make_target(form: Form) -> None:
    """Width and height, exchanged by a button."""
    with gr.Row(elem_classes=["fields"]):
        width = slider(form, "width", "Width", "extras_upscaling_resize_w", (64, 8192, 8))
        height = slider(form, "height", "Height", "extras_upscaling_resize_h", (64, 8192, 8))
        swap = icon_button("swap", "Exchange width and height", "upscaling_res_switch_btn")
    tick(form, "crop", "Crop to fit", "extras_upscaling_crop")
    swap.click(fn=None, inputs=[width, height], outputs=[width, height], js="(w, h) => [h, w]")


def make_faces(form: Form, catalog: Catalog, page: gr.Blocks) -> None:
    """Both restorers."""

    def hint() -> str:
        return "" if restorer_files(catalog) else NO_FACES

    with accordion(form, "gfpgan", "GFPGAN", "extras_gfpgan"):
        gfpgan_hint = gr.HTML(hint(), elem_classes=["empty-hint"])
        slider(form, "gfpgan_visibility", "Visibility", "extras_gfpgan_visibility", (0, 1, 0.001))
    with accordion(form, "codeformer", "CodeFormer", "extras_codeformer"):
        codeformer_hint = gr.HTML(hint(), elem_classes=["empty-hint"])
        with gr.Row(elem_classes=["fields"]):
            slider(form, "codeformer_visibility", "Visibility", "extras_codeformer_visibility", (0, 1, 0.001))
            slider(
                form,
                "codeformer_weight",
                "Weight (0 changes most, 1 least)",
                "extras_codeformer_weight",
                (0, 1, 0.001),
            )
        tick(form, "faces_first", "Restore faces before upscaling", "extras_faces_first")
    for shown_hint in (gfpgan_hint, codeformer_hint):
        renewals_of(page).add(shown_hint, hint, shown_hint.value)


def make_cuts(form: Form) -> None:
    """Cutting and mirroring, for data sets."""
    with accordion(form, "split", "Split oversized images", "extras_split"), gr.Row(elem_classes=["fields"]):
        slider(form, "split_threshold", "Threshold", "postprocess_split_threshold", (0, 1, 0.05))
        slider(form, "split_overlap", "Overlap ratio", "postprocess_overlap_ratio", (0, 0.9, 0.05))
    with (
        accordion(form, "focal", "Auto focal point crop", "extras_focal_crop"),
        gr.Row(elem_classes=["fields"]),
    ):
        for name, label, elem_id in (
            ("focal_face", "Focal point face weight", "postprocess_focal_crop_face_weight"),
            ("focal_entropy", "Focal point entropy weight", "postprocess_focal_crop_entropy_weight"),
            ("focal_edges", "Focal point edges weight", "postprocess_focal_crop_edges_weight"),
        ):
            slider(form, name, label, elem_id, (0, 1, 0.05))
    with accordion(form, "sized", "Auto-sized crop", "extras_sized_crop"):
        with gr.Row(elem_classes=["fields", "two-columns"]):
            for name, label, elem_id, span in (
                ("sized_min_side", "Dimension lower bound", "mindim", (64, 2048, 8)),
                ("sized_max_side", "Dimension upper bound", "maxdim", (64, 2048, 8)),
                ("sized_min_area", "Area lower bound", "minarea", (64 * 64, 2048 * 2048, 1)),
                ("sized_max_area", "Area upper bound", "maxarea", (64 * 64, 2048 * 2048, 1)),
            ):
                slider(form, name, label, f"postprocess_multicrop_{elem_id}", span)
        with gr.Row(elem_classes=["fields"]):
            form.add(
                "sized_objective",
                gr.Radio(
                    list(OBJECTIVES),
                    value=DEFAULTS["sized_objective"],
                    label="Resizing objective",
                    elem_id="postprocess_multicrop_objective",
                ),
            )
            slider(
                form, "sized_threshold", "Error threshold", "postprocess_multicrop_threshold", (0, 1, 0.01)
            )
    with accordion(form, "flip", "Create flipped copies", "extras_flip"):
        form.add(
            "flips",
            gr.CheckboxGroup(
                list(FLIPS),
                value=DEFAULTS["flips"],
                show_label=False,
                label="Mirrored",
                container=False,
                elem_id="extras_flips",
            ),
        )


def make_captions(form: Form) -> None:
    """Words about each result, in a text file beside it."""
    with accordion(form, "caption", "Caption", "extras_caption"):
        form.add(
            "caption_by",
            gr.CheckboxGroup(
                list(CAPTIONERS),
                value=DEFAULTS["caption_by"],
                show_label=False,
                label="Captioners",
                container=False,
                elem_id="extras_caption_by",
            ),
        )


@contextmanager
def accordion(form: Form, name: str, label: str, elem_id: str) -> Iterator[None]:
    """A part of the form with a tick."""
    with input_accordion(label, elem_id) as inside:
        inside.enabled.value = DEFAULTS[name]
        form.add(name, inside.enabled, lambda value: {"value": bool(value)})
        yield


def choice(form: Form, name: str, label: str, elem_id: str, choices: list[str]) -> gr.Dropdown:
    """One of the files; names that are gone are refused by the request, with a sentence."""
    dropdown = gr.Dropdown(
        choices,
        value=DEFAULTS[name],
        label=label,
        elem_id=elem_id,
        allow_custom_value=True,
        min_width=180,
    )
    return form.add(name, dropdown)


def slider(form: Form, name: str, label: str, elem_id: str, span: tuple[float, float, float]) -> gr.Slider:
    """A slider with Extras' own default."""
    return add_slider(form, name, label, elem_id, span, 160, DEFAULTS[name])


def tick(form: Form, name: str, label: str, elem_id: str) -> gr.Checkbox:
    """On or off."""
    box = gr.Checkbox(
        value=DEFAULTS[name],
        label=label,
        elem_id=elem_id,
        elem_classes=["tick"],
        container=False,
        min_width=90,
    )
    return form.add(name, box)


def text(form: Form, name: str, label: str, hint: str, elem_id: str) -> gr.Textbox:
    """A line of text."""
    return form.add(name, gr.Textbox("", label=label, placeholder=hint, elem_id=elem_id))
