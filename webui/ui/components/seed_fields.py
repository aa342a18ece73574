"""The seed with its dice, and what "Extra" opens: variation seed and the size to resize from."""

from dataclasses import dataclass

import gradio as gr

from webui.ui.components.buttons import icon_button
from webui.ui.components.sampling_fields import add_slider
from webui.ui.extension_field import FIELD
from webui.ui.forms.form import Form
from webui.ui.generation import FORM_DEFAULTS


@dataclass(frozen=True, slots=True)
class SeedFields:
    """What handlers need of the seed's fields."""

    seed: gr.Textbox
    reuse: gr.Button
    variation_seed: gr.Textbox
    reuse_variation: gr.Button


def make_seed_fields(tab: str, form: Form) -> SeedFields:
    """Seeds are texts: a browser's numbers lose digits past 2^53."""
    with gr.Row(elem_id=f"{tab}_seed_row", elem_classes=["fields", "seed-row"]):
        seed = form.add("seed", seed_box("Seed", f"{tab}_seed"))
        random_seed = icon_button("dice", "A new seed each time (-1)", f"{tab}_random_seed")
        reuse = icon_button("recycle", "Take the seed of the selected picture", f"{tab}_reuse_seed")
        # css/fields.css shows the extras while this is ticked.
        form.add(
            "extra_seed",
            gr.Checkbox(
                value=False,
                label="Extra",
                elem_id=f"{tab}_subseed_show",
                container=False,
                scale=0,
                min_width=80,
            ),
            lambda shown: {"value": bool(shown)},
        )
    with gr.Column(elem_id=f"{tab}_seed_extras", elem_classes=["seed-extras"]):
        with gr.Row(elem_id=f"{tab}_subseed_row", elem_classes=["fields", "seed-row"]):
            variation_seed = form.add("variation_seed", seed_box("Variation seed", f"{tab}_subseed"))
            random_variation = icon_button("dice", "A new variation each time (-1)", f"{tab}_random_subseed")
            reuse_variation = icon_button(
                "recycle", "Take the variation seed of the selected picture", f"{tab}_reuse_subseed"
            )
            add_slider(
                form, "variation_strength", "Variation strength", f"{tab}_subseed_strength", (0, 1, 0.01)
            )
        with gr.Row(elem_id=f"{tab}_seed_resize_from_row", elem_classes=["fields"]):
            add_slider(
                form, "seed_resize_width", "Resize seed from width", f"{tab}_seed_resize_from_w", (0, 2048, 8)
            )
            add_slider(
                form,
                "seed_resize_height",
                "Resize seed from height",
                f"{tab}_seed_resize_from_h",
                (0, 2048, 8),
            )
    random_seed.click(fn=None, outputs=[seed], js="() => '-1'")
    random_variation.click(fn=None, outputs=[variation_seed], js="() => '-1'")
    return SeedFields(seed, reuse, variation_seed, reuse_variation)


def seed_box(label: str, elem_id: str) -> gr.Textbox:
    """One line for a seed."""
    return gr.Textbox(
        value=FORM_DEFAULTS["seed"],
        label=label,
        elem_id=elem_id,
        # assets/js/numbers.js looks after what is typed.
        elem_classes=["seed-field"],
        lines=1,
        max_lines=1,
        min_width=120,
        scale=2,
    )


def make_extensions_field(tab: str, form: Form) -> gr.Textbox:
    """What extensions' parts are set to, as JSON: js/parts.js draws them and writes it."""
    return form.add(FIELD, gr.Textbox("", visible="hidden", elem_id=f"{tab}_extensions"))


def make_override_field(tab: str, form: Form) -> gr.Dropdown:
    """Chips for settings that a pasted infotext had otherwise; shown while there are any."""
    chips = gr.Dropdown(
        [],
        value=[],
        multiselect=True,
        allow_custom_value=True,
        label="Override settings",
        info="These hold for the next pictures instead of the settings, as the pasted text had them.",
        elem_id=f"{tab}_override_settings",
        visible="hidden",
    )
    with_chips = form.add(
        "override_settings",
        chips,
        lambda values: {"value": values, "choices": values, "visible": True if values else "hidden"},
    )
    with_chips.change(
        lambda values: gr.update(visible=True if values else "hidden"),
        inputs=[chips],
        outputs=[chips],
        show_progress="hidden",
        api_visibility="private",
        queue=False,
    )
    return with_chips
