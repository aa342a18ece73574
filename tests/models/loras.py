"""LoRA files made for tests."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from tests.models.small_checkpoints import write
from webui.core.model_file import Family, ModelFile, ModelKind
from webui.models.loaded_model import LoadedModel
from webui.models.loras.lora import changeable


def lora_file(path: Path, tensors: Mapping[str, Tensor], family: Family = Family.SD1) -> ModelFile:
    """A LoRA on disk, as a catalog would tell of it."""
    write(path, dict(tensors))
    stat = path.stat()
    return ModelFile(
        path=path,
        name=path.name,
        kind=ModelKind.LORA,
        family=family,
        size=stat.st_size,
        mtime_ns=stat.st_mtime_ns,
    )


def matrices(model: LoadedModel) -> dict[str, torch.Size]:
    """Layers of a checkpoint that LoRAs are trained for, by kohya's names, with their weights' shapes."""
    found = {}
    parts = [("lora_unet_", model.network.unet)]
    towers = model.text_encoder.towers
    for number, tower in enumerate(towers, start=1):
        prefix = "lora_te_" if len(towers) == 1 else f"lora_te{number}_"
        parts.append((f"{prefix}text_model_", tower.text_model))
    for prefix, module in parts:
        for name, layer in changeable(module):
            if layer.weight.ndim > 1 and "embedding" not in name:
                found[prefix + name.replace(".", "_")] = layer.weight.shape
    return found


def random_lora(shapes: Mapping[str, torch.Size], rank: int = 2, seed: int = 0) -> dict[str, Tensor]:
    """A plain LoRA for layers of these shapes, in kohya's names."""
    generator = torch.Generator().manual_seed(seed)
    tensors: dict[str, Tensor] = {}
    for name, shape in shapes.items():
        down = torch.randn((rank, *shape[1:]), generator=generator) * 0.1
        up_shape = (shape[0], rank, *[1] * (len(shape) - 2))
        tensors[f"{name}.lora_down.weight"] = down
        tensors[f"{name}.lora_up.weight"] = torch.randn(up_shape, generator=generator) * 0.1
        tensors[f"{name}.alpha"] = torch.tensor(1.0)
    return tensors
