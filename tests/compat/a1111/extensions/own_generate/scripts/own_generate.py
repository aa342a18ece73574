"""Buttons that make what Generate makes: with the inputs of A1111's event, found as extensions find them."""

import gradio as gr
from modules import img2img, script_callbacks, scripts, txt2img
from modules.processing import process_images
from PIL import Image

FOUND = {}


class Word(scripts.Script):
    def title(self):
        return "Word"

    def show(self, is_img2img):
        return scripts.AlwaysVisible

    def ui(self, is_img2img):
        return [gr.Textbox("", label="Word", elem_id=self.elem_id("word"))]

    def process(self, p, word):
        if word:
            p.extra_generation_params["Word"] = word


class Backwards(scripts.Script):
    def title(self):
        return "Backwards"

    def ui(self, is_img2img):
        return [gr.Checkbox(True, label="Backwards")]

    def run(self, p, backwards):
        p.prompt = p.prompt[::-1]
        return process_images(p)


class Brings(scripts.Script):
    def title(self):
        return "Brings its own"

    def show(self, is_img2img):
        return is_img2img

    def run(self, p):
        p.extra_generation_params["Found"] = str(p.init_images)
        p.init_images = [Image.new("RGB", (64, 64), "red")]
        p.denoising_strength = 0.1
        return process_images(p)


def on_after_component(component, **kwargs):
    elem_id = kwargs.get("elem_id")
    if elem_id in ("txt2img_generate", "img2img_generate"):
        tab = elem_id.partition("_")[0]
        FOUND[tab] = component, gr.Button("Make it too", elem_id=f"{tab}_make_too")
        FOUND[f"{tab} answer"] = gr.Textbox("", elem_id=f"{tab}_made_too")


def make_txt2img(id_task: str, request: gr.Request, *args):
    return describe(txt2img.txt2img(id_task, request, *args))


def make_img2img(id_task: str, request: gr.Request, *args):
    return describe(img2img.img2img(id_task, request, *args))


def describe(made):
    images, _, info, _ = made
    return f"{images[0].size} {info}"


def on_app_started(demo, app):
    fields = demo.ui_loadsave.component_mapping
    assert fields["txt2img/Prompt/value"].elem_id == "txt2img_prompt"
    assert fields["txt2img/Sampling steps/maximum"].maximum == 150
    assert fields["img2img/Denoising strength/value"].elem_id == "img2img_denoising_strength"
    for tab, function in (("txt2img", make_txt2img), ("img2img", make_img2img)):
        generate, button = FOUND[tab]
        [event] = [
            each
            for each in demo.dependencies
            if each["trigger"] == "click" and generate._id in each["targets"] and len(each["outputs"]) == 4
        ]
        found = next(each for each in demo.fns if [one._id for one in each.inputs] == event["inputs"])
        with demo:
            button.click(function, _js=event["js"], inputs=found.inputs, outputs=[FOUND[f"{tab} answer"]])


script_callbacks.on_after_component(on_after_component)
script_callbacks.on_app_started(on_app_started)
