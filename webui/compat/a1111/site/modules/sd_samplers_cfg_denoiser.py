"""The denoiser."""
# pyright: basic

from webui.compat.a1111.denoising.cfg_denoiser import (  # noqa: F401
    CFGDenoiser,
    catenate_conds,
    pad_cond,
    subscript_cond,
)
