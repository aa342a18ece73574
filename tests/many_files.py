"""Thousands of small LoRA files: a header and sparse zeros."""

import json
from pathlib import Path

BLOCK = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k"
RANK, WIDTH = 4, 768


def make_loras(folder: Path, count: int, name: str = "lora") -> None:
    """`name`-00000, `name`-00001, …; each has an alias of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        head, zeros = lora_head(RANK, f"{name} by name {number}")
        with (folder / f"{name}-{number:05}.safetensors").open("wb") as file:
            file.write(head)
            file.truncate(len(head) + zeros)


def lora_head(rank: int, alias: str = "") -> tuple[bytes, int]:
    """The header of a LoRA for SD1, and how many bytes follow it."""
    table: dict[str, object] = {"__metadata__": {"ss_output_name": alias}} if alias else {}
    place = 0
    for end, shape in (("lora_down.weight", [rank, WIDTH]), ("lora_up.weight", [320, rank])):
        size = 2 * shape[0] * shape[1]
        table[f"{BLOCK}.{end}"] = {"dtype": "F16", "shape": shape, "data_offsets": [place, place + size]}
        place += size
    text = json.dumps(table).encode()
    return len(text).to_bytes(8, "little") + text, place
