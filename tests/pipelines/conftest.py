"""A manager on the tests' own thread, and a run that nobody stops."""

import pytest
import torch

from webui.core.settings import Settings
from webui.core.stop import Stop
from webui.models.images.upscalers import Upscalers
from webui.models.manager import ModelManager
from webui.plugins.context import Context


@pytest.fixture(scope="module")
def models(exact_services) -> ModelManager:
    """A manager of its own, made and used on the tests' thread."""
    return ModelManager(exact_services.catalog, torch.device("cpu"), 2**31)


@pytest.fixture
def context(models, exact_services) -> Context:
    """A run that nobody stops, with a preview after every step."""
    settings = Settings().changed({"precision": "exact", "show_progress_every_n_steps": 1})
    upscalers = Upscalers(models.catalog, models.device, exact=True)
    inputs, latents = exact_services.inputs, exact_services.latents
    return Context(models, upscalers, inputs, latents, settings, Stop(), "Atelier test")
