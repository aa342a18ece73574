"""Names of Gradio 3, in a process of their own, because Gradio's classes are the whole process's."""

import subprocess
import sys

from tests.ui.browser import ROOT

SCRIPT = """
import sys
import gradio as gr
import numpy as np
from PIL import Image
from webui.compat.a1111.gradio3 import install, uninstall

install()
from gradio.events import Changeable, Clickable, Focusable, Playable, Releaseable
from gradio.inputs import Slider
from gradio.outputs import HTML
from gradio.processing_utils import decode_base64_to_image, encode_array_to_base64, encode_pil_to_base64
from gradio.templates import Pil
from gradio.components import Column, Row

with gr.Blocks():
    slider, text, button, shown = gr.Slider(), gr.Textbox(), gr.Button(), gr.Label()
assert isinstance(slider, gr.events.Releaseable) and issubclass(gr.Slider, Releaseable)
assert not isinstance(text, Releaseable) and not isinstance(shown, Focusable)
assert isinstance(text, Focusable) and isinstance(button, Clickable) and isinstance(text, Changeable)
assert isinstance(gr.Video, type) and issubclass(gr.Video, Playable)

class Released(gr.Slider, Releaseable):
    pass

with gr.Blocks():
    own = Released(label="own")
assert isinstance(own, Releaseable) and isinstance(own, Released)
assert not isinstance(slider, Released)
assert Slider is gr.Slider and HTML is gr.HTML and Pil is gr.Image and (Column, Row) == (gr.Column, gr.Row)

colors = np.array([[[1, 2, 3], [250, 0, 9]]], np.uint8)
for url in (encode_array_to_base64(colors), encode_pil_to_base64(Image.fromarray(colors))):
    assert url.startswith("data:image/png;base64,")
    assert np.array_equal(np.asarray(decode_base64_to_image(url)), colors)

uninstall()
assert not hasattr(gr.events, "Releaseable") and "gradio.inputs" not in sys.modules
assert not hasattr(gr.processing_utils, "decode_base64_to_image")
print("all there")
"""


def test_names_of_gradio_3_are_there_and_go_again():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.stdout.strip().endswith("all there"), done.stderr[-2000:]
