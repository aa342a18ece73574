"""Small runs on the golden checkpoints."""

import hashlib
from collections.abc import Iterable, Iterator

import torch
from torch import nn

from webui.core.events import ImageReady
from webui.core.request import GenerationRequest, make_request
from webui.models.manager import ModelManager


def request_of(**changes: object) -> GenerationRequest:
    fields = {
        "model": "tiny-sd15",
        "prompt": "a cat",
        "width": 64,
        "height": 64,
        "steps": 3,
        "sampler": "Euler",
    }
    return make_request(**fields | changes)


def digest(models: ModelManager) -> str:
    """Every weight and how every convolution pads, as one number."""
    return "".join(sorted(digest_of(held.modules()) for held in models.holder.values()))


def digest_of(modules: Iterable[nn.Module]) -> str:
    """Of some modules."""
    hasher = hashlib.sha256()
    for module in modules:
        for name, tensor in module.state_dict().items():
            hasher.update(name.encode() + tensor.contiguous().view(torch.uint8).numpy().tobytes())
        for layer in module.modules():
            hooks = len(layer._forward_hooks) + len(layer._forward_pre_hooks)
            hasher.update(f"{getattr(layer, 'padding_mode', '')}{hooks}".encode())
    return hasher.hexdigest()


def pictures(events: Iterator) -> list[ImageReady]:
    return [event for event in events if isinstance(event, ImageReady)]
