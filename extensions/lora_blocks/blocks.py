"""Blocks of the U-Net, as artists give a LoRA's weights for them, and named sets of weights."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

INPUTS = tuple(f"IN{number:02}" for number in range(12))
OUTPUTS = tuple(f"OUT{number:02}" for number in range(12))
ALL_BLOCKS = ("BASE", *INPUTS, "MID", *OUTPUTS)
# Where LoRAs of SD1 and SDXL change attention only, blocks without attention are not given.
SD1_ATTENTION = (1, 2, 4, 5, 7, 8)
SDXL_ATTENTION = (4, 5, 7, 8)
# What a list of so many weights is for: LoRA and LoCon of SD1 and SD2, then of SDXL.
BLOCKS_BY_COUNT: Mapping[int, tuple[str, ...]] = {
    17: ("BASE", *(INPUTS[each] for each in SD1_ATTENTION), "MID", *OUTPUTS[3:]),
    26: ALL_BLOCKS,
    12: ("BASE", *(INPUTS[each] for each in SDXL_ATTENTION), "MID", *OUTPUTS[:6]),
    20: ("BASE", *INPUTS[:9], "MID", *OUTPUTS[:9]),
}
# Blocks that the sets of the community's extension use, beside BASE.
SETS: Mapping[str, tuple[str, ...]] = {
    "INS": INPUTS[:4],
    "IND": INPUTS[5:],
    "INALL": INPUTS,
    "MIDD": (*INPUTS[5:], "MID", *OUTPUTS[:7]),
    "OUTD": OUTPUTS[:7],
    "OUTS": OUTPUTS[7:],
    "OUTALL": OUTPUTS,
}
PRESETS_FILE = "lbwpresets.txt"
MAX_BYTES = 2**20
Weights = Mapping[str, float]


def read_weights(written: str, presets: Mapping[str, str]) -> Weights:
    """Weights by block from a list of numbers or the name of a set. Blocks that are not there have 0.

    Raises ValueError with the sentence that says what is wrong.
    """
    name = written.strip()
    given = {key.upper(): value for key, value in presets.items()}.get(name.upper(), name)
    if "," in given:
        return read_list(given)
    upper = given.strip().upper()
    if upper in ("ALL", "NONE"):
        return dict.fromkeys(ALL_BLOCKS, float(upper == "ALL"))
    if upper == "ALL0.5":
        return dict.fromkeys(ALL_BLOCKS, 0.5)
    if upper in SETS:
        return dict.fromkeys(("BASE", *SETS[upper]), 1.0)
    known = ", ".join((*presets, "ALL", "NONE", *SETS))
    raise ValueError(
        f"there is no set of block weights named {name!r}. Here are {known}; more go into {PRESETS_FILE}"
    )


def read_list(written: str) -> Weights:
    """Weights by block from numbers with commas between them. Raises ValueError as `read_weights`."""
    pieces = [piece.strip() for piece in written.split(",")]
    blocks = BLOCKS_BY_COUNT.get(len(pieces))
    if blocks is None:
        raise ValueError(
            f"there are {len(pieces)} block weights. A LoRA has 17 (SD1) or 12 (SDXL), a LoCon 26 or 20"
        )
    try:
        numbers = [float(piece) for piece in pieces]
    except ValueError:
        numbers = [math.nan]
    if not all(math.isfinite(number) for number in numbers):
        raise ValueError(f"{written!r} are no block weights. Write numbers with commas between them")
    if all(number == 1 for number in numbers):
        return dict.fromkeys(ALL_BLOCKS, 1.0)
    return dict(zip(blocks, numbers, strict=True))


def layers_of(weights: Weights) -> tuple[tuple[str, float], ...]:
    """Beginnings of layers' names in the original code and what their weights are multiplied by; none where
    nothing changes.
    """
    if all(weights.get(block) == 1 for block in ALL_BLOCKS):
        return ()
    return tuple((beginning_of(block), weights.get(block, 0.0)) for block in ALL_BLOCKS)


def beginning_of(block: str) -> str:
    """How the names of a block's layers begin."""
    if block == "BASE":
        return "text"
    if block == "MID":
        return "middle_block."
    kind = "input_blocks" if block.startswith("IN") else "output_blocks"
    return f"{kind}.{int(block[-2:])}."


def read_presets(folders: Sequence[Path]) -> Mapping[str, str]:
    """Sets of weights by name from the files that artists write: `NAME:1,0,0,…`, one a line."""
    found: dict[str, str] = {}
    for folder in folders:
        file = folder / PRESETS_FILE
        if file.is_file() and file.stat().st_size <= MAX_BYTES:
            for line in file.read_text("utf-8-sig", errors="replace").splitlines():
                name, mark, weights = line.partition(":")
                if mark and name.strip() and not name.lstrip().startswith("#"):
                    found[name.strip()] = weights.strip()
    return found
