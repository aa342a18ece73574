"""A script of Extras."""

import gradio as gr
from modules import scripts_postprocessing
from modules.ui_components import InputAccordion
from PIL import ImageOps


class Invert(scripts_postprocessing.ScriptPostprocessing):
    name = "Test Invert"
    order = 5000

    def ui(self):
        with InputAccordion(False, label="Test Invert", elem_id="test_invert") as enable:
            word = gr.Textbox("", label="Invert word", elem_id="test_invert_word")
        return {"enable": enable, "word": word}

    def process(self, pp, enable, word):
        if not enable:
            pp.info["Inverted"] = "no"
            return
        if word == "fail":
            raise ValueError("told to fail")
        pp.image = ImageOps.invert(pp.image.convert("RGB"))
        pp.info["Inverted"] = word
        if word == "twice":
            pp.extra_images.append(pp.create_copy(pp.image.resize((8, 8)), nametags=["small"]))
