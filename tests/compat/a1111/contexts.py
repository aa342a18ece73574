"""A job's context for tests of what community extensions do in runs."""

from webui.core.events import Event
from webui.core.settings import Settings
from webui.core.stop import Stop
from webui.jobs.services import Services
from webui.models.images.upscalers import Upscalers
from webui.models.manager import ModelManager
from webui.pipelines.generate.generate import generate
from webui.plugins.context import Context
from webui.plugins.host import Plugins


def make_context(services: Services, models: ModelManager, plugins: Plugins, told: list[Event]) -> Context:
    """Exact, with tiny-sd15 selected; what is emitted is appended to `told`."""
    return Context(
        models,
        Upscalers(models.catalog, models.device, exact=True),
        services.inputs,
        services.latents,
        Settings().changed({"precision": "exact", "sd_model_checkpoint": "tiny-sd15"}),
        Stop(),
        services.version,
        plugins=plugins,
        emit=told.append,
        run=generate,
    )
