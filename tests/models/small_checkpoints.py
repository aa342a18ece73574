"""Small checkpoints of any plan in the original layout, and other files made for tests."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from webui.core.model_file import Family, ModelFile, ModelKind
from webui.library.recognise.dimensions import TextDimensions, UNetDimensions, UNetLevel, VaeDimensions
from webui.models.architectures.clip import build_clip
from webui.models.architectures.unet import RESIDUAL_NAMES, build_unet, unet_module_names
from webui.models.architectures.vae import build_vae

# As the bundled checkpoint: one block a level and no attention at the finest.
STARTER_LIKE = UNetDimensions(
    in_channels=4,
    out_channels=4,
    levels=(
        UNetLevel(32, (0,), (0, 0)),
        UNetLevel(32, (1,), (1, 1)),
        UNetLevel(64, (1,), (1, 1)),
        UNetLevel(64, (0,), (0, 0)),
    ),
    middle_depth=1,
    context=128,
    time_embedding=128,
    vector=None,
    has_linear_projections=False,
)
# The vocabulary is most of a small checkpoint: with narrow text it is 7 MB.
NARROW = replace(STARTER_LIKE, context=32)
SMALL_VAE = VaeDimensions(3, 4, (32, 32, 64, 64), 1, True, True, True)
SMALL_TEXT = TextDimensions(49408, 77, 128, 256, 3, None)


def random_tensors(module: torch.nn.Module, seed: int) -> dict[str, Tensor]:
    """Seeded numbers in the shapes of a module's state."""
    generator = torch.Generator().manual_seed(seed)
    return {
        name: torch.randn(empty.shape, generator=generator) * 0.05
        for name, empty in module.state_dict().items()
    }


def original_unet(dimensions: UNetDimensions, seed: int = 0) -> dict[str, Tensor]:
    """A U-Net's tensors under the names of the original single file."""
    names = {new: old for old, new in unet_module_names(dimensions).items()}
    inner = {new: old for old, new in RESIDUAL_NAMES.items()}
    found: dict[str, Tensor] = {}
    for name, tensor in random_tensors(build_unet(dimensions, heads=8, head_size=64), seed).items():
        block = next(new for new in sorted(names, key=len, reverse=True) if name.startswith(f"{new}."))
        rest = name.removeprefix(f"{block}.")
        module, _, end = rest.rpartition(".")
        is_residual = ".resnets." in block
        parts = (names[block], inner.get(module, module) if is_residual else module, end)
        found["model.diffusion_model." + ".".join(part for part in parts if part)] = tensor
    return found


def small_checkpoint(dimensions: UNetDimensions = STARTER_LIKE, *, vae: bool = True) -> dict[str, Tensor]:
    """A whole SD1 checkpoint's tensors, seeded; the text is as wide as the U-Net's context."""
    text, _ = build_clip(replace(SMALL_TEXT, width=dimensions.context), 1, "quick_gelu")
    tensors = original_unet(dimensions)
    tensors |= {
        f"cond_stage_model.transformer.text_model.{name}": tensor
        for name, tensor in random_tensors(text, 1).items()
    }
    if vae:
        # The autoencoder in diffusers' names, which separate VAE files have too.
        tensors |= {
            f"first_stage_model.{name}": tensor
            for name, tensor in random_tensors(build_vae(SMALL_VAE, 0.18215), 2).items()
        }
    return tensors


def model_file(path: Path) -> ModelFile:
    """What a catalog would say of a file, as far as a loader looks at it."""
    stat = path.stat()
    return ModelFile(
        path=path,
        name=path.name,
        kind=ModelKind.CHECKPOINT,
        family=Family.UNKNOWN,
        size=stat.st_size,
        mtime_ns=stat.st_mtime_ns,
    )


def write(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str] | None = None) -> Path:
    """A safetensors file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path, metadata)
    return path


def write_header_only(path: Path, shapes: Mapping[str, list[int]]) -> Path:
    """A safetensors file of these shapes whose numbers are a hole in the file: all zero, no disk space."""
    table: dict[str, object] = {}
    place = 0
    for name, shape in shapes.items():
        size = 2
        for side in shape:
            size *= side
        table[name] = {"dtype": "F16", "shape": shape, "data_offsets": [place, place + size]}
        place += size
    raw = json.dumps(table).encode()
    with path.open("wb") as file:
        file.write(len(raw).to_bytes(8, "little") + raw)
        file.truncate(8 + len(raw) + place)
    return path
