"""What a LoRA's mark in the prompt says of blocks and steps."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from extensions.lora_blocks.blocks import layers_of, read_weights

if TYPE_CHECKING:
    from webui.plugins import LoraChoice

LAST_STEP = 10_000
STEP_KEYS = ("start", "stop", "step")
_RANGE = re.compile(r"(\d{1,4})-(\d{1,4})")


@dataclass(frozen=True, slots=True)
class ReadChoice:
    """A LoRA with its blocks and steps, and what of them could not be read."""

    choice: "LoraChoice"
    warnings: tuple[str, ...] = ()


def read_choice(choice: "LoraChoice", presets: Mapping[str, str]) -> ReadChoice:
    """A LoRA with `lbw=…` or a list of weights, and `start=`, `stop=`, `step=from-to`, read."""
    named, warnings = dict(choice.named), list[str]()
    written = named.get("lbw", choice.unknown[0] if choice.unknown else "")
    layers, steps = choice.layers, choice.steps
    try:
        layers = layers_of(read_weights(written, presets)) if written else layers
    except ValueError as error:
        warnings.append(f"The LoRA {choice.name!r} is used with all its blocks: {error}.")
    try:
        steps = read_steps(named) or steps
    except ValueError as error:
        warnings.append(f"The LoRA {choice.name!r} is used in all steps: {error}.")
    return ReadChoice(replace(choice, layers=layers, steps=steps, unknown=()), tuple(warnings))


def read_steps(named: Mapping[str, str]) -> tuple[int, int] | None:
    """The first and last step, counted from 1; None for all. Raises ValueError with a sentence."""
    if not any(key in named for key in STEP_KEYS):
        return None
    first, last = named.get("start", "0"), named.get("stop", str(LAST_STEP))
    if "step" in named:
        found = _RANGE.fullmatch(named["step"].strip())
        if found is None:
            raise ValueError(f"step={named['step']} is no range of steps. Write step=3-8")
        first, last = found[1], found[2]
    for key, number in (("start", first), ("stop", last)):
        if not number.strip().isdecimal():
            raise ValueError(f"{key}={number} is no step. Write {key}=8")
    return int(first), int(last)
