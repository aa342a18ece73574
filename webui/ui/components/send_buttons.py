"""Buttons under a gallery that send its picture to another tab."""

from dataclasses import dataclass

import gradio as gr

from webui.ui.components.buttons import icon_button


@dataclass(frozen=True, slots=True)
class SendButtons:
    """One button for each place a picture can go to."""

    img2img: gr.Button
    sketch: gr.Button
    inpaint: gr.Button
    extras: gr.Button


def make_send_buttons(tab: str) -> SendButtons:
    """Lay them out in the row of buttons; element ids are A1111's."""
    return SendButtons(
        img2img=icon_button("img2img", "Send the picture to img2img", f"{tab}_send_to_img2img"),
        sketch=icon_button("sketch", "Send the picture to Sketch", f"{tab}_send_to_sketch"),
        inpaint=icon_button("inpaint", "Send the picture to Inpaint", f"{tab}_send_to_inpaint"),
        extras=icon_button("extras", "Send the picture to Extras", f"{tab}_send_to_extras"),
    )
