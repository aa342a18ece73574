"""The folder of a run: what was asked, what it became, its log, samples and checkpoints. Loads no torch."""

import contextlib
import json
import os
import re
import tomllib
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError

from webui.core.errors import Busy, InvalidRequest, NotFound
from webui.core.work.training_run import TrainingRun
from webui.store.files.atomic import storage_errors, write_atomically
from webui.store.files.safe_names import safe_name

TRAINING = "training"
# Between them, a run that is neither done nor failed can be resumed.
RunState = Literal["running", "stopped", "paused", "done", "failed"]
LOCK, PAUSE, PROMPTS = ".lock", ".pause", "prompts.json"
SAMPLE = re.compile(r"(\d+)-(\d+)\.webp")
CHECKPOINT_SUFFIX = ".safetensors"
MOST_SHOWN = 2000


class RunStatus(BaseModel):
    """Where a run stands, as it was written last. `state` "running" outlives a killed process."""

    model_config = ConfigDict(frozen=True)

    state: RunState = "running"
    step: int = 0
    steps: int = 0
    seconds_per_step: float = 0.0
    memory_bytes: int = 0
    error: str = ""
    # The finished file, in its model folder.
    file: str = ""


class LogLine(BaseModel):
    """One step in the log; `seconds` since the one before."""

    model_config = ConfigDict(frozen=True)

    step: int
    loss: float
    average_loss: float
    rates: dict[str, float]
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class SampleFile:
    """A sample on disk."""

    step: int
    prompt: int
    path: Path


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file of the run that can be used."""

    step: int
    path: Path
    is_final: bool = False


@dataclass(frozen=True, slots=True)
class RunFolder:
    """`<data>/training/NAME`."""

    path: Path

    @classmethod
    def of(cls, data: Path, name: str) -> "RunFolder":
        """Of a run's name. Raises InvalidRequest for names that cannot be a file's."""
        check_name(name)
        return cls(data / TRAINING / name)

    @classmethod
    def all(cls, data: Path) -> list["RunFolder"]:
        """Every run there is, the newest first."""
        with contextlib.suppress(OSError):
            found = [cls(each) for each in (data / TRAINING).iterdir() if (each / "run.toml").is_file()]
            return sorted(found, key=lambda folder: (folder.path / "run.toml").stat().st_mtime, reverse=True)
        return []

    @property
    def name(self) -> str:
        """The run's."""
        return self.path.name

    @property
    def samples(self) -> Path:
        """The folder of its samples."""
        return self.path / "samples"

    @property
    def checkpoints(self) -> Path:
        """The folder of its files on the way."""
        return self.path / "checkpoints"

    @property
    def state(self) -> Path:
        """The folder of what it resumes from."""
        return self.path / "state"

    @property
    def cache(self) -> Path:
        """The folder of latents and texts."""
        return self.path / "cache"

    @property
    def log(self) -> Path:
        """A line a step."""
        return self.path / "log.jsonl"

    @property
    def is_there(self) -> bool:
        """Whether there is such a run."""
        return (self.path / "run.toml").is_file()

    @contextlib.contextmanager
    def lock(self) -> Generator[None]:
        """One process trains it at a time. Raises Busy, StorageError."""
        lock = FileLock(self.path / LOCK, timeout=0, thread_local=False)
        with storage_errors(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            try:
                lock.acquire()
            except Timeout as error:
                raise Busy(
                    f"The run {self.name} is being trained by another process. Stop it there first, or give "
                    "this one another name."
                ) from error
        try:
            yield
        finally:
            lock.release()

    @property
    def is_pausing(self) -> bool:
        """Whether its stop was asked for as a pause."""
        return (self.path / PAUSE).is_file()

    def ask_pause(self, *, asked: bool) -> None:
        """Say that the stop which is asked for next is a pause, or no longer. Raises StorageError."""
        with storage_errors(self.path / PAUSE):
            if asked:
                (self.path / PAUSE).touch()
            else:
                (self.path / PAUSE).unlink(missing_ok=True)

    def write_run(self, file: Literal["run", "filled"], run: TrainingRun) -> None:
        """Keep what was asked for, or what the presets made of it. Raises StorageError."""
        write_atomically(self.path / f"{file}.toml", to_toml(run).encode())

    def read_run(self, file: Literal["run", "filled"]) -> TrainingRun:
        """What was kept. Raises NotFound, InvalidRequest."""
        path = self.path / f"{file}.toml"
        try:
            return TrainingRun.model_validate(tomllib.loads(path.read_text("utf-8")))
        except OSError as error:
            raise NotFound(f"There is no training run named {self.name!r}.") from error
        except (ValueError, ValidationError) as error:
            raise InvalidRequest(f"{path.name} of the run {self.name} cannot be read: {error}") from error

    def write_status(self, status: RunStatus) -> None:
        """Raises StorageError."""
        write_atomically(self.path / "status.json", status.model_dump_json().encode())

    def read_status(self) -> RunStatus:
        """As it was written last; stopped before the first step where nothing was."""
        try:
            return RunStatus.model_validate_json((self.path / "status.json").read_bytes())
        except (OSError, ValidationError):
            return RunStatus(state="stopped")

    def append_log(self, line: LogLine) -> None:
        """A step is done. Raises StorageError."""
        with storage_errors(self.log), self.log.open("a", encoding="utf-8") as file:
            file.write(line.model_dump_json() + "\n")

    def read_log(self, after: int = 0) -> list[LogLine]:
        """The steps after one, thinned to some two thousand; a torn last line is passed over."""
        lines = [line for line in self._log_lines() if line.step > after]
        if len(lines) <= MOST_SHOWN:
            return lines
        stride = -(-len(lines) // MOST_SHOWN)
        # The last is always there, whatever is left out before it.
        return [line for number, line in enumerate(lines) if (len(lines) - 1 - number) % stride == 0]

    def cut_log(self, step: int) -> None:
        """Forget the steps after one, which are made again. Raises StorageError."""
        kept = [line.model_dump_json() + "\n" for line in self._log_lines() if line.step <= step]
        write_atomically(self.log, "".join(kept).encode())

    def _log_lines(self) -> Iterator[LogLine]:
        try:
            text = self.log.read_text("utf-8", errors="replace")
        except OSError:
            return
        for line in text.splitlines():
            with contextlib.suppress(ValidationError):
                yield LogLine.model_validate_json(line)

    def list_samples(self) -> list[SampleFile]:
        """The samples, by step and prompt."""
        found = [
            SampleFile(int(match[1]), int(match[2]), path)
            for path in list_files(self.samples)
            if (match := SAMPLE.fullmatch(path.name))
        ]
        return sorted(found, key=lambda sample: (sample.step, sample.prompt))

    def checkpoint_path(self, step: int) -> Path:
        """Where the file of a step goes."""
        return self.checkpoints / f"{self.name}-{step:06d}{CHECKPOINT_SUFFIX}"

    def list_checkpoints(self) -> list[WrittenFile]:
        """The files on the way, by step."""
        found = []
        for path in list_files(self.checkpoints):
            head, _, step = path.name.rpartition("-")
            number = step.partition(".")[0]
            if head and number.isdigit():
                found.append(WrittenFile(int(number), path))
        return sorted(found, key=lambda each: each.step)

    def list_files(self) -> list[WrittenFile]:
        """Those on the way, and the finished one."""
        status = self.read_status()
        final = file_in(status)
        last = [WrittenFile(status.step, final, is_final=True)] if final else []
        return [*self.list_checkpoints(), *last]

    def read_prompts(self) -> list[str]:
        """The prompts of the sample strips: the run's, then those that were tried besides."""
        with contextlib.suppress(OSError, ValueError):
            found = json.loads((self.path / PROMPTS).read_text("utf-8"))
            return [str(each) for each in found]
        return []

    def write_prompts(self, prompts: list[str]) -> None:
        """Raises StorageError."""
        write_atomically(self.path / PROMPTS, json.dumps(prompts, ensure_ascii=False).encode())


def file_in(status: RunStatus) -> Path | None:
    """The finished file, as long as it is there."""
    path = Path(status.file) if status.file else None
    return path if path is not None and path.is_file() else None


def check_name(name: str) -> None:
    """Raise InvalidRequest for a name that cannot be a file's on every system."""
    if name != safe_name(name) or name.startswith("."):
        raise InvalidRequest(
            f"The name {name!r} cannot be that of a file. Take letters, digits, spaces, - and _, such as "
            f"{safe_name(name, 'my-training')!r}."
        )


def list_files(folder: Path) -> list[Path]:
    """The files of a folder, none where it is not there."""
    with contextlib.suppress(OSError):
        return [Path(entry.path) for entry in os.scandir(folder) if entry.is_file()]
    return []


def to_toml(run: TrainingRun) -> str:
    """A run's fields that are not left open, as TOML that `tomllib` reads back."""
    values = run.model_dump(mode="json", exclude_none=True)
    return "".join(f"{name} = {toml_value(value)}\n" for name, value in values.items())


def toml_value(value: object) -> str:
    """One value: text, a number, a truth or a list of them."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    # TOML's texts are JSON's, but for one character that JSON leaves as it is.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
