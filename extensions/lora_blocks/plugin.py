"""LoRA block weights and step ranges: `<lora:name:1:lbw=OUTALL:start=2:stop=8>`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from webui.plugins import hookimpl

if TYPE_CHECKING:
    from webui.plugins import Batch, Context, Denoising, NetworkChoices

READ_HERE = ("lbw", "start", "stop", "step")


@hookimpl
def change_networks(choices: NetworkChoices, batch: Batch, context: Context) -> NetworkChoices | None:
    """Read blocks and steps of the LoRAs that a prompt names."""
    if not any(each.unknown or set(READ_HERE) & set(dict(each.named)) for each in choices.loras):
        return None
    from extensions.lora_blocks.blocks import read_presets  # with the first LoRA that has blocks
    from extensions.lora_blocks.reading import read_choice

    paths = context.paths
    presets = read_presets([paths.root, paths.data]) if paths else {}
    read = [read_choice(each, presets) for each in choices.loras]
    warnings = tuple(text for each in read for text in each.warnings)
    return replace(
        choices, loras=tuple(each.choice for each in read), warnings=(*choices.warnings, *warnings)
    )


@hookimpl
def prepare_denoising(denoising: Denoising, context: Context) -> None:
    """Switch LoRAs that have steps."""
    networks = context.models.networks_on(denoising.network)
    if networks is None or not any(each.steps for each in networks.in_use):
        return
    from extensions.lora_blocks.switching import StepSwitch  # with the first LoRA that has steps

    switch = StepSwitch(denoising, networks, networks.in_use)
    denoising.before_evaluation.append(switch)
    denoising.resources.callback(switch.restore)
