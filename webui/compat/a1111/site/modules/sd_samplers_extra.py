"""Functions of samplers that k-diffusion does not have."""
# pyright: basic

from webui.compat.a1111.denoising.native import native_function

restart_sampler = native_function("restart_sampler")
sample_lcm = native_function("sample_lcm")
