"""Reading the file that a run goes on from."""

from pathlib import Path

import torch
from torch import Tensor, nn

from webui.models.files.tensors import open_tensors
from webui.models.loras.lora import layer_names
from webui.models.loras.lora_keys import sort_tensors
from webui.training.networks import TrainingNetworks

# Parts of a layer as webui.models.loras calls them, and as files end.
ENDS = {"down": "lora_down.weight", "up": "lora_up.weight", "magnitude": "dora_scale"}


def read_layers_of(path: Path, networks: TrainingNetworks) -> dict[nn.Module, dict[str, Tensor]]:
    """A file's tensors by layer, whatever trainer wrote it. Raises UnusableFile."""
    names = layer_names(networks.model.network, networks.model.text_encoder, torch.float32)
    found: dict[nn.Module, dict[str, Tensor]] = {}
    for written, given in sort_tensors(open_tensors(path)).layers.items():
        layer = names.find(written)
        if layer is not None:
            found[layer.module] = {ENDS.get(part, part): tensor for part, tensor in given.parts.items()}
    return found
