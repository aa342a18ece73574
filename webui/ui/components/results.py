"""Where pictures appear: progress, live preview, gallery, buttons, infotext and messages."""

from dataclasses import dataclass

import gradio as gr

from webui.ui.components.again_fields import DecodeFields, make_decode_fields
from webui.ui.components.buttons import icon_button
from webui.ui.components.send_buttons import SendButtons, make_send_buttons

EMPTY = '<div class="gallery-empty"><span class="frame"></span><p>Your pictures appear here.</p></div>'

# The tab whose pictures hires fix goes with.
WITH_HIRES = "txt2img"
# The tab whose pictures were not generated: there is nothing to take from them.
WITHOUT_FORM = "extras"


@dataclass(frozen=True, slots=True)
class Results:
    """The components that a job is watched with."""

    tab: str
    progress: gr.HTML
    preview: gr.HTML
    gallery: gr.Gallery
    infotext: gr.HTML
    log: gr.HTML
    generation_info: gr.Textbox
    # Index of the picture that is selected in the gallery.
    selected: gr.State
    save: gr.Button
    save_zip: gr.Button
    reuse: gr.Button
    upscale: gr.Button
    send_to_pnginfo: gr.Button
    send: SendButtons
    files: gr.File
    decoding: DecodeFields


def make_results(tab: str) -> Results:
    """Lay out the panel. Element ids are A1111's."""
    with gr.Column(elem_id=f"{tab}_results", scale=5, min_width=320):  # noqa: SIM117 - the layout's own nesting
        with gr.Column(variant="panel", elem_id=f"{tab}_results_panel", elem_classes=["results-panel"]):
            progress = gr.HTML("", elem_id=f"{tab}_progress", elem_classes=["job-progress"])
            with gr.Column(elem_id=f"{tab}_gallery_container", elem_classes=["gallery-container"]):
                gallery = gr.Gallery(
                    label="Output",
                    show_label=False,
                    elem_id=f"{tab}_gallery",
                    columns=4,
                    preview=True,
                    object_fit="contain",
                    interactive=False,
                    buttons=["download", "fullscreen"],
                    container=False,
                )
                gr.HTML(EMPTY, elem_id=f"{tab}_gallery_empty")
                preview = gr.HTML("", elem_id=f"{tab}_preview", elem_classes=["live-preview"])
            with gr.Row(elem_id=f"image_buttons_{tab}", elem_classes=["image-buttons"]):
                save = icon_button("save", "Save the picture to the folder for chosen ones", f"save_{tab}")
                save_zip = icon_button("zip", "Save the pictures as a zip archive", f"save_zip_{tab}")
                reuse = icon_button(
                    "reuse",
                    "Take all parameters of the picture into the form",
                    f"{tab}_reuse_all",
                    visible=tab != WITHOUT_FORM,
                )
                upscale = icon_button(
                    "sparkle",
                    "Hires-fix the picture with the settings of Hires. fix",
                    # The accordion of Extras has that id already.
                    f"{tab}_upscale" if tab != WITHOUT_FORM else f"{tab}_hires_fix",
                    visible=tab == WITH_HIRES,
                )
                pnginfo = icon_button("info", "Send the picture to PNG Info", f"{tab}_send_to_pnginfo")
                send = make_send_buttons(tab)
            files = gr.File(
                None,
                file_count="multiple",
                interactive=False,
                show_label=False,
                visible="hidden",
                elem_id=f"download_files_{tab}",
            )
            infotext = gr.HTML("", elem_id=f"html_info_{tab}", elem_classes=["infotext"])
            decoding = make_decode_fields(tab)
            log = gr.HTML("", elem_id=f"html_log_{tab}", elem_classes=["html-log"])
            generation_info = gr.Textbox("", elem_id=f"generation_info_{tab}", visible="hidden")
    return Results(
        tab=tab,
        progress=progress,
        preview=preview,
        gallery=gallery,
        infotext=infotext,
        log=log,
        generation_info=generation_info,
        selected=gr.State(0),
        save=save,
        save_zip=save_zip,
        reuse=reuse,
        upscale=upscale,
        send_to_pnginfo=pnginfo,
        send=send,
        files=files,
        decoding=decoding,
    )
