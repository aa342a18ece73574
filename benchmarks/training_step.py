"""Seconds and memory of one LoRA step on SD1.5's U-Net, beside diffusers with peft in the same run.

    python -m benchmarks.training_step [--numbers fp32,bf16] [--rounds 3] [--latent 64] [--threads 2]
    python -m benchmarks.training_step --memory          (the most memory of each, a process for each)

Random weights, one picture, rank 16 at the same layers, MSE of the noise, AdamW. Both ways have the same
weights in memory. "bf16" are weights in bfloat16 and LoRAs in 32 bits under autocast.
"""

import argparse
import copy
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig
from torch import Tensor, nn

from benchmarks.engine import write_random_checkpoint
from benchmarks.meter import describe_machine, in_turn, peak_gib, report, say
from webui.core.model_file import Family, ModelFile, ModelKind
from webui.core.work.training_run import TrainingRun
from webui.models.cpu.precision import NumberFormats
from webui.training.methods.adapters import make_layers
from webui.training.networks import TextInput, TrainingNetworks

CPU = torch.device("cpu")
FORMATS = {"fp32": torch.float32, "bf16": torch.bfloat16}
RANK = 16
OURS, PEER = "Atelier", "diffusers with peft"


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--numbers", default="fp32,bf16")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--latent", type=int, default=64)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--only", choices=[OURS, PEER], help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    folder = Path(tempfile.gettempdir()) / "benchmark-training"
    checkpoint = write_random_checkpoint(folder / "sd15.safetensors", "sd15_checkpoint", CPU)
    describe_machine(chosen.threads)
    for name in chosen.numbers.split(","):
        if chosen.only:
            Way(checkpoint, name, chosen.latent, chosen.only).step()
            say(f"{name}, {chosen.only}: peak memory {peak_gib():.2f} GiB")
        elif chosen.memory:
            for way in (OURS, PEER):
                arguments = ["--numbers", name, "--latent", str(chosen.latent), "--only", way]
                subprocess.run([sys.executable, "-m", "benchmarks.training_step", *arguments], check=True)
        else:
            measure(checkpoint, name, chosen.latent, chosen.rounds)


def measure(checkpoint: Path, name: str, latent: int, rounds: int) -> None:
    """Both ways in turn."""
    ours = Way(checkpoint, name, latent, OURS)
    theirs = Way(checkpoint, name, latent, PEER, shared=ours)
    report(f"a LoRA step, {name}", in_turn({OURS: ours.step, PEER: theirs.step}, rounds), PEER)


class Way:
    """A U-Net with LoRAs of one program, and its step."""

    def __init__(
        self, checkpoint: Path, name: str, latent: int, which: str, shared: "Way | None" = None
    ) -> None:
        self.networks = shared.networks if shared else load_networks(checkpoint, FORMATS[name])
        run = TrainingRun(
            method="lora", checkpoint="c", name="n", data="d", rank=RANK, alpha=RANK, train_text=False, seed=1
        )
        self._trainable = make_layers(run, self.networks)
        self.unet: nn.Module = self.networks.unet
        self._is_ours = which == OURS
        if not self._is_ours:
            self.unet = with_peft(
                self.networks, [change.layer for change in self._trainable.changes.values()]
            )
        parameters = [
            each
            for each in (self._trainable.parameters().values() if self._is_ours else self.unet.parameters())
            if each.requires_grad
        ]
        self._optimizer = torch.optim.AdamW(parameters, lr=1e-4)
        self._name = name
        generator = torch.Generator().manual_seed(2)
        self._latent, self._noise = (torch.randn(1, 4, latent, latent, generator=generator) for _ in range(2))
        self._text = TextInput(torch.randn(1, 77, 768, generator=generator), None)

    def step(self) -> None:
        """Forward, backward, and the optimizer."""
        is_bf16 = self._name == "bf16"
        with self._attached(), torch.autocast("cpu", torch.bfloat16) if is_bf16 else nullcontext():
            answer = self._predict()
            loss = nn.functional.mse_loss(answer.float(), self._noise)
            loss.backward()
        self._optimizer.step()
        self._optimizer.zero_grad()

    def _predict(self) -> Tensor:
        timestep = torch.tensor([400])
        call: Callable[..., Any] = self.unet
        return call(self._latent, timestep, self._text.crossattn, return_dict=False)[0]

    @contextmanager
    def _attached(self) -> Iterator[None]:
        with self._trainable.attach() if self._is_ours else nullcontext():
            yield


def with_peft(networks: TrainingNetworks, layers: list[nn.Module]) -> nn.Module:
    """A second U-Net that shares the weights, with peft's LoRAs at the same layers."""
    weights: dict[int, Any] = {id(each): each for each in networks.unet.parameters()}
    # Any: diffusers' network, whose adapters torch does not know.
    unet: Any = copy.deepcopy(networks.unet, weights)
    names = [name for name, module in networks.unet.named_modules() if module in set(layers)]
    unet.add_adapter(LoraConfig(r=RANK, lora_alpha=RANK, target_modules=names))
    return unet


def load_networks(checkpoint: Path, dtype: torch.dtype) -> TrainingNetworks:
    """The networks of a file."""
    stat = checkpoint.stat()
    file = ModelFile(
        path=checkpoint, name=checkpoint.name, kind=ModelKind.CHECKPOINT, family=Family.SD1,
        size=stat.st_size, mtime_ns=stat.st_mtime_ns,
    )  # fmt: skip
    numbers = NumberFormats(dtype, dtype, dtype, channels_last=False, falls_back=False)
    return TrainingNetworks.load(file, CPU, numbers)


if __name__ == "__main__":
    main()
