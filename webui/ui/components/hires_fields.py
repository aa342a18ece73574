"""The second pass of txt2img: size, upscaler, strength, and what it does otherwise than the first."""

import gradio as gr

from webui.core.request_parts import LATENT_UPSCALERS
from webui.core.sampling import all_samplers, all_schedules
from webui.library.catalog.catalog import Catalog
from webui.library.catalog.upscaler_names import upscaler_names
from webui.ui.components.input_accordion import InputAccordion, input_accordion
from webui.ui.components.model_lists import checkpoint_titles, make_refresh, renew_on_load
from webui.ui.components.sampling_fields import add_slider
from webui.ui.forms.form import Form
from webui.ui.generation import FORM_DEFAULTS
from webui.ui.generation_parts import SAME_CHECKPOINT, SAME_SAMPLER, SAME_SCHEDULE, final_size
from webui.ui.handlers import INSTANT

# Fields that decide the size of the second pass's pictures.
SIZE_FIELDS = ("hires", "width", "height", "hires_scale", "hires_width", "hires_height")


def make_hires_fields(tab: str, form: Form, catalog: Catalog, page: gr.Blocks) -> InputAccordion:
    """The accordion; element ids are A1111's."""
    with input_accordion("Hires. fix", f"{tab}_hr", "txtimg_hr_finalres") as accordion:
        form.add("hires", accordion.enabled, lambda value: {"value": bool(value)})
        make_upscaling(tab, form, catalog, page)
        make_sizes(tab, form)
        make_other_models(tab, form, catalog, page)
        make_prompts(tab, form)
    return accordion


def make_upscaling(tab: str, form: Form, catalog: Catalog, page: gr.Blocks) -> None:
    """How the first picture is enlarged, and how much of it is regenerated."""

    def upscalers() -> list[str]:
        return [*LATENT_UPSCALERS, *upscaler_names(catalog)]

    with gr.Row(elem_id=f"{tab}_hires_fix_row1", elem_classes=["fields"]):
        upscaler = choice(form, "hires_upscaler", "Upscaler", f"{tab}_hr_upscaler", upscalers())
        add_slider(form, "hires_steps", "Hires steps", f"{tab}_hires_steps", (0, 150, 1), 140)
        add_slider(
            form, "denoising_strength", "Denoising strength", f"{tab}_denoising_strength", (0, 1, 0.01), 140
        )
    renew_on_load(page, upscaler, upscalers)


def make_sizes(tab: str, form: Form) -> None:
    """The size: a factor, or sides of which either may be left at 0."""
    with gr.Row(elem_id=f"{tab}_hires_fix_row2", elem_classes=["fields"]):
        add_slider(form, "hires_scale", "Upscale by", f"{tab}_hr_scale", (1, 4, 0.05), 140)
        add_slider(form, "hires_width", "Resize width to", f"{tab}_hr_resize_x", (0, 2048, 8), 140)
        add_slider(form, "hires_height", "Resize height to", f"{tab}_hr_resize_y", (0, 2048, 8), 140)


def make_other_models(tab: str, form: Form, catalog: Catalog, page: gr.Blocks) -> None:
    """Checkpoint, sampler and schedule of the second pass."""

    def checkpoints() -> list[str]:
        return [SAME_CHECKPOINT, *checkpoint_titles(catalog)]

    samplers, schedules = [info.label for info in all_samplers()], [info.label for info in all_schedules()]
    with gr.Row(elem_id=f"{tab}_hires_fix_row3", elem_classes=["fields"]):
        with gr.Row(elem_classes=["with-refresh"], equal_height=False):
            checkpoint = choice(form, "hires_model", "Checkpoint", "hr_checkpoint", checkpoints())
            make_refresh(
                catalog, checkpoint, checkpoints, "Look for checkpoints again", "hr_checkpoint_refresh"
            )
        choice(form, "hires_sampler", "Hires sampling method", "hr_sampler", [SAME_SAMPLER, *samplers])
        choice(form, "hires_schedule", "Hires schedule type", "hr_scheduler", [SAME_SCHEDULE, *schedules])
    renew_on_load(page, checkpoint, checkpoints)


def make_prompts(tab: str, form: Form) -> None:
    """Prompts of the second pass; empty ones are those of the first."""
    prompts = {
        "hires_prompt": ("Hires prompt", "hires_prompt"),
        "hires_negative_prompt": ("Hires negative prompt", "hires_neg_prompt"),
    }
    with gr.Row(elem_id=f"{tab}_hires_fix_row4", elem_classes=["fields"]):
        for name, (label, elem_id) in prompts.items():
            box = gr.Textbox(
                label=label,
                elem_id=elem_id,
                elem_classes=["prompt"],
                lines=2,
                max_lines=8,
                placeholder="Empty: as in the first pass",
                min_width=160,
            )
            form.add(name, box)


def choice(form: Form, name: str, label: str, elem_id: str, choices: list[str]) -> gr.Dropdown:
    """A list bound to a field. What is not in it can be written too, so that a pasted name is not lost."""
    dropdown = gr.Dropdown(
        choices,
        value=FORM_DEFAULTS[name],
        label=label,
        elem_id=elem_id,
        allow_custom_value=True,
        min_width=140,
    )
    return form.add(name, dropdown)


def wire_final_size(form: Form, accordion: InputAccordion) -> None:
    """Tell in the accordion's head what size comes out."""

    def line(*values: object) -> str:
        return final_size_html(dict(zip(SIZE_FIELDS, values, strict=True)))

    components = [form.component(name) for name in SIZE_FIELDS]
    gr.on(
        # Every component of a form has the event; their common base does not say so.
        [component.change for component in components],  # pyright: ignore[reportAttributeAccessIssue]
        line,
        inputs=components,
        outputs=[accordion.line],
        preprocess=False,
        trigger_mode="always_last",
        **INSTANT,
    )


def final_size_html(fields: dict[str, object]) -> str:
    """A1111's line "from 512x512 to 1024x1024"; nothing while the second pass is off."""
    size = final_size(fields)
    if size is None:
        return ""
    way = "by-sides" if fields["hires_width"] or fields["hires_height"] else "by-factor"
    first = f'<span class="resolution">{fields["width"]}x{fields["height"]}</span>'
    return (
        f'<span data-size="{way}">from {first} to <span class="resolution">{size[0]}x{size[1]}</span></span>'
    )
