"""Makes an embedding or a hypernetwork that has learned nothing yet, as A1111's tab does."""

from collections.abc import Generator

from webui.core.errors import InvalidRequest
from webui.core.events import Event, Phase, TrainingSaved
from webui.core.work.training_create import TrainingCreateRequest
from webui.models.cpu.precision import FULL
from webui.plugins.context import Context
from webui.training.facts import read_facts
from webui.training.methods.registry import make_trainable
from webui.training.networks import TrainingNetworks
from webui.training.preparing import find_checkpoint
from webui.training.presets import fill
from webui.training.run_folder import check_name


def create(request: TrainingCreateRequest, context: Context) -> Generator[Event]:
    """The file in its model folder. Raises WebuiError."""
    run = request.run
    check_name(run.name)
    catalog = context.models.catalog
    yield Phase(name="Loading the checkpoint")
    file = find_checkpoint(catalog, run.checkpoint)
    run = fill(run, read_facts(file))
    networks = TrainingNetworks.load(file, context.models.device, FULL)
    trainable = make_trainable(run, networks, context.plugins.trainables)
    path = catalog.folders.home(trainable.kind) / f"{run.name}{trainable.suffix}"
    if path.exists() and not request.replaces:
        raise InvalidRequest(
            f"There is a file named {path.name} already. Choose another name, or allow to overwrite it."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    trainable.save(path, {"ss_output_name": run.name, "ss_sd_model_name": file.file_name})
    catalog.add(path)
    yield TrainingSaved(step=0, path=str(path), is_final=True)
