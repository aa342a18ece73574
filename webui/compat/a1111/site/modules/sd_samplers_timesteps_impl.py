"""The functions of timestep samplers."""
# pyright: basic

from webui.compat.a1111.denoising.native import native_function

ddim = native_function("ddim")
ddim_cfgpp = native_function("ddim_cfgpp")
plms = native_function("plms")
unipc = native_function("unipc")
