"""Seconds that a rank-32 LoRA over the whole U-Net of SD1.5 costs, beside the usual way in the same run.

    python -m benchmarks.loras CHECKPOINT [--rounds 5]

Measured is what an artist waits for: applying the change, and by how much the next step then takes longer
than a warm one (weights that changed have to be packed again). The steps are at 64x64 pixels, where the
weights are most of the work. The peer does what A1111 does: it copies the weights it will change, adds the
product of each pair of matrices in 32 bits, and copies the weights back.
"""

import argparse
import os
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from benchmarks.meter import Timing, describe_machine, peak_gib, report, say, timed
from benchmarks.speed import CPU, catalog_of, seeded, without_private
from webui.models.cpu.precision import NumberFormats
from webui.models.loaded_model import LoadedModel
from webui.models.loader import load
from webui.models.manager import ModelManager
from webui.prompts.networks import LoraChoice, NetworkChoices

RANK = 32
NAME = "benchmark-rank-32"


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    describe_machine(chosen.threads)
    lora = chosen.checkpoint.parent / f"{NAME}.safetensors"
    manager = ModelManager(catalog_of(chosen.checkpoint), CPU, 2**40)
    with manager.use(chosen.checkpoint.name) as sd, torch.no_grad():
        say(f"auto chose {sd.numbers}")
        if not lora.exists():
            save_file(make_lora(sd.network.unet), lora)
        manager.catalog.scan()
        ways = {"Atelier": Ours(manager, sd, lora), "usual": Peer(sd, lora)}
        found: dict[str, dict[str, list[Waiting]]] = {}
        for _ in range(chosen.rounds + 1):
            for name, way in ways.items():
                for what, work in way.works().items():
                    found.setdefault(what, {}).setdefault(name, []).append(Waiting.for_(work, way.step))
    # The first round sets everything up.
    warm = {name: [each.step for each in rounds[1:]] for name, rounds in found.pop("warm step").items()}
    for what, measured in found.items():
        added = {
            name: [each.added(middle(warm[name])) for each in rounds[1:]] for name, rounds in measured.items()
        }
        report(f"{what}: what applying it and the next step take longer than a warm step", added, "usual")
    say(f"peak memory of the process, both models in it: {peak_gib():.2f} GiB")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A change, and the step after it."""

    change: Timing
    step: Timing

    @classmethod
    def for_(cls, change: Callable[[], object], step: Callable[[], object]) -> "Waiting":
        """Do both."""
        return cls(timed(change), timed(step))

    def added(self, warm: Timing) -> Timing:
        """What is left of both without the step itself."""
        return Timing(
            self.change.seconds + self.step.seconds - warm.seconds,
            self.change.processor_seconds + self.step.processor_seconds - warm.processor_seconds,
            max(self.change.foreign_cores, self.step.foreign_cores),
        )


def middle(timings: list[Timing]) -> Timing:
    """The medians."""
    return Timing(
        statistics.median(each.seconds for each in timings),
        statistics.median(each.processor_seconds for each in timings),
        max(each.foreign_cores for each in timings),
    )


def changeable(unet: UNet2DConditionModel) -> dict[str, nn.Module]:
    """Its linear layers and convolutions."""
    return {name: layer for name, layer in unet.named_modules() if isinstance(layer, nn.Linear | nn.Conv2d)}


def make_lora(unet: UNet2DConditionModel) -> dict[str, Tensor]:
    """Random matrices with kohya's names, in float16."""
    generator = torch.Generator().manual_seed(1)
    tensors: dict[str, Tensor] = {}
    for name, layer in changeable(unet).items():
        outputs, inputs, *kernel = layer.get_parameter("weight").shape
        key = f"lora_unet_{name.replace('.', '_')}"
        ones = [1] * len(kernel)
        down = torch.randn((RANK, inputs, *kernel), generator=generator) * 0.01
        up = torch.randn((outputs, RANK, *ones), generator=generator) * 0.01
        tensors |= {f"{key}.lora_down.weight": down.half(), f"{key}.lora_up.weight": up.half()}
        tensors[f"{key}.alpha"] = torch.tensor(float(RANK))
    return tensors


class Ours:
    """The program's own way."""

    def __init__(self, manager: ModelManager, sd: LoadedModel, lora: Path) -> None:
        self.manager, self.sd, self.lora = manager, sd, lora
        self.latent, self.text = seeded(2, 4, 8, 8), seeded(2, 77, 768)

    def step(self) -> None:
        """One evaluation of the network."""
        self.sd.network(self.latent, torch.tensor([500.0, 500.0]), self.text)

    def use(self, *weights: float) -> Callable[[], object]:
        """Apply the LoRA with a weight, or none, as each picture does."""
        choices = NetworkChoices(tuple(LoraChoice(NAME, weight, weight) for weight in weights))

        def apply() -> None:
            with self.manager.use(self.sd.file.name) as sd:
                assert sd is self.sd
                self.manager.networks.activate(sd, choices)

        return apply

    def works(self) -> dict[str, Callable[[], object]]:
        """What is measured, in this order."""
        return {
            "warm step": self.renew,
            "first use": self.use(0.8),
            "new weight": self.use(0.6),
            "removal": self.use(),
        }

    def renew(self) -> None:
        """Make the file one that was never read."""
        os.utime(self.lora)
        self.manager.catalog.scan()


class Peer:
    """Plain layers whose weights are copied, added to and copied back."""

    def __init__(self, sd: LoadedModel, lora: Path) -> None:
        dtype = sd.numbers.network
        plain = load(sd.file, NumberFormats(dtype, dtype, dtype, channels_last=True), CPU)
        with torch.device("meta"):
            unet = UNet2DConditionModel(**without_private(plain.network.unet.config)).eval()
        unet.load_state_dict(plain.network.unet.state_dict(), assign=True)
        self.unet = unet.to(memory_format=torch.channels_last)
        self.lora, self.dtype = lora, dtype
        self.kept: dict[nn.Module, Tensor] = {}
        self.latent = seeded(2, 4, 8, 8).to(dtype).contiguous(memory_format=torch.channels_last)
        self.text = seeded(2, 77, 768).to(dtype)

    def step(self) -> None:
        """One evaluation of the network."""
        self.unet(self.latent, torch.tensor([500.0, 500.0]), self.text, return_dict=False)

    def use(self, strength: float) -> None:
        """Apply the LoRA."""
        tensors = load_file(self.lora)
        for name, layer in changeable(self.unet).items():
            key, weight = f"lora_unet_{name.replace('.', '_')}", layer.get_parameter("weight")
            if layer not in self.kept:
                self.kept[layer] = weight.detach().clone()
            up = tensors[f"{key}.lora_up.weight"].float().flatten(1)
            down = tensors[f"{key}.lora_down.weight"].float().flatten(1)
            scale = float(tensors[f"{key}.alpha"]) / down.shape[0] * strength
            weight.copy_(self.kept[layer])
            weight.add_(((up @ down).reshape(weight.shape) * scale).to(self.dtype))

    def remove(self) -> None:
        """Copy the weights back."""
        for layer, kept in self.kept.items():
            layer.get_parameter("weight").copy_(kept)

    def forget(self) -> None:
        """As if no LoRA had been there."""
        self.remove()
        self.kept.clear()

    def works(self) -> dict[str, Callable[[], object]]:
        """What is measured, in this order."""
        return {
            "warm step": self.forget,
            "first use": lambda: self.use(0.8),
            "new weight": lambda: self.use(0.6),
            "removal": self.remove,
        }


if __name__ == "__main__":
    main()
