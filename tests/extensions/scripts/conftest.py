"""A context that has the scripts, on the tests' own thread."""

import pytest
import torch

from extensions.scripts import plugin
from webui.core.settings import Settings
from webui.core.stop import Stop
from webui.models.images.upscalers import Upscalers
from webui.models.manager import ModelManager
from webui.pipelines.generate.generate import generate
from webui.plugins import specs
from webui.plugins.context import Context
from webui.plugins.host import Plugins


@pytest.fixture(scope="module")
def models(exact_services) -> ModelManager:
    """A manager of its own, made and used on the tests' thread."""
    return ModelManager(exact_services.catalog, torch.device("cpu"), 2**31)


@pytest.fixture
def plugins() -> Plugins:
    """Extensions with the scripts."""
    host = Plugins(specs)
    host.register(plugin, "scripts")
    for script in plugin.register_scripts():
        host.scripts[script.title.lower()] = script
    return host


@pytest.fixture
def context(models, exact_services, plugins) -> Context:
    """A run that nobody stops, in 32 bits."""
    settings = Settings().changed({"precision": "exact", "show_progress_every_n_steps": -1})
    upscalers = Upscalers(models.catalog, models.device, exact=True)
    inputs, latents = exact_services.inputs, exact_services.latents
    return Context(
        models, upscalers, inputs, latents, settings, Stop(), "Atelier test", plugins=plugins, run=generate
    )
