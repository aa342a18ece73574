"""What is told of a run while it goes on: events, the log, TensorBoard's files, where it stands."""

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from webui.core.events import TrainingProgress
from webui.training.loop import StepDone
from webui.training.run_folder import LogLine, RunFolder, RunState, RunStatus

# Seconds of a step, smoothed over some thirty steps; the first are slow.
SPEED_SMOOTHING = 0.06
SLOW_STEPS = 2
NO_TENSORBOARD = (
    "TensorBoard is not installed, so there are no files for it; the run's log has the same numbers. "
    '`.venv/bin/python -m pip install "atelier-webui[training]"` brings it.'
)


@dataclass(slots=True)
class Reporter:
    """Tells of one run. Only the main process has one."""

    folder: RunFolder
    steps: int
    device: torch.device
    board: Any = None  # torch's SummaryWriter, whose package is optional
    _seconds: float = 0.0
    _counted: int = 0
    _status: RunStatus = field(default_factory=lambda: RunStatus(state="stopped"))

    def open_board(self) -> str:
        """Begin TensorBoard's files; a sentence where there cannot be any."""
        try:
            # Takes seconds to load, and is optional.
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            return NO_TENSORBOARD
        self.board = SummaryWriter(str(self.folder.path / "tensorboard"))
        return ""

    @property
    def state(self) -> RunState:
        """As it was written last."""
        return self._status.state

    def tell_step(self, done: StepDone) -> TrainingProgress:
        """Into the log; gives the event. Raises StorageError."""
        self._count(done.seconds)
        line = LogLine(
            step=done.step,
            loss=done.loss,
            average_loss=done.average_loss,
            rates=done.rates,
            seconds=round(done.seconds, 4),
        )
        self.folder.append_log(line)
        self._draw(done)
        return TrainingProgress(
            step=done.step,
            steps=self.steps,
            epoch=done.epoch,
            loss=done.loss,
            average_loss=done.average_loss,
            rates=done.rates,
            seconds_per_step=self._seconds,
            seconds_left=self._seconds * (self.steps - done.step) if self._counted else None,
            memory_bytes=used_memory_bytes(self.device),
        )

    def write_status(self, state: RunState, step: int, error: str = "", file: str = "") -> None:
        """Where the run stands now. Raises StorageError."""
        status = RunStatus(
            state=state,
            step=step,
            steps=self.steps,
            seconds_per_step=self._seconds,
            memory_bytes=used_memory_bytes(self.device),
            error=error,
            file=file,
        )
        self._status = status
        self.folder.write_status(status)

    def close(self) -> None:
        """Finish TensorBoard's files."""
        if self.board is not None:
            self.board.close()

    def _count(self, seconds: float) -> None:
        self._counted += 1
        if self._counted <= SLOW_STEPS:
            self._seconds = seconds
        else:
            self._seconds += (seconds - self._seconds) * max(SPEED_SMOOTHING, 1 / (self._counted - 1))

    def _draw(self, done: StepDone) -> None:
        if self.board is None:
            return
        self.board.add_scalar("loss/step", done.loss, done.step)
        self.board.add_scalar("loss/average", done.average_loss, done.step)
        for part, rate in done.rates.items():
            self.board.add_scalar(f"rate/{part}", rate, done.step)


def used_memory_bytes(device: torch.device) -> int:
    """What is in use: of the card by torch, else of the machine by this process; 0 where nobody tells."""
    if device.type == "cuda":
        return torch.cuda.memory_reserved(device)
    if not sys.platform.startswith("linux"):
        return 0
    try:
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0
