"""Before the first step: names become files, presets fill the run, and what was begun is gone on with."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from random import SystemRandom

import torch

from webui.core.errors import InvalidRequest, UnusableFile
from webui.core.model_file import Family, ModelFile, ModelKind
from webui.core.work.training_run import TrainingRun
from webui.library.catalog.catalog import Catalog
from webui.store.files.atomic import storage_errors
from webui.training.data.dataset import DataSet
from webui.training.data.desk import Desk
from webui.training.data.reading import read_data
from webui.training.facts import RunFacts, machine_memory_bytes, read_facts
from webui.training.methods.hypernetwork import read_structure
from webui.training.methods.names import kind_of
from webui.training.presets import fill
from webui.training.run_folder import LOCK, RunFolder
from webui.training.state import StateFiles

TRAINED = frozenset({Family.SD1, Family.SD2, Family.SDXL})
# These change what is seen and kept of a run, and nothing of what it learns.
ASIDE = frozenset({"samples", "sample_every", "sample_seed", "save_every", "state_every", "save_format"})
AMPERE = 8
MOST_CAPTIONS = 12
RANDOM_SEEDS = 2**32


@dataclass(frozen=True, slots=True)
class PreparedRun:
    """A run that can begin: everything that was found out before anything was loaded."""

    asked: TrainingRun
    run: TrainingRun
    facts: RunFacts
    checkpoint: ModelFile
    dataset: DataSet


def prepare(run: TrainingRun, catalog: Catalog, desk: Desk, device: torch.device | None) -> PreparedRun:
    """Read the data and fill the run. Raises WebuiError: a sentence on what is wrong with either."""
    checkpoint = find_checkpoint(catalog, run.checkpoint)
    facts = read_facts(checkpoint)
    if facts.family not in TRAINED or checkpoint.is_inpainting:
        kind = "an inpainting checkpoint" if checkpoint.is_inpainting else f"of {facts.family.value}"
        raise UnusableFile(
            f"{checkpoint.name} is {kind}, which is not trained here. Choose a checkpoint of SD1, SD2 or "
            "SDXL."
        )
    facts = add_device(facts, device)
    run = find_start(run, catalog, desk)
    dataset = read_data(desk.resolve(run.data), fill(run, facts), desk.guard)
    facts = add_data(facts, dataset)
    filled = fill(run, facts)
    if filled.trigger and not run.trigger:
        # The word was chosen by what the captions lack.
        dataset = read_data(desk.resolve(run.data), filled, desk.guard)
    return PreparedRun(run, filled, facts, checkpoint, dataset)


def find_checkpoint(catalog: Catalog, name: str) -> ModelFile:
    """By any of its names, or by the path of a file in the folders. Raises ModelNotFound, UnusableFile."""
    path = Path(name)
    if path.is_absolute():
        for file in catalog.files(ModelKind.CHECKPOINT):
            if file.path == path:
                return file
    return catalog.find_checkpoint(name)


def find_start(run: TrainingRun, catalog: Catalog, desk: Desk) -> TrainingRun:
    """The run with the path of the file that it goes on from: one of the model folders, by name or path.

    Whoever may name any folder may name any file. Raises ModelNotFound, UnusableFile, InvalidRequest.
    """
    if not run.start_from:
        return run
    path = Path(run.start_from)
    known = [file for file in catalog.files() if file.path == path]
    if not known and path.is_absolute():
        desk.guard("The folder of the file to go on from", path.parent)
        return keep_structure(run)
    found = known[0] if known else catalog.find(kind_of(run), run.start_from)
    return keep_structure(run.model_copy(update={"start_from": str(found.path)}))


def keep_structure(run: TrainingRun) -> TrainingRun:
    """A run that goes on from a hypernetwork has its layers, where it does not say them."""
    if run.method != "hypernetwork" or not run.start_from:
        return run
    found = read_structure(Path(run.start_from))
    return run.model_copy(update={name: value for name, value in found.items() if getattr(run, name) is None})


def add_device(facts: RunFacts, device: torch.device | None) -> RunFacts:
    """The same facts with what is known of the device."""
    if device is None or device.type != "cuda":
        return replace(facts, memory_bytes=machine_memory_bytes())
    properties = torch.cuda.get_device_properties(device)
    half = "bf16" if properties.major >= AMPERE else "fp16"
    return replace(facts, memory_bytes=properties.total_memory, half=half)


def add_data(facts: RunFacts, dataset: DataSet) -> RunFacts:
    """The same facts with what is known of the data set."""
    examples = [each for each in dataset.examples if not each.is_regularisation]
    return replace(
        facts,
        pictures=sum(each.repeats for each in examples),
        captions=tuple(spread([each.caption for each in examples], MOST_CAPTIONS)),
    )


def spread(values: list[str], count: int) -> Iterable[str]:
    """So many of the values, evenly from all of them."""
    stride = max(1, len(values) // count)
    return values[::stride][:count]


def resume_or_begin(prepared: PreparedRun, folder: RunFolder) -> tuple[TrainingRun, list[str]]:
    """The filled run to train and what the artist should hear. Raises InvalidRequest, StorageError.

    A run that was begun and not finished goes on as it was filled then; a finished or failed one is put aside
    under another name.
    """
    states, sentences = StateFiles(folder.state), list[str]()
    if folder.is_there:
        status = folder.read_status()
        if states.steps and status.state != "done" and is_same_course(folder.read_run("run"), prepared.asked):
            before = folder.read_run("filled")
            given = {name: getattr(prepared.run, name) for name in ASIDE}
            return before.model_copy(update=given), sentences
        if states.steps and status.state not in {"done", "failed"}:
            raise InvalidRequest(
                f"The run {folder.name} was stopped at step {max(states.steps)} and has other settings. "
                "Start it with the same ones to go on, give this run another name, or delete that one."
            )
        moved = put_aside(folder) if status.state in {"done", "failed"} else None
        if moved is not None:
            sentences.append(f"The earlier run of this name is kept as {moved.name}.")
    run = prepared.run
    if run.seed == -1:
        run = run.model_copy(update={"seed": SystemRandom().randrange(RANDOM_SEEDS)})
    return run, sentences


def is_same_course(first: TrainingRun, second: TrainingRun) -> bool:
    """Whether two runs as asked for learn the same."""
    return first.model_dump(exclude=set(ASIDE)) == second.model_dump(exclude=set(ASIDE))


def put_aside(folder: RunFolder) -> RunFolder:
    """Move what a run left to the first free name with a number. Raises StorageError."""
    number = 1
    while (folder.path.with_name(f"{folder.name}-{number}")).exists():
        number += 1
    target = folder.path.with_name(f"{folder.name}-{number}")
    with storage_errors(target):
        target.mkdir()
        for entry in folder.path.iterdir():
            if entry.name != LOCK:
                shutil.move(entry, target / entry.name)
    return RunFolder(target)
