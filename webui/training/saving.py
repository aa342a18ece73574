"""The files of a run: those on the way, and the last one in its model folder."""

import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from safetensors import SafetensorError

from webui.core.errors import StorageError
from webui.core.model_file import ModelFile
from webui.core.work.training_run import TrainingRun
from webui.library.catalog.catalog import Catalog
from webui.store.files.atomic import storage_errors
from webui.training.data.buckets import place
from webui.training.loop import Loop
from webui.training.methods.metadata import TrainingFacts, training_metadata
from webui.training.preparing import PreparedRun
from webui.training.run_folder import RunFolder


@dataclass(frozen=True, slots=True)
class FileSaver:
    """Writes what a loop has learned. All of it raises StorageError."""

    run: TrainingRun
    folder: RunFolder
    prepared: PreparedRun
    catalog: Catalog
    began: float = field(default_factory=time.time)

    def save_checkpoint(self, loop: Loop) -> Path:
        """A file of the run as it is now, among its checkpoints."""
        path = self.folder.checkpoint_path(loop.step).with_suffix(loop.trainable.suffix)
        self._write(loop, path)
        return path

    def save_final(self, loop: Loop) -> ModelFile:
        """The finished file in its model folder, where pickers have it at once. No other file is replaced."""
        home = self.catalog.folders.home(loop.trainable.kind)
        path = home / f"{self.run.name}{loop.trainable.suffix}"
        # A run that goes on from the file of its own name, as A1111's do, takes its place.
        if self.run.start_from != str(path):
            path = free_path(home, self.run.name, loop.trainable.suffix)
        self._write(loop, path)
        return self.catalog.add(path)

    def _write(self, loop: Loop, path: Path) -> None:
        with storage_errors(path), loop.average.applied():
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                loop.trainable.save(path, self._metadata(loop))
            except SafetensorError as error:
                # Its writer tells of a full disk in words of its own.
                raise StorageError(f"Cannot write {path}: {str(error).rstrip('.')}.") from error

    def _metadata(self, loop: Loop) -> dict[str, str]:
        """What the file says of itself, as kohya's do."""
        file, examples = self.prepared.checkpoint, self.prepared.dataset.examples
        buckets = Counter(place((each.width, each.height), each.rules).bucket for each in examples)
        facts = TrainingFacts(
            family=self.prepared.facts.family,
            prediction=loop.networks.prediction.kind,
            checkpoint=file.file_name,
            checkpoint_hash=self.catalog.sha256(file),
            old_hash=file.old_hash or "",
            pictures=examples,
            folder=self.prepared.dataset.folder.name,
            buckets=buckets,
            step=loop.step,
            epoch=loop.step * loop.accumulation // max(1, loop.source.steps_per_epoch),
            batches_per_epoch=loop.source.steps_per_epoch,
            started_at=self.began,
            finished_at=time.time(),
        )
        return training_metadata(loop.run, facts)


def free_path(folder: Path, name: str, suffix: str) -> Path:
    """The path of a new file: its name, with a number where others have it."""
    path, number = folder / f"{name}{suffix}", 1
    while path.exists():
        path, number = folder / f"{name}-{number}{suffix}", number + 1
    return path
