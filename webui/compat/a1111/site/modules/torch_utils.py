"""What a network's weights are."""
# pyright: basic

import torch


def get_param(model):
    """One of a network's weights: all are alike in format and place. Raises ValueError without any."""
    inner = getattr(model, "model", None)
    network = inner if inner is not None and hasattr(inner, "parameters") else model
    for param in network.parameters():
        return param
    raise ValueError(f"No weights were found in {type(model).__name__}.")


def float64(t):
    """The widest numbers that a tensor's device has."""
    return torch.float32 if t.device.type in ("mps", "xpu") else torch.float64
