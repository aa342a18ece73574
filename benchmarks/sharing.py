"""Seconds of a step where another program has one of the cores, and where none has.

    python -m benchmarks.sharing CHECKPOINT [--side 32] [--steps 12] [--rounds 3]

How long threads wait for each other before they give their core away is read when torch starts, so each
measurement is a process of its own: with the value of launch.sh, and with that of the library.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from benchmarks.meter import describe_machine, say
from benchmarks.speed import CPU, catalog_of, seeded
from webui.models.manager import ModelManager

WAYS = {"launch.sh's": {"GOMP_SPINCOUNT": "1000"}, "the library's": {}}
PEER = "the library's"


def main() -> None:
    """Measure, or be one of the measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--side", type=int, default=32, help="of the latent")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--measured", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.measured:
        say(str(step_seconds(chosen.checkpoint, chosen.side, chosen.steps)))
        return
    describe_machine(torch.get_num_threads())
    for busy in (False, True):
        found: dict[str, list[float]] = {name: [] for name in WAYS}
        for number in range(chosen.rounds):
            for name in list(WAYS)[:: 1 if number % 2 == 0 else -1]:
                with another_program(running=busy):
                    found[name].append(measured(WAYS[name]))
        say("\nbeside a program that takes a core" if busy else "\nalone")
        for name, seconds in found.items():
            middle = statistics.median(seconds)
            ratio = middle / statistics.median(found[PEER])
            say(f"  {name:14} {middle:8.3f} s ({min(seconds):.3f}-{max(seconds):.3f}), ratio {ratio:.2f}")


def measured(environment: dict[str, str]) -> float:
    """What another process of this program measures, with these variables."""
    inherited = {name: value for name, value in os.environ.items() if name != "GOMP_SPINCOUNT"}
    answer = subprocess.run(
        [sys.executable, *sys.argv, "--measured"],
        env=inherited | environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return float(answer.stdout.splitlines()[-1])


@contextmanager
def another_program(*, running: bool) -> Iterator[None]:
    """A program that computes and never waits."""
    if not running:
        yield
        return
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as program:
        try:
            yield
        finally:
            program.kill()


@torch.no_grad()
def step_seconds(checkpoint: Path, side: int, steps: int) -> float:
    """The median of some evaluations of the network, two pictures at once."""
    manager = ModelManager(catalog_of(checkpoint), CPU, 2**40)
    with manager.use(checkpoint.name) as sd:
        width = sd.network.unet.config["cross_attention_dim"]
        arguments = seeded(2, 4, side, side), torch.tensor([500.0, 500.0]), seeded(2, 77, width)
        sd.network(*arguments)
        seconds = []
        for _ in range(steps):
            start = time.perf_counter()
            sd.network(*arguments)
            seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


if __name__ == "__main__":
    main()
