"""A row for a run's sample strips: a prompt of the artist's with every file that the run has saved."""

from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import replace

from PIL import Image

from webui.core.errors import InvalidRequest, NotFound
from webui.core.events import Event, Phase, TrainingSample
from webui.core.model_file import ModelFile, ModelKind
from webui.core.work.training_run import TrainingRun
from webui.core.work.training_sample import TrainingSampleRequest
from webui.diffusion.prediction import Prediction
from webui.models.cpu.precision import FULL
from webui.plugins.context import Context
from webui.training.data.batch import TrainingBatch
from webui.training.data.desk import DATASETS, Desk
from webui.training.data.reading import read_data
from webui.training.data.source import BatchSource
from webui.training.methods.names import kind_of
from webui.training.methods.registry import make_trainable
from webui.training.networks import TrainingNetworks
from webui.training.preparing import find_checkpoint
from webui.training.run_folder import RunFolder, WrittenFile
from webui.training.samples import SamplePicture, choose_scale, choose_size, draw, first_pictures, save_webp


def draw_row(request: TrainingSampleRequest, context: Context) -> Generator[Event]:
    """A sample with each of the run's files. Raises WebuiError."""
    if context.paths is None:
        raise InvalidRequest("There is no data folder with runs.")
    folder = RunFolder.of(context.paths.data, request.name)
    run = folder.read_run("filled")
    files = [each for each in folder.list_files() if request.step in {None, each.step}]
    if not files:
        raise NotFound(f"The run {request.name} has saved no file yet. Wait for the first, or stop the run.")
    yield Phase(name="Loading the checkpoint")
    checkpoint = find_checkpoint(context.models.catalog, run.checkpoint)
    networks = None
    for file in files:
        if context.stop.is_stopped:
            return
        yield Phase(name="Drawing samples", detail=f"step {file.step}")
        if networks is None or kind_of(run) is ModelKind.CHECKPOINT:
            networks = load_networks(context, run, checkpoint, file)
        path = folder.samples / f"{file.step:06d}-{request.number}.webp"
        save_webp(path, draw_with(networks, run, file, request, context))
        yield TrainingSample(step=file.step, prompt=request.number, path=str(path))


def load_networks(
    context: Context, run: TrainingRun, checkpoint: ModelFile, file: WrittenFile
) -> TrainingNetworks:
    """The checkpoint of the run, or the trained one in its place."""
    if kind_of(run) is ModelKind.CHECKPOINT:
        checkpoint = checkpoint.model_copy(update={"path": file.path, "name": file.path.name})
    found = TrainingNetworks.load(checkpoint, context.models.device, FULL)
    prediction = Prediction(run.prediction or found.model.prediction, found.model.alphas_cumprod)
    return replace(found, prediction=prediction.changed(zero_terminal_snr=bool(run.zero_snr)))


def draw_with(
    networks: TrainingNetworks,
    run: TrainingRun,
    file: WrittenFile,
    request: TrainingSampleRequest,
    context: Context,
) -> Image.Image:
    """A picture with one of the run's files."""
    picture = SamplePicture(
        request.prompt,
        request.seed,
        *choose_size(run),
        cfg_scale=choose_scale(networks),
        shown=first_shown(run, networks, context),
    )
    if kind_of(run) is ModelKind.CHECKPOINT:
        return draw(picture, networks, None, run.clip_skip or 1)
    trainable = make_trainable(
        run.model_copy(update={"start_from": str(file.path)}), networks, context.plugins.trainables
    )
    with ExitStack() as stack:
        stack.enter_context(trainable.attach())
        return draw(picture, networks, trainable, run.clip_skip or 1)


def first_shown(run: TrainingRun, networks: TrainingNetworks, context: Context) -> TrainingBatch | None:
    """The first picture of the data set with its hint, for a ControlNet."""
    if run.method != "controlnet" or context.paths is None:
        return None
    desk = Desk(context.paths.data / DATASETS, context.folders)
    dataset = read_data(desk.resolve(run.data), run, desk.guard)
    folder = RunFolder.of(context.paths.data, run.name)
    source = BatchSource(dataset, run, networks.model.encode, folder.cache / "latents", context.tell)
    return first_pictures(next(source.epoch(0)))[0]
