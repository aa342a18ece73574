"""A host whose state and device extensions may ask for, and runs with the hooks of sampling."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from tests.extensions.conftest import context, models  # noqa: F401 - fixtures


@pytest.fixture
def modules(host: Any) -> Iterator[Any]:
    """The modules that extensions import, by attribute; their lists and callbacks are empty afterwards."""
    from importlib import import_module

    shared = import_module("modules.shared")
    shared.device = torch.device("cpu")
    shared.state = SimpleNamespace(sampling_step=0, sampling_steps=0, current_latent=None)

    class Modules:
        def __getattr__(self, name: str) -> Any:
            try:
                return import_module(f"modules.{name}")
            except ModuleNotFoundError as error:
                raise AttributeError(name) from error

    yield Modules()
    import_module("modules.script_callbacks").clear_callbacks()
    from webui.compat.a1111.denoising.offers import clear_lists

    clear_lists()
