# pyright: basic
"""Formulas of LoRA-like files, as A1111's Lora extension has them."""

import torch

from webui.compat.a1111.facades.stand_ins import absent


def make_weight_cp(t, wa, wb):
    """A convolution's weight from its core t and two factors (Yeh et al. 2023, LoHa with CP)."""
    return torch.einsum("ijkl,jr,ip->prkl", t, wb, wa)


def rebuild_conventional(up, down, shape, dyn_dim=None):
    """The product of two factors, of their first `dyn_dim` ranks alone if it is given."""
    up, down = up.reshape(up.size(0), -1), down.reshape(down.size(0), -1)
    if dyn_dim is not None:
        up, down = up[:, :dyn_dim], down[:dyn_dim]
    return (up @ down).reshape(shape)


def rebuild_cp_decomposition(up, down, mid):
    """A convolution's weight from two factors and what is between them."""
    up, down = up.reshape(up.size(0), -1), down.reshape(down.size(0), -1)
    return torch.einsum("nmkl,in,mj->ijkl", mid, up, down)


def factorization(dimension, factor=-1):
    """Two factors of a number, the smaller first: the closest to each other, the smaller at most `factor`."""
    if factor > 0 and dimension % factor == 0:
        return tuple(sorted((factor, dimension // factor)))
    most = dimension if factor < 0 else factor
    smaller = max(n for n in range(1, int(dimension**0.5) + 1) if dimension % n == 0 and n <= most)
    return smaller, dimension // smaller


def __getattr__(name):
    absent("lyco_helpers", name)
