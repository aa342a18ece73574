"""The PNG Info tab: what a picture tells about how it was made, and sending it to the form."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from webui.core.errors import WebuiError
from webui.jobs.services import Services
from webui.store.pictures.history import REQUEST_ITEM
from webui.store.reading import read_infotext
from webui.ui.forms.img2img import IMG2IMG, INPAINT
from webui.ui.generation import fields_of_infotext, infotext_problems
from webui.ui.handlers import INSTANT, Updates
from webui.ui.tabs.extras import Extras
from webui.ui.tabs.img2img import Img2img
from webui.ui.tabs.sending import wanted_fields, wire_arrival, wire_infotext_sending
from webui.ui.tabs.txt2img import Txt2img
from webui.ui.texts import infotext_html, notice, paragraph

HINT = '<p class="hint">Drop a picture here to read how it was made. It stays on this machine.</p>'
NOTHING_FOUND = "This picture carries no generation parameters."
NOT_UNDERSTOOD = "This picture carries a graph of ComfyUI, but no sampler in it that is understood here."
# What texts are called that only the program reads.
ITEM_NAMES = {REQUEST_ITEM: "All values, as the program keeps them"}
# Texts of more letters than this are folded.
LONGEST_OPEN = 120


def make_pnginfo(services: Services, txt2img: Txt2img, img2img: Img2img, extras: Extras) -> None:
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
            path = gr.Textbox("", elem_id="pnginfo_path", visible="hidden")
            with gr.Row(elem_id="pnginfo_send_buttons", elem_classes=["send-row"]):
                send = {tab: send_button(tab, label) for tab, label in DESTINATIONS.items()}
    page = PngInfo(image, shown, infotext, path, send)
    wire_pnginfo(services, txt2img, page)
    wire_infotext_sending(
        services, {send["img2img"]: IMG2IMG, send["inpaint"]: INPAINT}, infotext, image, path, shown, img2img
    )
    # The upload itself, as it was checked when it came in; never a path that the page tells of.
    send["extras"].click(
        lambda upload: upload,
        inputs=[image],
        outputs=[extras.image],
        preprocess=False,
        postprocess=False,
        **INSTANT,
    ).success(fn=None, js="() => window.webui.showTab('extras')")
    for results in (txt2img.results, img2img.results, extras.results):
        wire_arrival(services, results.send_to_pnginfo, results, image, "pnginfo")


DESTINATIONS = {"txt2img": "txt2img", "img2img": "img2img", "inpaint": "Inpaint", "extras": "Extras"}


@dataclass(frozen=True, slots=True)
class PngInfo:
    """The tab's components."""

    image: gr.Image
    shown: gr.HTML
    infotext: gr.Textbox
    path: gr.Textbox
    send: Mapping[str, gr.Button]


def send_button(tab: str, label: str) -> gr.Button:
    """A button with A1111's id, such as txt2img_tab."""
    return gr.Button(
        f"Send to {label}", elem_id=f"{tab}_tab", interactive=False, size="md", scale=0, min_width=130
    )


def wire_pnginfo(services: Services, txt2img: Txt2img, page: PngInfo) -> None:
    """Read what is dropped; send what was read."""
    send = page.send

    def show_reading(text: str | None, path: str, html: str) -> Updates:
        # A picture without parameters is still one to begin with.
        usable = {"txt2img": bool(text), "img2img": bool(path), "inpaint": bool(path), "extras": bool(path)}
        buttons: Updates = {send[tab]: gr.update(interactive=usable[tab]) for tab in send}
        return buttons | {page.shown: html, page.infotext: text or "", page.path: path}

    def read(payload: Mapping[str, Any] | None) -> Updates:
        if not payload or not payload.get("path"):
            return show_reading(None, "", HINT)
        path = str(payload["path"])
        try:
            text, items = read_infotext(Path(path))
        except WebuiError as error:
            return show_reading(None, "", notice(str(error)))
        return show_reading(text, path, problems_html(text) + found_html(text, items))

    def send_to_form(text: str) -> Updates:
        settings = services.settings.current
        try:
            known = services.requests.use_local_names(text)
            fields = fields_of_infotext(known, settings, services.plugins)
            problems = {txt2img.toprow.notice: problems_html(text)}
            return txt2img.form.write(wanted_fields(fields, settings)) | problems
        except WebuiError as error:
            return {page.shown: notice(str(error)) + found_html(text, {})}

    # Raw: the very file, not one that was opened and written again.
    page.image.change(
        read,
        inputs=[page.image],
        outputs=[page.shown, page.infotext, page.path, *send.values()],
        preprocess=False,
        **INSTANT,
    )
    send["txt2img"].click(
        send_to_form,
        inputs=[page.infotext],
        outputs=[*txt2img.form.components, page.shown, txt2img.toprow.notice],
        **INSTANT,
    ).success(
        fn=None, js="() => { window.webui.showTab('txt2img'); return window.webui.showFill('txt2img'); }"
    )


def problems_html(text: str | None) -> str:
    """What of an infotext cannot be filled in, or is filled in as something else."""
    return notice(infotext_problems(text or ""), "warning")


def found_html(text: str | None, items: Mapping[str, str]) -> str:
    """The infotext, and whatever else the file says of itself."""
    is_graph = text is None and not {"prompt", "workflow"}.isdisjoint(items)
    nothing = paragraph(NOT_UNDERSTOOD if is_graph else NOTHING_FOUND, "hint")
    parts = [infotext_html(text) if text else nothing]
    return "".join(parts + [item_html(key, value) for key, value in items.items()])


def item_html(key: str, value: str) -> str:
    """Another text of the file, folded where it is long."""
    name = ITEM_NAMES.get(key, key)
    if len(value) <= LONGEST_OPEN:
        return f"<p><strong>{escape(name)}</strong>: {escape(value)}</p>"
    return f"<details><summary>{escape(name)}</summary>{paragraph(value)}</details>"
