"""Small runs on the golden checkpoints, for tests of training."""

from io import StringIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file

from webui.core.events import Event, TrainingSaved
from webui.core.flags import read_flags
from webui.core.stop import Stop
from webui.core.work.training_run import TrainingRun
from webui.plugins.context import Context
from webui.training.__main__ import Teller, make_context
from webui.training.run import train
from webui.training.run_folder import RunFolder

STEPS = 6


def draw_pictures(folder: Path, count: int = 3, side: int = 64) -> Path:
    """A data set of noise with captions."""
    folder.mkdir(parents=True)
    for number in range(count):
        pixels = np.random.default_rng(number).integers(0, 255, (side, side, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
        (folder / f"{number}.txt").write_text(f"a thing, number {number}", "utf-8")
    return folder


def make_run(data: Path, **changes: object) -> TrainingRun:
    """A short LoRA run whose file is exact."""
    values: dict[str, object] = {
        "method": "lora", "checkpoint": "tiny-sd15", "name": "thing", "data": str(data), "resolution": 64,
        "rank": 2, "batch_size": 2, "steps": STEPS, "sample_every": 0, "save_every": 0, "state_every": 2,
        "save_format": "fp32",
    }  # fmt: skip
    return TrainingRun.model_validate(values | changes)


def context_in(home: Path, checkpoints: Path, stop: Stop | None = None) -> Context:
    """What a run is given, with everything it writes below a folder."""
    flags = read_flags(["--data-dir", str(home), "--ckpt-dir", str(checkpoints), "--use-cpu", "all"])[0]
    return make_context(flags, stop or Stop(), Teller(StringIO()))


def run_all(run: TrainingRun, context: Context) -> list[Event]:
    """All events of a run."""
    return list(train(run, context))


def run_in(run: TrainingRun, home: Path, checkpoints: Path) -> None:
    """A run in a process of its own, on one core."""
    torch.set_num_threads(1)
    run_all(run, context_in(home, checkpoints))


def final_file(events: list[Event]) -> Path:
    """The finished file."""
    last = events[-1]
    assert isinstance(last, TrainingSaved)
    assert last.is_final
    return Path(last.path)


def folder_of(home: Path, run: TrainingRun) -> RunFolder:
    """The run's folder."""
    return RunFolder.of(home / "data", run.name)


def equal_files(first: Path, second: Path) -> bool:
    """Whether two files have the same tensors, to the bit."""
    ours, theirs = load_file(first), load_file(second)
    return ours.keys() == theirs.keys() and all(bool((ours[key] == theirs[key]).all()) for key in ours)
