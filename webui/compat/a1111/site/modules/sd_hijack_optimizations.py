"""Attention by the names of A1111's ways to compute it."""
# pyright: basic

import torch
from torch.nn.functional import scaled_dot_product_attention

from webui.compat.a1111.denoising.hijack import Optimization as SdOptimization  # noqa: F401


def get_xformers_flash_attention_op(q, k, v):
    """None: torch chooses."""


def get_available_vram():
    """Bytes that are free on the device."""
    if torch.cuda.is_available():
        return torch.cuda.mem_get_info()[0]
    from webui.compat.a1111.denoising.hijack import free_memory_bytes

    return free_memory_bytes()


def sub_quad_attention(
    q,
    k,
    v,
    q_chunk_size=1024,
    kv_chunk_size=None,
    kv_chunk_size_min=None,
    chunk_threshold=None,
    use_checkpoint=True,
):
    """(heads of a batch, tokens, width), by torch's attention, which needs little memory."""
    return scaled_dot_product_attention(q, k, v)


def list_optimizers(res):
    """Add those that there are."""
    from webui.compat.a1111.denoising.hijack import optimizations

    res.extend(optimizations())
