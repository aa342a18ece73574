"""The training runs of a server: what lies in their folders, and the jobs that carry them on."""

import filecmp
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from webui.core.errors import Busy, InvalidRequest, NotFound
from webui.core.events import TrainingProgress
from webui.core.model_file import ModelFile
from webui.core.work.training_run import TrainingRun
from webui.core.work.training_sample import TrainingSampleRequest
from webui.jobs.job import Delivery, Job
from webui.jobs.services import Services
from webui.store.files.atomic import move_exclusively, storage_errors, usual_mode
from webui.training.methods.names import kind_of
from webui.training.run_folder import RunFolder, RunStatus, WrittenFile

TAB = "train"
KIND = "training run"
ShownState = Literal["running", "queued", "paused", "stopped", "done", "failed"]


@dataclass(frozen=True, slots=True)
class RunNow:
    """A run as it stands: its folder says what was, its job what is."""

    folder: RunFolder
    status: RunStatus
    job: Job | None = None

    @property
    def state(self) -> ShownState:
        """A run that nobody trains is stopped, whatever a killed process wrote last."""
        if self.job is not None:
            return "running" if self.job.state == "running" else "queued"
        return "stopped" if self.status.state == "running" else self.status.state

    @property
    def progress(self) -> TrainingProgress | None:
        """Of the running job."""
        return self.job.training_progress() if self.job else None

    @property
    def step(self) -> int:
        """Steps that are done."""
        return self.progress.step if self.progress else self.status.step

    @property
    def steps(self) -> int:
        """All of them; 0 where that is not known yet."""
        return self.progress.steps if self.progress else self.status.steps


class TrainingRuns:
    """Starts, pauses, resumes and looks at runs. Any thread."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._data = services.paths.data

    def all(self) -> list[RunNow]:
        """Those that wait or run without a folder yet, then all others, the newest first."""
        jobs = self._jobs()
        folders = RunFolder.all(self._data)
        known = {folder.name for folder in folders}
        fresh = [RunFolder.of(self._data, name) for name in jobs if name not in known]
        return [self._now(folder, jobs) for folder in (*fresh, *folders)]

    def find(self, name: str) -> RunNow:
        """Raises NotFound."""
        folder, jobs = RunFolder.of(self._data, name), self._jobs()
        if not folder.is_there and name not in jobs:
            raise NotFound(f"There is no training run named {name!r}.")
        return self._now(folder, jobs)

    def asked(self, now: RunNow) -> TrainingRun:
        """What a run was asked for."""
        if now.job is not None and isinstance(now.job.request, TrainingRun):
            return now.job.request
        return now.folder.read_run("run")

    def start(self, run: TrainingRun) -> Job:
        """Put a run in the queue. Raises Busy while one of its name is there."""
        folder = RunFolder.of(self._data, run.name)
        if run.name in self._jobs():
            raise Busy(f"The run {run.name} is in the queue already. Stop it first, or choose another name.")
        folder.ask_pause(asked=False)
        return self._services.submit(run, Delivery(tab=TAB))

    def resume(self, name: str) -> Job:
        """Go on with a run. Raises NotFound, Busy, InvalidRequest."""
        now = self.find(name)
        if now.job is None and now.state == "done":
            raise InvalidRequest(f"The run {name} is done. Start another with more steps.")
        return self.start(self.asked(now))

    def stop(self, name: str, *, pauses: bool) -> None:
        """End its job after the step, saving everything. Raises NotFound, InvalidRequest."""
        now = self.find(name)
        if now.job is None:
            raise InvalidRequest(f"The run {name} is not running, so there is nothing to stop.")
        now.folder.ask_pause(asked=pauses)
        self._services.jobs.interrupt(now.job.id)

    def try_prompt(self, name: str, prompt: str, seed: int, step: int | None) -> Job:
        """Draw a prompt with every file of a run, as one more row of its strips. Raises NotFound."""
        folder = self.find(name).folder
        if not folder.list_files():
            raise NotFound(f"The run {name} has saved no file yet. Wait for the first, or stop the run.")
        prompts = folder.read_prompts()
        if prompt not in prompts:
            prompts.append(prompt)
            folder.write_prompts(prompts)
        request = TrainingSampleRequest(
            name=name, prompt=prompt, number=prompts.index(prompt), seed=seed, step=step
        )
        return self._services.submit(request, Delivery(tab=TAB))

    def use(self, name: str, step: int) -> ModelFile:
        """A file of a run in its model folder, under the run's name. Raises NotFound, StorageError."""
        now = self.find(name)
        # The finished one stands last, and lies there already.
        files = [each for each in reversed(now.folder.list_files()) if each.step == step]
        if not files:
            raise NotFound(f"The run {name} has no file of step {step}.")
        catalog = self._services.catalog
        if files[0].is_final:
            return catalog.add(files[0].path)
        home = catalog.folders.home(kind_of(now.folder.read_run("filled")))
        return catalog.add(copy_as(files[0], home, name))

    def delete(self, name: str) -> None:
        """Move a run to the trash. Raises NotFound, Busy, StorageError."""
        now = self.find(name)
        if now.job is not None:
            raise Busy(f"The run {name} is being trained. Stop it first.")
        self._services.library.cards.trash.put(now.folder.path, [], name=name, kind=KIND)

    def waiting_pictures(self) -> int:
        """Jobs that wait for their turn between two steps."""
        waiting = self._services.jobs.waiting()
        return sum(1 for job in waiting if not isinstance(job.request, TrainingRun))

    def _jobs(self) -> dict[str, Job]:
        """The jobs of runs that wait or run, by the run's name."""
        found = self._services.jobs.unfinished()
        return {job.request.name: job for job in found if isinstance(job.request, TrainingRun)}

    def _now(self, folder: RunFolder, jobs: dict[str, Job]) -> RunNow:
        return RunNow(folder, folder.read_status(), jobs.get(folder.name))


def copy_as(file: WrittenFile, folder: Path, name: str) -> Path:
    """A copy of a file under a name, with a number where others have it; one that is there is found again."""
    number, suffix = 0, file.path.suffix
    with storage_errors(folder / f"{name}{suffix}"):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".") as place:
            temporary = Path(place) / f"copy{suffix}"
            shutil.copyfile(file.path, temporary)
            while True:
                target = folder / f"{name}{f'-{number}' if number else ''}{suffix}"
                temporary.chmod(usual_mode(target))
                if target.is_file() and filecmp.cmp(target, file.path, shallow=False):
                    return target
                if move_exclusively(temporary, target):
                    return target
                number += 1
