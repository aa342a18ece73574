"""The PNG Info tab: what a picture tells about how it was made, and sending it to the form."""

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from webui.core.errors import WebuiError
from webui.core.settings import Settings
from webui.jobs.services import Services
from webui.store.reading import read_infotext
from webui.ui.generation import fields_of_infotext
from webui.ui.handlers import INSTANT
from webui.ui.job_view import shown_picture
from webui.ui.tabs.txt2img import Txt2img
from webui.ui.texts import infotext_html, notice, paragraph
from webui.ui.watch import Updates

HINT = '<p class="hint">Drop a picture here to read how it was made. It stays on this machine.</p>'
NOTHING_FOUND = "This picture carries no generation parameters."
SEED_FIELDS = (
    "seed",
    "extra_seed",
    "variation_seed",
    "variation_strength",
    "seed_resize_width",
    "seed_resize_height",
)
SIZE_FIELDS = ("width", "height")
# Texts of more letters than this are folded.
LONGEST_OPEN = 120


def make_pnginfo(services: Services, txt2img: Txt2img) -> None:
    """Build the tab's inside and wire it."""
    with gr.Row(elem_classes=["pnginfo"], equal_height=False):
        with gr.Column(variant="panel", scale=5, min_width=300):
            image = gr.Image(
                elem_id="pnginfo_image",
                label="Source",
                show_label=False,
                sources=["upload", "clipboard"],
                type="filepath",
                image_mode=None,
                interactive=True,
                buttons=["fullscreen"],
                height="50vh",
            )
        with gr.Column(variant="panel", scale=5, min_width=300):
            shown = gr.HTML(HINT, elem_id="pnginfo_html", elem_classes=["infotext"])
            infotext = gr.Textbox("", elem_id="pnginfo_generation_info", visible="hidden")
            with gr.Row(elem_id="pnginfo_send_buttons"):
                send = gr.Button(
                    "Send to txt2img",
                    elem_id="txt2img_tab",
                    interactive=False,
                    size="md",
                    scale=0,
                    min_width=150,
                )
    wire_pnginfo(services, txt2img, image, shown, infotext, send)


def wire_pnginfo(
    services: Services,
    txt2img: Txt2img,
    image: gr.Image,
    shown: gr.HTML,
    infotext: gr.Textbox,
    send: gr.Button,
) -> None:
    """Read what is dropped; send what was read."""

    def read(payload: Mapping[str, Any] | None) -> Updates:
        if not payload or not payload.get("path"):
            return {shown: HINT, infotext: "", send: gr.update(interactive=False)}
        try:
            text, items = read_infotext(Path(payload["path"]))
        except WebuiError as error:
            return {shown: notice(str(error)), infotext: "", send: gr.update(interactive=False)}
        return {shown: found_html(text, items), infotext: text or "", send: gr.update(interactive=bool(text))}

    def send_to_form(text: str) -> Updates:
        settings = services.settings.current
        try:
            return txt2img.form.write(wanted_fields(fields_of_infotext(text, settings), settings))
        except WebuiError as error:
            return {shown: notice(str(error)) + found_html(text, {})}

    def path_of(info: str, selected: int) -> str | None:
        picture = shown_picture(info, selected)
        return picture.path if picture else None

    # Raw: the very file, not one that was opened and written again.
    image.change(read, inputs=[image], outputs=[shown, infotext, send], preprocess=False, **INSTANT)
    send.click(send_to_form, inputs=[infotext], outputs=[*txt2img.form.components, shown], **INSTANT).success(
        fn=None, js="() => window.webui.showTab('txt2img')"
    )
    txt2img.results.send_to_pnginfo.click(
        path_of,
        inputs=[txt2img.results.generation_info, txt2img.results.selected],
        outputs=[image],
        **INSTANT,
    ).success(fn=None, js="() => window.webui.showTab('pnginfo')")


def wanted_fields(fields: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """Fields without the seed and the size where the settings say that these are not sent."""
    left_out = (() if settings.interface.send_seed else SEED_FIELDS) + (
        () if settings.interface.send_size else SIZE_FIELDS
    )
    return {name: value for name, value in fields.items() if name not in left_out}


def found_html(text: str | None, items: Mapping[str, str]) -> str:
    """The infotext, and whatever else the file says of itself."""
    parts = [infotext_html(text) if text else paragraph(NOTHING_FOUND, "hint")]
    return "".join(parts + [item_html(key, value) for key, value in items.items()])


def item_html(key: str, value: str) -> str:
    """Another text of the file, folded where it is long."""
    if len(value) <= LONGEST_OPEN:
        return f"<p><strong>{escape(key)}</strong>: {escape(value)}</p>"
    return f"<details><summary>{escape(key)}</summary>{paragraph(value)}</details>"
