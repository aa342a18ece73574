"""Trains without the page: `python -m webui.training RUN.toml [--data-dir DIR]` and the server's other flags.

Progress goes to stderr; the last line of stdout is the path of the trained file. The exit status is 0, 1
after a sentence, 130 where it was stopped: the same command goes on.
"""

import logging
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from webui.core.errors import WebuiError
from webui.core.events import Event, Message, Phase, TrainingProgress, TrainingSaved
from webui.core.flags import Flags, read_flags
from webui.core.settings import Settings
from webui.core.stop import Stop
from webui.core.work.training_run import TrainingRun
from webui.plugins.context import Context
from webui.training.launched import local_rank, process_rank, start_others, this_command
from webui.training.run_file import read_run_file

# What a shell gives for a program ended with Ctrl+C.
INTERRUPTED, REFUSED = 130, 1
USAGE = (
    "Usage: python -m webui.training RUN.toml [--data-dir DIR]\n"
    "RUN.toml has at least method, checkpoint, name and data; docs/training.md tells the rest.\n"
)
# A terminal gets each step; a file only so many lines a second.
QUIET_SECONDS = 2.0
ROOT = Path(__file__).resolve().parents[2]


class Teller:
    """Writes events as lines for people."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._told = 0.0

    def tell(self, event: Event) -> None:
        """One event."""
        if isinstance(event, TrainingProgress):
            self._tell_progress(event)
        elif isinstance(event, Message):
            self._write(event.text)
        elif isinstance(event, TrainingSaved):
            self._write(f"Saved {event.path}")
        elif isinstance(event, Phase):
            self._write(f"{event.name}{f': {event.detail}' if event.detail else ''}")

    def _tell_progress(self, event: TrainingProgress) -> None:
        now = time.monotonic()
        if now - self._told < QUIET_SECONDS and event.step not in {1, event.steps}:
            return
        self._told = now
        left = f", {event.seconds_left:.0f} s left" if event.seconds_left is not None else ""
        self._write(
            f"Step {event.step} of {event.steps}, loss {event.average_loss:.4f}, "
            f"{event.seconds_per_step:.2f} s a step{left}"
        )

    def _write(self, line: str) -> None:
        self._out.write(f"{line}\n")
        self._out.flush()


def main(arguments: Sequence[str]) -> int:
    """Train what a file asks for. Gives the exit status."""
    if not arguments or arguments[0] in {"-h", "--help"}:
        sys.stderr.write(USAGE)
        return 0 if arguments else REFUSED
    # Threads that spin while they wait take the processor from each other where others compute too: a step
    # then takes twenty times as long. Read when torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    logging.basicConfig(level="WARNING", format="%(message)s", stream=sys.stderr)
    stop = Stop()
    hear_signals(stop)
    try:
        with start_others(this_command()) as sentence:
            return train_file(arguments, stop, sentence)
    except WebuiError as error:
        sys.stderr.write(f"{error}\n")
        return REFUSED


def train_file(arguments: Sequence[str], stop: Stop, sentence: str | None) -> int:
    """Train what a file asks for, after a sentence about the launcher. Raises WebuiError."""
    is_main = process_rank() == 0
    teller = Teller(sys.stderr if is_main else Path(os.devnull).open("w"))  # noqa: SIM115 - open to the end
    if sentence:
        teller.tell(Message(text=sentence))
    try:
        run = read_run_file(Path(arguments[0]), Path.cwd())
        flags, remarks = read_flags(list(arguments[1:]))
        for remark in remarks:
            teller.tell(Message(text=remark))
        file = carry_out(run, choose(flags, run), stop, teller)
    except KeyboardInterrupt:
        return INTERRUPTED
    if stop.is_stopped and file is None:
        return INTERRUPTED
    if is_main:
        sys.stdout.write(f"{file}\n")
    return 0


def hear_signals(stop: Stop) -> None:
    """Ctrl+C and a polite kill stop the run after its step; a second Ctrl+C ends it at once."""

    def hear(number: int, _: object) -> None:
        if stop.is_stopped and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, hear)


def choose(flags: Flags, run: TrainingRun) -> Flags:
    """The flags with the folder of a checkpoint that lies elsewhere, and this process's own card."""
    changes: dict[str, object] = {}
    if Path(run.checkpoint).is_absolute() and flags.ckpt is None:
        changes["ckpt"] = Path(run.checkpoint)
    if flags.device_id is None and (rank := local_rank()) is not None:
        changes["device_id"] = rank
    return flags.model_copy(update=changes)


def carry_out(run: TrainingRun, flags: Flags, stop: Stop, teller: Teller) -> str | None:
    """Train; the path of the finished file, None where the run was stopped. Raises WebuiError."""
    # Loads torch, which a refused run need not wait for.
    from webui.training.run import train

    context = make_context(flags, stop, teller)
    found = None
    for event in train(run, context):
        teller.tell(event)
        if isinstance(event, TrainingSaved) and event.is_final:
            found = event.path
    return found


def make_context(flags: Flags, stop: Stop, teller: Teller) -> Context:
    """What the server's worker would give the run."""
    # As above.
    from webui.library.catalog.catalog import Catalog, ModelFolders
    from webui.models.images.upscalers import Upscalers
    from webui.models.manager import ModelManager
    from webui.store.database import Database
    from webui.store.header_cache import HeaderCache
    from webui.store.pictures.inputs import Inputs
    from webui.store.pictures.latents import Latents

    paths = flags.paths(ROOT)
    paths.data.mkdir(parents=True, exist_ok=True)
    catalog = Catalog(ModelFolders.of(paths), HeaderCache(Database(paths.data / "webui.db")))
    catalog.scan()
    models = ModelManager.for_machine(catalog, flags)
    return Context(
        models,
        Upscalers(catalog, models.device, models.holder, exact=flags.is_exact),
        Inputs(paths.data / "inputs"),
        Latents(paths.data / "latents"),
        Settings(),
        stop,
        "Atelier",
        paths=paths,
        emit=teller.tell,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
