"""Runs in which A1111's extensions take part, on the tests' own thread."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from types import ModuleType

import pytest
import torch

from tests.compat.a1111.contexts import make_context
from tests.pipelines.runs import pictures
from webui.compat.a1111.facades import running_context
from webui.compat.a1111.hooks import models as model_hooks
from webui.compat.a1111.hooks import run as run_hooks
from webui.compat.a1111.host import ExtensionHost
from webui.core.events import Event, ImageReady
from webui.core.request import GenerationRequest, make_request
from webui.models.manager import ModelManager
from webui.pipelines.generate.generate import generate
from webui.plugins.context import Context
from webui.plugins.loading import Extensions


@pytest.fixture(scope="module")
def models(exact_services) -> ModelManager:
    return ModelManager(exact_services.catalog, torch.device("cpu"), 2**31)


@dataclass
class World:
    """A host with services, and a context whose runs call the hooks of models and runs."""

    host: ExtensionHost
    context: Context
    told: list[Event]

    def module(self, name: str) -> ModuleType:
        return import_module(name)

    def request(self, **fields: object) -> GenerationRequest:
        return make_request(
            **{"steps": 2, "width": 64, "height": 64, "model": "tiny-sd15", "seed": 1} | fields
        )

    def run(self, **fields: object) -> list[ImageReady]:
        return pictures(generate(self.request(**fields), self.context))


@pytest.fixture
def world(host, exact_services, models) -> Iterator[World]:
    extensions = Extensions()
    extensions.plugins.register(run_hooks, "a1111 run")
    extensions.plugins.register(model_hooks, "a1111 models")
    host.services = replace(exact_services, extensions=extensions)
    host.root = exact_services.paths.root
    told: list[Event] = []
    yield World(host, make_context(exact_services, models, extensions.plugins, told), told)
    running_context.forget()
    exact_services.catalog.added.replace_all([], [])
