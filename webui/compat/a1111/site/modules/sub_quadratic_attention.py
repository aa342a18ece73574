"""Attention in chunks, by torch's own, which needs little memory."""
# pyright: basic

from torch.nn.functional import scaled_dot_product_attention


def efficient_dot_product_attention(query, key, value, *args, **kwargs):
    """(heads of a batch, tokens, width)."""
    return scaled_dot_product_attention(query, key, value)


def narrow_trunc(input, dim, start, length):
    return input.narrow(dim, start, min(length, input.shape[dim] - start))
