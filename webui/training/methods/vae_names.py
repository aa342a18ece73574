"""An autoencoder's tensors under the names of the original single file."""

import re
from collections.abc import Mapping

from torch import Tensor

from webui.models.architectures.vae import ATTENTION_NAMES

_LEVEL = re.compile(r"^(encoder|decoder)\.(down|up)_blocks\.(\d+)\.resnets\.(\d+)\.(.+)$")
_RESAMPLER = re.compile(r"^(encoder|decoder)\.(down|up)_blocks\.(\d+)\.(?:down|up)samplers\.0\.(.+)$")
_MIDDLE = re.compile(r"^(encoder|decoder)\.mid_block\.(resnets|attentions)\.(\d+)\.(.+)$")
# The first four names are those that diffusers has today.
_ATTENTION = {own: name for name, own in list(ATTENTION_NAMES.items())[:5]} | {
    old: {"query": "q", "key": "k", "value": "v", "proj_attn": "proj_out"}[old]
    for old in ("query", "key", "value", "proj_attn")
}
MATRIX_AXES = 2


def to_original_vae(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """From diffusers' names; matrices of attention become convolutions of single pixels."""
    levels = 1 + max((int(match[3]) for name in tensors if (match := _LEVEL.match(name))), default=0)
    found: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        original = _original_name(name, levels)
        is_matrix = ".mid.attn_" in original and tensor.ndim == MATRIX_AXES
        found[original] = tensor[:, :, None, None] if is_matrix else tensor
    return found


def _original_name(name: str, levels: int) -> str:
    if match := _LEVEL.match(name):
        part, way, level, block, rest = match.groups()
        rest = rest.replace("conv_shortcut.", "nin_shortcut.")
        return f"{part}.{way}.{_level(way, level, levels)}.block.{block}.{rest}"
    if match := _RESAMPLER.match(name):
        part, way, level, rest = match.groups()
        return f"{part}.{way}.{_level(way, level, levels)}.{way}sample.{rest}"
    if match := _MIDDLE.match(name):
        part, what, number, rest = match.groups()
        if what == "resnets":
            return f"{part}.mid.block_{int(number) + 1}.{rest}"
        inner, _, end = rest.rpartition(".")
        return f"{part}.mid.attn_{int(number) + 1}.{_ATTENTION.get(inner, inner)}.{end}"
    return name.replace(".conv_norm_out.", ".norm_out.")


def _level(way: str, level: str, levels: int) -> int:
    """The original numbers a decoder's levels from the finest, diffusers from the coarsest."""
    return int(level) if way == "down" else levels - 1 - int(level)
