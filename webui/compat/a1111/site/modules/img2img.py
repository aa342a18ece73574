"""img2img by A1111's positional arguments, and a folder of pictures through it."""
# pyright: basic

from webui.compat.a1111.facades.stand_ins import absent
from webui.compat.a1111.running import page_calls

img2img = img2img_function = page_calls.run_img2img
process_batch = page_calls.process_batch


def __getattr__(name):
    absent(__name__, name)
