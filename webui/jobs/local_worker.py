"""The worker on this machine. Importing it loads torch, so that only the device thread does."""

from collections.abc import Generator

from webui.core.events import Event
from webui.core.flags import Flags
from webui.core.request import GenerationRequest
from webui.core.settings import Settings
from webui.core.stop import Stop
from webui.models.catalog import Catalog
from webui.models.manager import ModelManager
from webui.pipelines.context import Context
from webui.pipelines.generate import generate


class LocalWorker:
    """Holds the one ModelManager. Make it on the device thread."""

    def __init__(self, catalog: Catalog, flags: Flags, version: str) -> None:
        self._models = ModelManager.for_machine(catalog, flags)
        self._version = version

    def run(self, request: GenerationRequest, settings: Settings, stop: Stop) -> Generator[Event]:
        """Carry out one request."""
        context = Context(self._models, settings, stop, self._version)
        return generate(request, context)
