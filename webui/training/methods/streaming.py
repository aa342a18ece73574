"""Writing a large safetensors file tensor by tensor, so that it never lies in memory as a whole."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from webui.training.methods.files import replaced

# The names of formats in a safetensors header.
NAMES: Mapping[torch.dtype, str] = {
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16",
    torch.int64: "I64", torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8",
    torch.bool: "BOOL", torch.float8_e4m3fn: "F8_E4M3", torch.float8_e5m2: "F8_E5M2",
}  # fmt: skip
# The numbers begin at a multiple of this, as the format asks for.
ALIGNMENT = 8


@dataclass(frozen=True, slots=True, eq=False)
class WrittenTensor:
    """A tensor of a file to be: what the header says of it, and what makes it when its turn comes."""

    name: str
    shape: tuple[int, ...]
    dtype: torch.dtype
    make: Callable[[], Tensor]

    @property
    def size(self) -> int:
        """Bytes."""
        return torch.Size(self.shape).numel() * self.dtype.itemsize


def write_streaming(path: Path, tensors: Iterable[WrittenTensor], metadata: Mapping[str, str]) -> None:
    """Make or replace a safetensors file. Raises StorageError."""
    # Wide formats first and then by name, as safetensors itself orders them: every tensor is aligned.
    ordered = sorted(tensors, key=lambda each: (-each.dtype.itemsize, each.name))
    header: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    place = 0
    for each in ordered:
        header[each.name] = {
            "dtype": NAMES[each.dtype], "shape": each.shape, "data_offsets": (place, place + each.size),
        }  # fmt: skip
        place += each.size
    raw = json.dumps(header, separators=(",", ":")).encode()
    raw += b" " * (-len(raw) % ALIGNMENT)
    with replaced(path) as temporary, temporary.open("wb") as file:
        file.write(len(raw).to_bytes(8, "little") + raw)
        for each in ordered:
            tensor = each.make().detach().to("cpu", each.dtype).contiguous()
            assert tensor.shape == each.shape, f"{each.name} is {tuple(tensor.shape)}, not {each.shape}"
            file.write(tensor.reshape(-1).view(torch.uint8).numpy().data)
