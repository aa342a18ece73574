"""A frame, as extensions show pages of their own; it tells when it has loaded."""

import gradio as gr
from modules import scripts

FRAME = '<iframe id="framed" srcdoc="<p>framed</p>" onload="pageScripts.framesLoaded++"></iframe>'


class Framed(scripts.Script):
    def title(self):
        return "Framed"

    def show(self, is_img2img):
        return not is_img2img and scripts.AlwaysVisible

    def ui(self, is_img2img):
        gr.HTML(FRAME)
        return []
