"""The worker on this machine. Importing it loads torch, so that only the device thread does."""

import logging
from collections.abc import Callable, Generator, Mapping
from types import MappingProxyType
from typing import Any

from webui.core.errors import OutOfMemory, WebuiError
from webui.core.events import Event, Message
from webui.core.flags import Flags
from webui.core.lack_of_memory import is_lack_of_memory
from webui.core.model_file import ModelKind
from webui.core.request import GenerationRequest
from webui.core.settings import Paths, Settings
from webui.core.stop import Stop
from webui.core.work.caption_request import CaptionRequest
from webui.core.work.extras_request import ExtrasRequest
from webui.core.work.kinds import DecodeRequest, ModelsRequest, WorkRequest
from webui.core.work.series import Series
from webui.core.work.training_create import TrainingCreateRequest
from webui.core.work.training_run import TrainingRun
from webui.core.work.training_sample import TrainingSampleRequest
from webui.jobs.edge import run_at_edge
from webui.jobs.hash_ahead import hash_ahead
from webui.jobs.worker import Emit
from webui.library.catalog.catalog import Catalog
from webui.models.images.upscalers import Upscalers
from webui.models.manager import ModelManager
from webui.models.out_of_memory import LOWER
from webui.pipelines.decode_again import decode_again
from webui.pipelines.extras.extras import process_extras
from webui.pipelines.generate.generate import generate
from webui.pipelines.series import run_series
from webui.plugins.context import Context, lose
from webui.plugins.host import Plugins
from webui.prompts.styles import Styles
from webui.store.files.folder_rules import FolderRules
from webui.store.pictures.inputs import Inputs
from webui.store.pictures.latents import Latents
from webui.training.captioning import caption
from webui.training.creating import create
from webui.training.data.desk import Desk
from webui.training.run import train
from webui.training.sample_rows import draw_row

logger = logging.getLogger(__name__)
GIGABYTE = 2**30
# What carries out a request, by its kind; Any: each takes its own kind.
RECIPES: Mapping[type, Callable[[Any, Context], Generator[Event]]] = MappingProxyType(
    {
        GenerationRequest: generate,
        DecodeRequest: decode_again,
        ExtrasRequest: process_extras,
        TrainingRun: train,
        TrainingSampleRequest: draw_row,
        TrainingCreateRequest: create,
    }
)


class LocalWorker:
    """Holds the one ModelManager and the one Upscalers. Make it on the device thread."""

    def __init__(  # noqa: PLR0913, PLR0917 - made once, in main
        self,
        catalog: Catalog,
        inputs: Inputs,
        latents: Latents,
        flags: Flags,
        version: str,
        plugins: Plugins | None = None,
        paths: Paths | None = None,
        styles: Callable[[], Styles] = Styles,
        datasets: Desk | None = None,
    ) -> None:
        """`styles` reads the prompt presets; `datasets` has the pictures that are captioned."""
        self._datasets = datasets
        # Which folders requests may name; any, unless `main` says otherwise.
        self.folders: FolderRules | None = None
        self._styles = styles
        self._plugins = plugins or Plugins()
        self._paths = paths
        self._models = ModelManager.for_machine(catalog, flags)
        self._upscalers = Upscalers(catalog, self._models.device, self._models.holder, exact=flags.is_exact)
        self._catalog = catalog
        self._inputs = inputs
        self._latents = latents
        self._version = version

    def preload(self, settings: Settings) -> None:
        """Load the selected checkpoint, so that the first picture need not wait for it.

        Where it cannot be loaded, jobs with other checkpoints still can be carried out.
        """
        run_at_edge(lambda: self._load_selected(settings), log_missing_checkpoint)

    def _load_selected(self, settings: Settings) -> None:
        models = settings.models
        with self._models.use(models.sd_model_checkpoint, models.sd_vae, settings.numbers.precision):
            pass

    def run(
        self, request: WorkRequest, settings: Settings, stop: Stop, emit: Emit = lose
    ) -> Generator[Event]:
        """Carry out one request."""
        # Any of these may be named by a prompt without a mark; LoRAs are waited for where one is named.
        self._catalog.settle(*(kind for kind in ModelKind if kind is not ModelKind.LORA))
        hash_ahead(self._catalog, request, settings)
        budget_bytes = int(settings.models.memory_budget_gb * GIGABYTE)
        self._models.set_budget(budget_bytes)
        self._upscalers.prepare(exact=settings.numbers.precision == "exact")
        context = Context(
            self._models,
            self._upscalers,
            self._inputs,
            self._latents,
            settings,
            stop,
            self._version,
            plugins=self._plugins,
            paths=self._paths,
            folders=self.folders,
            styles=self._styles,
            emit=emit,
            run=generate,
        )
        return self._in_memory(self._events(request, context))

    def _events(self, request: WorkRequest, context: Context) -> Generator[Event]:
        if isinstance(request, ModelsRequest):
            return self._manage(request, context.settings)
        if isinstance(request, Series):
            return run_series(request, context, generate)
        if isinstance(request, CaptionRequest):
            return caption(request, context, self._datasets)
        return RECIPES[type(request)](request, context)

    def _manage(self, request: ModelsRequest, settings: Settings) -> Generator[Event]:
        """Free all memory, or load the selected checkpoint. Raises WebuiError."""
        if request.action == "unload":
            self._models.unload()
            yield Message(text="All models have left the memory.", level="info")
        else:
            self._load_selected(settings)
            yield Message(text="The checkpoint is loaded.", level="info")

    def _in_memory(self, events: Generator[Event]) -> Generator[Event]:
        """The events; where memory runs out at a place that can do with no less, a sentence, and all memory
        is free for the next job.
        """
        refusal = f"There is too little memory for this. {LOWER}"
        try:
            return (yield from events)
        except OutOfMemory as error:
            refusal = str(error)
        except (RuntimeError, MemoryError, OSError) as error:
            if not is_lack_of_memory(error):
                raise
            logger.warning("Out of memory: %s", error, exc_info=True)
        # Only here: the error, with all tensors that its frames held, is gone.
        self._models.holder.free_unused()
        raise OutOfMemory(refusal)


def log_missing_checkpoint(error: BaseException) -> None:
    """Say in the log why no checkpoint is loaded yet; the artist hears of it with the first picture."""
    if isinstance(error, WebuiError):
        logger.warning("%s", error)
    else:
        logger.exception("The selected checkpoint could not be loaded; the first picture tries again")
