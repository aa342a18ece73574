"""Which device computes. Loads no networks' classes: the start of the program asks."""

import torch

from webui.core.flags import Flags


def choose_device(flags: Flags) -> torch.device:
    """The device to compute on: a CUDA card, Apple's, or the processor."""
    if "all" in flags.use_cpu:
        return torch.device("cpu")
    if torch.cuda.is_available():
        return torch.device("cuda", flags.device_id or 0)
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")
