"""txt2img by A1111's positional arguments."""
# pyright: basic

from webui.compat.a1111.facades.stand_ins import absent
from webui.compat.a1111.running import page_calls

txt2img = txt2img_function = page_calls.run_txt2img
txt2img_create_processing = page_calls.create_txt2img
txt2img_upscale = txt2img_upscale_function = page_calls.upscale_from_txt2img


def __getattr__(name):
    absent(__name__, name)
