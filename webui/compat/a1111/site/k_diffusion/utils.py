"""Small things of k-diffusion's."""
# pyright: basic

import torch


def append_dims(x, target_dims):
    """x with ones behind its shape until it has so many dimensions."""
    missing = target_dims - x.ndim
    if missing < 0:
        raise ValueError(f"x has {x.ndim} dimensions, more than {target_dims}")
    return x[(...,) + (None,) * missing]


def append_zero(x):
    return torch.cat([x, x.new_zeros([1])])
