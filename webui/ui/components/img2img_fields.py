"""The fields that only img2img has: mask, size, strength, room around the picture, loops."""

from dataclasses import dataclass

import gradio as gr

from webui.core.request_parts import MASKED_CONTENTS, RESIZE_MODES
from webui.ui.components.buttons import icon_button
from webui.ui.components.input_accordion import input_accordion
from webui.ui.components.sampling_fields import add_slider
from webui.ui.forms.form import Form
from webui.ui.forms.img2img import (
    CURVES,
    FILLS,
    IMG2IMG_DEFAULTS,
    INPAINT_AREAS,
    MASK_MODES,
    RESIZE_BY,
    RESIZE_TO,
)

TAB = "img2img"
Span = tuple[float, float, float]
SOFT_SLIDERS: dict[str, tuple[str, Span]] = {
    "soft_schedule_bias": ("Schedule bias", (0, 8, 0.1)),
    "soft_preservation_strength": ("Preservation strength", (0, 8, 0.05)),
    "soft_transition_contrast_boost": ("Transition contrast boost", (1, 32, 0.5)),
    "soft_mask_influence": ("Mask influence", (0, 1, 0.05)),
    "soft_difference_threshold": ("Difference threshold", (0, 8, 0.25)),
    "soft_difference_contrast": ("Difference contrast", (0, 8, 0.25)),
}


@dataclass(frozen=True, slots=True)
class SizeButtons:
    """What the tab wires of the size: the button that takes it from the picture, and the two sliders."""

    from_picture: gr.Button
    width: gr.Slider
    height: gr.Slider


def as_switch(value: object) -> dict[str, bool]:
    """Whatever was kept, on or off."""
    return {"value": bool(value)}


def slider(form: Form, name: str, label: str, elem_id: str, span: Span) -> gr.Slider:
    """A slider with img2img's own default."""
    return add_slider(form, name, label, elem_id, span, value=IMG2IMG_DEFAULTS[name])


def radio(form: Form, name: str, label: str, choices: tuple[str, ...], elem_id: str) -> gr.Radio:
    """One of several words."""
    return form.add(
        name,
        gr.Radio(list(choices), value=IMG2IMG_DEFAULTS[name], label=label, elem_id=elem_id, min_width=200),
    )


def make_inpaint_fields(form: Form) -> None:
    """Mask and masked area. css/canvas.css shows them in the modes that have a mask, and in a batch."""
    with gr.Column(elem_id="inpaint_controls", elem_classes=["inpaint-controls"]):
        with gr.Row(elem_classes=["fields", "mask-blur"]):
            slider(form, "mask_blur", "Mask blur", f"{TAB}_mask_blur", (0, 64, 1))
            slider(form, "mask_blur_y", "Mask blur, vertically", f"{TAB}_mask_blur_y", (0, 64, 1))
            form.add(
                "mask_blur_apart",
                gr.Checkbox(
                    value=False,
                    label="x/y apart",
                    elem_id=f"{TAB}_mask_blur_apart",
                    elem_classes=["beside-slider"],
                    container=False,
                    scale=0,
                    min_width=90,
                ),
            )
        with gr.Column(elem_classes=["only-inpaint-sketch"]):
            slider(form, "mask_alpha", "Transparency of the paint, %", f"{TAB}_mask_alpha", (0, 100, 1))
        with gr.Row(elem_classes=["fields"]):
            radio(form, "mask_mode", "Mask mode", MASK_MODES, f"{TAB}_mask_mode")
            radio(form, "inpaint_area", "Inpaint area", INPAINT_AREAS, f"{TAB}_inpaint_full_res")
        with gr.Row(elem_classes=["fields"]):
            radio(form, "masked_content", "Masked content", MASKED_CONTENTS, f"{TAB}_inpainting_fill")
            slider(
                form,
                "padding",
                "Only masked: padding, pixels",
                f"{TAB}_inpaint_full_res_padding",
                (0, 256, 4),
            )
        with input_accordion("Soft inpainting", "soft_inpainting") as accordion:
            form.add("soft_inpainting", accordion.enabled, as_switch)
            gr.HTML('<p class="hint">Blends by how opaque the mask is. Give the mask a wide blur.</p>')
            with gr.Row(elem_classes=["fields", "two-columns"]):
                for name, (label, span) in SOFT_SLIDERS.items():
                    slider(form, name, label, name.replace("soft_", "soft_inpainting_", 1), span)


