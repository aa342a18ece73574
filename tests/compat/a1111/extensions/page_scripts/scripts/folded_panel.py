"""A panel in an accordion with a tick, which a script of the page looks through."""

import gradio as gr
from modules import scripts
from modules.ui_components import InputAccordion


class FoldedPanel(scripts.Script):
    def title(self):
        return "Folded panel"

    def show(self, is_img2img):
        return scripts.AlwaysVisible

    def ui(self, is_img2img):
        with InputAccordion(value=False, label="Folded panel") as enabled:
            words = gr.Textbox(label="Folded words")
        return [enabled, words]

    def after_component(self, component, **kwargs):
        # The last part of A1111's results, by which extensions place theirs.
        if kwargs.get("elem_id") == "txt2img_generation_info_button":
            gr.HTML("beside the results", elem_id="folded_beside")
