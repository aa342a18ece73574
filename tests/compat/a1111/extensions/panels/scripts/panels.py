"""A panel, a script of the list, settings, tabs and callbacks: one of each kind that the page knows."""

from pathlib import Path

import gradio as gr
from modules import infotext_utils, options, script_callbacks, scripts, shared, ui
from modules.processing import process_images
from PIL import Image

FOLDER = Path(scripts.basedir())
LOG = FOLDER / "log.txt"
CANVASES = {}


def note(*words):
    with LOG.open("a") as file:
        file.write(" ".join(map(str, words)) + "\n")


class Panel(scripts.Script):
    def title(self):
        return "Test Panel"

    def show(self, is_img2img):
        return scripts.AlwaysVisible

    def ui(self, is_img2img):
        with gr.Accordion("Test Panel", open=True, elem_id=self.elem_id("accordion")):
            enabled = gr.Checkbox(False, label="Panel on", elem_id=self.elem_id("enabled"))
            words = gr.Textbox("", label="Panel words", elem_id=self.elem_id("words"))
            choice = gr.Dropdown(["a", "b"], value="a", label="Panel choice", elem_id=self.elem_id("choice"))
            more = gr.Button("More choices", elem_id=self.elem_id("more"))
            kept = gr.State({"plain": (1, 2)})
        more.click(lambda: gr.Dropdown.update(choices=["c", "d"], value="d"), None, [choice])
        self.infotext_fields = [(enabled, "Panel on"), (words, lambda fields: fields.get("Panel words"))]
        self.paste_field_names = ["Panel on", "Panel words"]
        return enabled, words, choice, kept

    def process(self, p, enabled, words, choice, kept):
        note("process", enabled, words, choice, kept)
        if enabled:
            p.extra_generation_params["Panel on"] = True
            p.extra_generation_params["Panel words"] = words


class MadeEarly(scripts.Script):
    """Its components are made before the page, and drawn in it."""

    def __init__(self):
        self.box = gr.Checkbox(label="Made early")
        self.frame = gr.Accordion("Early frame", open=True)

    def title(self):
        return "Made Early"

    def show(self, is_img2img):
        return scripts.AlwaysVisible

    def ui(self, is_img2img):
        with self.frame.render():
            self.box.render()
        return [self.box]


class Chosen(scripts.Script):
    def title(self):
        return "Test Script"

    def ui(self, is_img2img):
        return [gr.Textbox("three", label="Script words", elem_id=self.elem_id("words"))]

    def run(self, p, words):
        note("run", words)
        p.prompt = words
        return process_images(p)


def on_ui_settings():
    section = ("test_panel", "Test Panel")
    options.categories.register_category("test_category", "Test category")
    shared.opts.add_option("test_panel_word", shared.OptionInfo("first", "Panel word", section=section))
    limits = {"minimum": 0, "maximum": 9, "step": 1}
    info = shared.OptionInfo(
        3, "Panel number", gr.Slider, limits, section=section, category_id="test_category"
    )
    info.info("of the test")
    shared.opts.add_option("test_panel_number", info)
    shared.opts.onchange("test_panel_word", lambda: note("onchange", shared.opts.test_panel_word), call=False)


def find_paint(masked, sketch):
    """What is at two places of the canvas with a mask, and of the one that is painted on."""
    if masked is None or sketch is None:
        return f"nothing {masked} {sketch}"
    inside, outside = (9, 9), (40, 40)
    told = [(masked["mask"].getpixel(at)[0], masked["image"].getpixel(at)) for at in (inside, outside)]
    return f"{told} {sketch.getpixel(inside)} {sketch.getpixel(outside)}"


def on_ui_tabs():
    note("fields", ui.txt2img_paste_fields[0][1], len(ui.img2img_paste_fields) > 2)
    with gr.Blocks(analytics_enabled=False) as blocks:
        text = gr.Textbox("a cat\nSteps: 7, Panel on: True, Panel words: sent", elem_id="test_tab_text")
        button = gr.Button("Echo", elem_id="test_tab_echo")
        answer = gr.Textbox("", elem_id="test_tab_answer")
        button.click(lambda value: f"heard {len(value)}", [text], [answer])
        image = gr.Image(type="pil", label="Test picture", elem_id="test_tab_image")
        make = gr.Button("Make", elem_id="test_tab_make")
        make.click(lambda: Image.new("RGB", (48, 40), "red"), None, [image])
        with gr.Row(elem_id="test_tab_buttons"):
            buttons = infotext_utils.create_buttons(["txt2img", "img2img", "inpaint", "extras"])
        infotext_utils.bind_buttons(buttons, image, text)
        draw = gr.Button("Draw", elem_id="test_tab_draw")
        draw.click(lambda: Image.new("RGB", (56, 72), "blue"), None, [CANVASES["img2img_image"]])
        look = gr.Button("Look", elem_id="test_tab_look")
        look.click(
            lambda words, seen: (
                f"{words} {type(seen).__name__} {seen and (seen.size, seen.getpixel((9, 9)))}"
            ),
            [text, CANVASES["img2img_image"]],
            [answer],
            # As in Gradio 3 a script gets the picture as a text, and may give it on.
            _js="(words, seen) => [seen ? seen.slice(0, 10) : 'nothing', seen]",
        )
        painted = [CANVASES["img2maskimg"], CANVASES["img2img_sketch"]]
        both = gr.Button("Draw both", elem_id="test_tab_draw_both")
        both.click(lambda: [Image.new("RGB", (56, 72), "blue")] * 2, None, painted)
        find = gr.Button("Find paint", elem_id="test_tab_find_paint")
        find.click(find_paint, painted, [answer])
    return [(blocks, "Test Tab", "test_tab")]


def on_train_tabs(params):
    with gr.Tab("Test Train", elem_id="test_train"):
        gr.Textbox("train", elem_id="test_train_text")


def on_app_started(demo, app):
    note("app_started", demo is not None)

    @app.get("/test-panel/hello")
    def hello():
        return {"hello": shared.opts.test_panel_word}


def on_infotext_pasted(text, fields):
    note("pasted", fields.get("Steps"))


def on_after_component(component, **kwargs):
    if kwargs.get("elem_id") in ("txt2img_prompt", "img2img_gallery"):
        note("after_component", kwargs["elem_id"])
    if kwargs.get("elem_id") in ("img2img_image", "img2maskimg", "img2img_sketch"):
        assert isinstance(component, gr.Image)
        assert component.elem_id not in CANVASES
        CANVASES[component.elem_id] = component


script_callbacks.on_ui_settings(on_ui_settings)
script_callbacks.on_ui_tabs(on_ui_tabs)
script_callbacks.on_ui_train_tabs(on_train_tabs)
script_callbacks.on_app_started(on_app_started)
script_callbacks.on_infotext_pasted(on_infotext_pasted)
script_callbacks.on_after_component(on_after_component)
script_callbacks.on_before_ui(lambda: note("before_ui"))
