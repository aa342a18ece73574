"""Tensors of a model file, mapped and not copied where the format allows."""

from collections.abc import Collection, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from webui.core.errors import UnusableFile
from webui.core.lack_of_memory import is_lack_of_memory
from webui.library.files.headers import DIFFUSERS_PARTS, diffusers_weight_files, is_pickle
from webui.models.files.pickles import flat_tensors, load_pickle
from webui.models.files.utf8_paths import utf8_path


def open_tensors(path: Path) -> dict[str, Tensor]:
    """Every tensor of a file or diffusers folder (names as in its header) on the CPU, in its own dtype."""
    if path.is_dir():
        files = [(part, file) for part in DIFFUSERS_PARTS for file in diffusers_weight_files(path / part)]
        return {f"{part}/{key}": tensor for part, file in files for key, tensor in open_tensors(file).items()}
    with path.open("rb") as file:
        start = file.read(16)
    if is_pickle(start):
        return flat_tensors(load_pickle(path), path.name)
    try:
        with utf8_path(path) as named:
            return load_file(named)
    except (SafetensorError, OSError, ValueError) as error:
        if is_lack_of_memory(error):
            raise
        raise UnusableFile(f"{path.name} cannot be read as a safetensors file. Download it again.") from error


def part_of(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Tensors whose names start with a prefix, which is taken off."""
    return {key[len(prefix) :]: tensor for key, tensor in tensors.items() if key.startswith(prefix)}


def shapes_of(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    """Shapes by name."""
    return {key: tuple(tensor.shape) for key, tensor in tensors.items()}


def fill_module(
    module: nn.Module,
    tensors: Mapping[str, Tensor],
    part: str,
    *,
    dtype: torch.dtype,
    device: torch.device,
    as_stored: Collection[str] = (),
) -> None:
    """Put tensors in place of a module's empty ones; those of the right dtype and device are not copied.

    Tensors named in `as_stored` keep their dtype. `part` names file and part in the sentence that says what
    is missing.
    """
    wanted = module.state_dict()
    missing = sorted(set(wanted) - set(tensors))
    if missing:
        shown = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
        raise UnusableFile(f"{part} is incomplete: {shown} missing. Download the file again.")
    for name, empty in wanted.items():
        if tensors[name].shape != empty.shape:
            raise UnusableFile(
                f"{part} has an unknown architecture: {name} is {tuple(tensors[name].shape)}, "
                f"not {tuple(empty.shape)}. It cannot be used here."
            )
    placed = {
        name: tensors[name].to(device, tensors[name].dtype if name in as_stored else dtype) for name in wanted
    }
    module.load_state_dict(placed, assign=True)
    module.requires_grad_(False)
