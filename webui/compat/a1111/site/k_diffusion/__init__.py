"""k-diffusion by its names, over this program's samplers."""
# pyright: basic

from k_diffusion import external, sampling, utils  # noqa: F401
