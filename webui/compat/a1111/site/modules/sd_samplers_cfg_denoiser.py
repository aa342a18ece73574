"""The denoiser."""
# pyright: basic

from webui.compat.a1111.denoising.cfg_denoiser import (  # noqa: F401
    CFGDenoiser,
    catenate_conds,
    pad_cond,
    subscript_cond,
)


def __getattr__(name):
    from webui.compat.a1111.facades.stand_ins import absent

    return absent(__name__, name)
