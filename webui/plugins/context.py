"""What a recipe may use while a job runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Hashable
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image

from webui.core.errors import InvalidRequest
from webui.core.events import Event, ImageReady, Message, Phase, Preview, Progress
from webui.core.request import GenerationRequest
from webui.core.settings import Paths, Settings
from webui.core.stop import Stop
from webui.models.network_holder import Loading
from webui.plugins.host import AnyModel, Plugins
from webui.prompts.styles import Styles
from webui.store.files.folder_rules import FolderRules
from webui.store.pictures.inputs import Inputs
from webui.store.pictures.latents import Latents

if TYPE_CHECKING:
    from webui.models.images.upscalers import Upscalers
    from webui.models.manager import ModelManager

# A run of one request, as pipelines make it.
Run = Callable[[GenerationRequest, "Context"], Generator[Event]]
MOST_NESTED = 8


def lose(event: Event) -> None:
    """Where nobody watches the job."""


@dataclass(slots=True)
class RunState:
    """What is so of a job just now: its steps, how many runs it began, and how deep they are nested.

    While it samples, no run may begin: extensions' changes to the network would act in both.
    """

    progress: Progress | None = None
    runs: int = 0
    depth: int = 0
    is_sampling: bool = False

    @contextmanager
    def sampling(self) -> Generator[None]:
        """It samples while the context is open."""
        self.is_sampling = True
        try:
            yield
        finally:
            self.is_sampling = False


@dataclass(frozen=True, slots=True)
class Context:
    """Models, a frozen copy of the settings, and how the job is told to end."""

    models: ModelManager
    upscalers: Upscalers
    inputs: Inputs
    latents: Latents
    settings: Settings
    stop: Stop
    version: str
    clock: Callable[[], float] = field(default=time.monotonic)
    plugins: Plugins = field(default_factory=Plugins)
    # Where things lie; None where nothing but the models is on disk.
    paths: Paths | None = None
    # Which folders those who use the server may name; None where they may name any.
    folders: FolderRules | None = None
    # The prompt presets as they are now.
    styles: Callable[[], Styles] = Styles
    # Tells an event at once, from within a plain call.
    emit: Callable[[Event], None] = lose
    # How a request is run; pipelines set it.
    run: Run | None = None
    state: RunState = field(default_factory=RunState)

    def restore_faces(self, image: Image.Image, name: str, weight: float) -> Image.Image:
        """A picture with its faces restored; see FaceRestorers."""
        return self.upscalers.faces.restore(image, name, weight)

    def settings_of(self, model: type[AnyModel]) -> AnyModel:
        """An extension's own settings as they were when the job was made, of the model that it registered."""
        return self.plugins.settings_of(model, self.settings)

    def tell(self, text: str) -> None:
        """A warning for the artist, at once."""
        self.emit(Message(text=text, level="warning"))

    def events(self, request: GenerationRequest) -> Generator[Event]:
        """The events of a nested run, for a script that makes several. Raises WebuiError."""
        if self.run is None:
            raise RuntimeError("There is nothing to make pictures with: the context was made without a run.")
        if self.state.is_sampling:
            raise InvalidRequest("A picture cannot be made while another is sampled. Do it before or after.")
        if self.state.depth >= MOST_NESTED:
            raise InvalidRequest(f"Runs are nested more than {MOST_NESTED} deep. An extension calls itself.")
        self.state.runs += 1
        self.state.depth += 1
        try:
            yield from self.run(request, self)
        finally:
            self.state.depth -= 1

    def generate(self, request: GenerationRequest, phase: str = "") -> list[ImageReady]:
        """Make pictures within a run, on this thread and in the same budget; they are returned, not told.

        The artist sees the steps under the name of the `phase`. A stopped job gives what was made so far.
        """
        made: list[ImageReady] = []
        outer = self.state.progress
        for event in self.events(request):
            if isinstance(event, ImageReady):
                if not event.aside:
                    made.append(event)
            elif isinstance(event, Progress):
                self.emit(within(event, outer))
            elif isinstance(event, Phase) and phase:
                self.emit(event.model_copy(update={"name": phase, "detail": event.detail or event.name}))
            elif isinstance(event, Message | Preview | Phase):
                self.emit(event)
        self.state.progress = outer
        return made

    def lease(
        self, key: Hashable, load: Callable[[torch.device], Any], name: str, estimated_bytes: int
    ) -> AbstractContextManager[Any]:
        """A network of an extension's own while the context is open, held in the budget of all networks.

        `load` makes it on a device; it has `size_bytes` and `modules()`. `key` tells it from others.
        """
        return self.models.holder.lease(("extension", key), load, Loading(name, estimated_bytes))


def within(event: Progress, outer: Progress | None) -> Progress:
    """The steps of a nested run, while the job as a whole stands still."""
    if outer is None:
        return event
    whole = {name: getattr(outer, name) for name in ("step", "steps", "batch", "batches")}
    return event.model_copy(update=whole)
