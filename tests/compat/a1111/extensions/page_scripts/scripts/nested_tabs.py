"""Tabs in a panel, whose scripts ask which of them is shown."""

import gradio as gr
from modules import scripts


class NestedTabs(scripts.Script):
    def title(self):
        return "Nested tabs"

    def show(self, is_img2img):
        return scripts.AlwaysVisible

    def ui(self, is_img2img):
        tab = "img2img" if is_img2img else "txt2img"
        with gr.Tabs(elem_id=f"{tab}_nested"):
            for name in ("first", "second"):
                with gr.Tab(name.title(), elem_id=f"{tab}_nested_{name}"):
                    gr.Checkbox(label=f"In the {name}")
