"""Names of a ControlNet's tensors: those of its authors' code (`cldm`) turned into diffusers'.

Only names change, so every tensor is the file's own, not a copy. Names that are not in the table stay as they
are: those of a union network's own parts are the same in both.
"""

import re
from collections.abc import Iterator, Mapping

from torch import Tensor

from webui.plugins import RESIDUAL_NAMES, UNET_NAMES

# A whole checkpoint with its ControlNet keeps the latter under this name.
CLDM_PREFIX = "control_model."
# Names outside the blocks, cldm -> diffusers: the U-Net's encoder has the same.
OUTER_NAMES = {name: own for name, own in UNET_NAMES.items() if not name.startswith("out.")} | {
    "label_emb.0.0": "class_embedding.linear_1",
    "label_emb.0.2": "class_embedding.linear_2",
    "middle_block_out.0": "controlnet_mid_block",
}
# diffusers puts SDXL's vector together inside; here it comes whole, as the class embedding takes it.
VECTOR_NAMES = {"add_embedding.": "class_embedding."}


def is_cldm(names: Mapping[str, object]) -> bool:
    """Whether tensors bear the names of the authors' code, with or without their prefix."""
    return any(name.removeprefix(CLDM_PREFIX).startswith(("input_blocks.", "zero_convs.")) for name in names)


def to_diffusers_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A ControlNet's tensors, in either layout, under diffusers' names; what is not the ControlNet's is left
    out of files that hold a whole checkpoint.
    """
    if any(name.startswith(CLDM_PREFIX) for name in tensors):
        tensors = {
            name.removeprefix(CLDM_PREFIX): tensor
            for name, tensor in tensors.items()
            if name.startswith(CLDM_PREFIX)
        }
    if is_cldm(tensors):
        modules = OUTER_NAMES | dict(_block_names(tensors)) | dict(_hint_names(tensors))
        tensors = {_rename(name, modules): tensor for name, tensor in tensors.items()}
    return {_rename_vector(name): tensor for name, tensor in tensors.items()}


def _block_names(names: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Pairs of (cldm, diffusers) block names, walking the encoder from its input."""
    level = block = 0
    for index in range(1, _count(names, r"input_blocks\.(\d+)\.")):
        if f"input_blocks.{index}.0.op.weight" in names:
            yield f"input_blocks.{index}.0.op", f"down_blocks.{level}.downsamplers.0.conv"
            level, block = level + 1, 0
            continue
        yield f"input_blocks.{index}.0", f"down_blocks.{level}.resnets.{block}"
        yield f"input_blocks.{index}.1", f"down_blocks.{level}.attentions.{block}"
        block += 1
    has_attention = "middle_block.1.norm.weight" in names
    yield "middle_block.0", "mid_block.resnets.0"
    yield "middle_block.1", "mid_block.attentions.0" if has_attention else "mid_block.resnets.1"
    yield "middle_block.2", "mid_block.resnets.1"
    for index in range(_count(names, r"zero_convs\.(\d+)\.")):
        yield f"zero_convs.{index}.0", f"controlnet_down_blocks.{index}"


def _hint_names(names: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Pairs for the hint's own path: the first convolution, those between, the last."""
    found = {int(match[1]) for name in names if (match := re.match(r"input_hint_block\.(\d+)\.", name))}
    layers = sorted(found)
    for place, index in enumerate(layers):
        ends = {layers[0]: "conv_in", layers[-1]: "conv_out"}
        name = ends.get(index, f"blocks.{place - 1}")
        yield f"input_hint_block.{index}", f"controlnet_cond_embedding.{name}"


def _count(names: Mapping[str, object], pattern: str) -> int:
    """One more than the highest number at a pattern's group."""
    return max((int(match[1]) + 1 for name in names if (match := re.match(pattern, name))), default=0)


def _rename(name: str, modules: Mapping[str, str]) -> str:
    parts = name.split(".")
    for length in (4, 3, 2):
        block = ".".join(parts[:length])
        if block in modules:
            inner = ".".join(parts[length:-1])
            inner = RESIDUAL_NAMES.get(inner, inner)
            return ".".join(part for part in (modules[block], inner, parts[-1]) if part)
    return name


def _rename_vector(name: str) -> str:
    for old, new in VECTOR_NAMES.items():
        if name.startswith(old):
            return new + name.removeprefix(old)
    return name
