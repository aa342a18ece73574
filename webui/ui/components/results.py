"""Where pictures appear: progress, live preview, gallery, buttons, infotext and messages."""

from dataclasses import dataclass

import gradio as gr

from webui.ui.components.buttons import icon_button

EMPTY = '<div class="gallery-empty"><span class="frame"></span><p>Your pictures appear here.</p></div>'


@dataclass(frozen=True, slots=True)
class Results:
    """The components that a job is watched with."""

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
    send_to_pnginfo: gr.Button
    files: gr.File


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
                    "reuse", "Take all parameters of the picture into the form", f"{tab}_reuse_all"
                )
                pnginfo = icon_button("info", "Send the picture to PNG Info", f"{tab}_send_to_pnginfo")
            files = gr.File(
                None,
                file_count="multiple",
                interactive=False,
                show_label=False,
                visible="hidden",
                elem_id=f"download_files_{tab}",
            )
            infotext = gr.HTML("", elem_id=f"html_info_{tab}", elem_classes=["infotext"])
            log = gr.HTML("", elem_id=f"html_log_{tab}", elem_classes=["html-log"])
            generation_info = gr.Textbox("", elem_id=f"generation_info_{tab}", visible="hidden")
    return Results(
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
        send_to_pnginfo=pnginfo,
        files=files,
    )
