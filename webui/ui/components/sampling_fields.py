"""How the picture is made: sampler, schedule, steps, size, batch, guidance."""

import gradio as gr

from webui.core.sampling import all_samplers, all_schedules
from webui.ui.components.buttons import icon_button
from webui.ui.forms.form import Form, within
from webui.ui.generation import FORM_DEFAULTS


def make_sampling_fields(tab: str, form: Form) -> None:
    """Sampler, schedule and steps in a row."""
    with gr.Row(elem_id=f"sampler_selection_{tab}", elem_classes=["fields"]):
        form.add(
            "sampler",
            gr.Dropdown(
                [sampler.label for sampler in all_samplers()],
                value=FORM_DEFAULTS["sampler"],
                label="Sampling method",
                elem_id=f"{tab}_sampling",
                min_width=150,
            ),
        )
        form.add(
            "schedule",
            gr.Dropdown(
                [schedule.label for schedule in all_schedules()],
                value=FORM_DEFAULTS["schedule"],
                label="Schedule type",
                elem_id=f"{tab}_scheduler",
                min_width=150,
            ),
        )
        add_slider(form, "steps", "Sampling steps", f"{tab}_steps", (1, 150, 1))


def make_size_fields(tab: str, form: Form) -> None:
    """Width and height with the button that swaps them, batch count and size beside."""
    with gr.Row(elem_classes=["fields", "size-and-batch"]):
        with gr.Column(elem_id=f"{tab}_column_size", scale=4, min_width=200):
            width = add_slider(form, "width", "Width", f"{tab}_width", (64, 2048, 8))
            height = add_slider(form, "height", "Height", f"{tab}_height", (64, 2048, 8))
        with gr.Column(
            elem_id=f"{tab}_dimensions_row", elem_classes=["dimensions-tools"], scale=0, min_width=34
        ):
            swap = icon_button("swap", "Swap width and height", f"{tab}_res_switch_btn")
        with gr.Column(elem_id=f"{tab}_column_batch", scale=3, min_width=200):
            add_slider(form, "batch_count", "Batch count", f"{tab}_batch_count", (1, 100, 1))
            add_slider(form, "batch_size", "Batch size", f"{tab}_batch_size", (1, 8, 1))
    swap.click(
        fn=None, inputs=[width, height], outputs=[width, height], js="(width, height) => [height, width]"
    )


def make_guidance_fields(tab: str, form: Form) -> None:
    """CFG scale, and whether the picture should tile and faces be restored."""
    with gr.Row(elem_classes=["fields", "guidance"]):
        add_slider(form, "cfg_scale", "CFG Scale", f"{tab}_cfg_scale", (1, 30, 0.5))
        for name, label in (("restore_faces", "Restore faces"), ("tiling", "Tiling")):
            tick = gr.Checkbox(
                value=False,
                label=label,
                elem_id=f"{tab}_{name}",
                elem_classes=["tick"],
                container=False,
                scale=0,
                min_width=90,
            )
            form.add(name, tick)


def add_slider(
    form: Form,
    name: str,
    label: str,
    elem_id: str,
    span: tuple[float, float, float],
    min_width: int = 180,
    value: float | None = None,
) -> gr.Slider:
    """A slider from `span`'s first number to its second in steps of its third, bound to the field."""
    minimum, maximum, step = span
    slider = gr.Slider(
        minimum,
        maximum,
        value=FORM_DEFAULTS[name] if value is None else value,
        step=step,
        label=label,
        elem_id=elem_id,
        buttons=[],
        min_width=min_width,
    )
    return form.add(name, slider, within(slider))
