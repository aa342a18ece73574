"""Runs with scripts of extensions, on the tests' own thread, and the same without any of it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest
import torch
from PIL import Image, ImageDraw

from tests.compat.a1111.contexts import make_context
from tests.pipelines.runs import pictures
from webui.compat.a1111.hooks import run as hooks
from webui.compat.a1111.host import ExtensionHost
from webui.core.events import Event, ImageReady
from webui.core.request import GenerationRequest
from webui.models.manager import ModelManager
from webui.pipelines.generate.generate import generate
from webui.plugins.context import Context
from webui.plugins.host import Plugins
from webui.plugins.loading import Extensions


@pytest.fixture(scope="module")
def models(exact_services) -> ModelManager:
    return ModelManager(exact_services.catalog, torch.device("cpu"), 2**31)


@dataclass
class World:
    """A host with services, and a context whose runs call the scripts that a test adds."""

    host: ExtensionHost
    context: Context
    told: list[Event]

    def module(self, name: str) -> ModuleType:
        return import_module(f"modules.{name}")

    def add(self, script: Any, *values: object, tab: str = "txt2img", is_chosen: bool = False) -> Any:
        """A script of the tab with the arguments of its panel; chosen, it stands in the list "Script"."""
        runner = getattr(self.module("scripts"), f"scripts_{tab}")
        script.filename = __file__
        script.args_from = len(runner.inputs)
        runner.inputs += [Component(value) for value in values]
        script.args_to = len(runner.inputs)
        runner.scripts.append(script)
        (runner.selectable_scripts if is_chosen else runner.alwayson_scripts).append(script)
        return script

    def run(self, request: GenerationRequest) -> list[ImageReady]:
        """The results, whose scripts take part."""
        return [each for each in pictures(generate(request, self.context)) if not each.aside]

    def plain(self, request: GenerationRequest) -> list[ImageReady]:
        """The same without any script."""
        return pictures(generate(request, replace(self.context, plugins=Plugins())))


@dataclass
class Component:
    value: object


@pytest.fixture
def world(host, exact_services, models) -> Iterator[World]:
    extensions = Extensions()
    extensions.plugins.register(hooks, "a1111 run")
    host.services = replace(exact_services, extensions=extensions)
    told: list[Event] = []
    yield World(host, make_context(exact_services, models, extensions.plugins, told), told)


@pytest.fixture
def noise() -> Image.Image:
    return Image.effect_noise((64, 64), 60).convert("RGB")


@pytest.fixture
def mask() -> Image.Image:
    drawn = Image.new("L", (64, 64))
    ImageDraw.Draw(drawn).rectangle((16, 16, 47, 47), fill=255)
    return drawn