def make_resize_fields(form: Form) -> SizeButtons:
    """How the picture is brought to the result's size, and that size; batch count and size beside."""
    radio(form, "resize_mode", "Resize mode", RESIZE_MODES, "resize_mode")
    with gr.Row(elem_classes=["fields", "size-and-batch"]):
        with gr.Column(elem_id=f"{TAB}_column_size", elem_classes=["size-choice"], scale=4, min_width=200):
            radio(form, "resize_tab", "Size", (RESIZE_TO, RESIZE_BY), f"{TAB}_tabs_resize")
            with gr.Column(elem_id=f"{TAB}_tab_resize_to", elem_classes=["resize-to"]):
                width = add_slider(form, "width", "Width", f"{TAB}_width", (64, 2048, 8))
                height = add_slider(form, "height", "Height", f"{TAB}_height", (64, 2048, 8))
            with gr.Column(elem_id=f"{TAB}_tab_resize_by", elem_classes=["resize-by"]):
                slider(form, "scale_by", "Scale", f"{TAB}_scale", (0.05, 4, 0.05))
                gr.HTML(
                    '<span class="resolution"></span>',
                    elem_id=f"{TAB}_scale_resolution_preview",
                    elem_classes=["hint"],
                )
        with gr.Column(
            elem_id=f"{TAB}_dimensions_row", elem_classes=["dimensions-tools"], scale=0, min_width=34
        ):
            swap = icon_button("swap", "Swap width and height", f"{TAB}_res_switch_btn")
            detect = icon_button("ruler", "Take the size of the picture", f"{TAB}_detect_image_size_btn")
        with gr.Column(elem_id=f"{TAB}_column_batch", scale=3, min_width=200):
            add_slider(form, "batch_count", "Batch count", f"{TAB}_batch_count", (1, 100, 1))
            add_slider(form, "batch_size", "Batch size", f"{TAB}_batch_size", (1, 8, 1))
    swap.click(
        fn=None, inputs=[width, height], outputs=[width, height], js="(width, height) => [height, width]"
    )
    return SizeButtons(detect, width, height)


def make_strength_field(form: Form) -> None:
    """How much is regenerated."""
    slider(form, "denoising_strength", "Denoising strength", f"{TAB}_denoising_strength", (0, 1, 0.01))


def make_outpaint_fields(form: Form) -> None:
    """Extend canvas: what A1111's outpainting scripts do."""
    with input_accordion("Extend canvas", "img2img_outpainting") as accordion:
        form.add("outpainting", accordion.enabled, as_switch)
        with gr.Row(elem_classes=["fields", "two-columns"]):
            for side in ("left", "right", "up", "down"):
                slider(
                    form, f"outpaint_{side}", f"{side.capitalize()}, pixels", f"outpaint_{side}", (0, 2048, 8)
                )
        with gr.Row(elem_classes=["fields"]):
            radio(form, "outpaint_fill", "Filled first with", FILLS, "outpaint_fill")
            slider(form, "outpaint_blend", "Blend over, pixels", "outpaint_blend", (0, 128, 1))
        with gr.Row(elem_classes=["fields", "outpaint-noise"]):
            slider(form, "outpaint_fall_off", "Fall-off exponent", "outpaint_fall_off", (0, 4, 0.01))
            slider(
                form,
                "outpaint_colour_variation",
                "Colour variation",
                "outpaint_colour_variation",
                (0, 1, 0.01),
            )


def make_loopback_fields(form: Form) -> None:
    """Loopback: each result is the next picture to begin with."""
    with input_accordion("Loopback", "img2img_loopback") as accordion:
        form.add("loopback", accordion.enabled, as_switch)
        with gr.Row(elem_classes=["fields"]):
            slider(form, "loopback_loops", "Loops", "loopback_loops", (1, 32, 1))
            slider(form, "loopback_final", "Final denoising strength", "loopback_final", (0, 1, 0.01))
        radio(form, "loopback_curve", "Denoising strength curve", CURVES, "loopback_curve")
