"""Parts of the page that several tabs have."""
# pyright: basic, reportAttributeAccessIssue=false, reportArgumentType=false, reportCallIssue=false
# pyright: reportMissingImports=false, reportOptionalMemberAccess=false

import html
import json
from dataclasses import dataclass
from typing import Any

import gradio as gr

folder_symbol = "\U0001f4c2"
refresh_symbol = "\U0001f504"


def plaintext_to_html(text, classname=None):
    """Text as HTML of the same lines."""
    lines = "<br>\n".join(html.escape(line) for line in str(text).split("\n"))
    return f"<p class='{classname}'>{lines}</p>" if classname else f"<p>{lines}</p>"


def update_generation_info(generation_info, html_info, img_index):
    """The infotext of the picture that is chosen in a gallery."""
    try:
        texts = json.loads(generation_info)["infotexts"]
        index = int(img_index)
    except (TypeError, ValueError, KeyError):
        return html_info, gr.update()
    if not 0 <= index < len(texts):
        return html_info, gr.update()
    return plaintext_to_html(texts[index]), gr.update()


def update_logfile(logfile_path, fields):
    """Bring a log of saved pictures up to new fields; the program keeps its own history."""


def save_files(js_data, images, do_make_zip, index):
    """Save pictures of a gallery: the one of an index, or all for -1. Gives files to load, and a text."""
    from modules import images as pictures
    from modules import shared
    from modules.infotext_utils import image_from_url_text

    data = json.loads(js_data) if js_data else {}
    chosen = images if int(index) < 0 else images[int(index) : int(index) + 1]
    first = 0 if int(index) < 0 else int(index)
    texts = data.get("infotexts") or []
    folder = getattr(shared.opts, "outdir_save", "") or "log/images"
    saved = []
    for place, each in enumerate(chosen, first):
        info = texts[place] if place < len(texts) else None
        path, text_path = pictures.save_image(
            image_from_url_text(each),
            folder,
            "",
            seed=_of(data.get("all_seeds"), place),
            prompt=_of(data.get("all_prompts"), place),
            extension=getattr(shared.opts, "samples_format", "png"),
            info=info,
        )
        saved.extend(filter(None, (path, text_path)))
    files = [_zip(saved), *saved] if do_make_zip and saved else saved
    return gr.update(value=files, visible=True), plaintext_to_html(f"Saved: {saved[0] if saved else ''}")


def _of(values, place):
    return values[place] if values and place < len(values) else None


def _zip(paths):
    from pathlib import Path
    from zipfile import ZipFile

    target = Path(paths[0]).with_suffix(".zip")
    with ZipFile(target, "w") as archive:
        for path in paths:
            archive.write(path, Path(path).name)
    return str(target)


@dataclass
class OutputPanel:
    """Where a tab shows what it made."""

    gallery: Any = None
    generation_info: Any = None
    infotext: Any = None
    html_log: Any = None
    button_upscale: Any = None

    def __iter__(self):
        return iter((self.gallery, self.generation_info, self.infotext, self.html_log))


def create_output_panel(tabname, outdir, toprow=None):
    """A gallery with its buttons, its infotext and a log."""
    from modules import infotext_utils

    panel = OutputPanel()
    with gr.Column(elem_id=f"{tabname}_results"):
        with gr.Column(elem_id=f"{tabname}_results_panel"):
            with gr.Group(elem_id=f"{tabname}_gallery_container"):
                panel.gallery = gr.Gallery(
                    label="Output", show_label=False, elem_id=f"{tabname}_gallery", columns=4, preview=True
                )
            with gr.Row(elem_id=f"image_buttons_{tabname}", elem_classes=["image-buttons"]):
                names = ["img2img", "inpaint", "extras"]
                buttons = infotext_utils.create_buttons(names)
            panel.generation_info = gr.Textbox(visible=False, elem_id=f"generation_info_{tabname}")
            panel.infotext = gr.HTML(elem_id=f"html_info_{tabname}", elem_classes=["infotext"])
            panel.html_log = gr.HTML(elem_id=f"html_log_{tabname}", elem_classes=["html-log"])
        for name, button in buttons.items():
            infotext_utils.register_paste_params_button(
                infotext_utils.ParamBinding(
                    paste_button=button, tabname=name, source_image_component=panel.gallery
                )
            )
    return panel


def create_refresh_button(refresh_component, refresh_method, refreshed_args, elem_id):
    """A button that calls a method and brings components up to what there is then."""
    from modules.ui_components import ToolButton

    components = refresh_component if isinstance(refresh_component, list) else [refresh_component]

    def refresh():
        refresh_method()
        given = refreshed_args() if callable(refreshed_args) else refreshed_args
        for component in components:
            for name, value in given.items():
                setattr(component, name, value)
        updates = [gr.update(**given) for _ in components]
        return updates if len(components) > 1 else updates[0]

    label = getattr(components[0], "label", None)
    button = ToolButton(
        value=refresh_symbol, elem_id=elem_id, tooltip=f"{label}: refresh" if label else "Refresh"
    )
    button.click(fn=refresh, inputs=[], outputs=components)
    return button


def setup_dialog(button_show, dialog, *, button_close=None):
    """Have a button show a part of the page, and another hide it."""
    dialog.visible = False
    button_show.click(fn=lambda: gr.update(visible=True), inputs=[], outputs=[dialog])
    if button_close is not None:
        button_close.click(fn=lambda: gr.update(visible=False), inputs=[], outputs=[dialog])
