"""Runs with extensions: the finished latents of a request, exact."""

import importlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from tests.pipelines.runs import request_of
from webui.core.events import ImageReady
from webui.core.request import GenerationRequest
from webui.pipelines.generate.generate import generate
from webui.plugins import RequestPart, hookimpl, specs
from webui.plugins.context import Context
from webui.plugins.host import Plugins


class Watcher:
    """Keeps what a run makes: finished latents, and the network as each pass found it."""

    def __init__(self) -> None:
        self.latents: list[Tensor] = []
        self.denoisings: list[Any] = []

    @hookimpl
    def change_latent(self, latent: Tensor) -> None:
        self.latents.append(latent.clone())

    @hookimpl(trylast=True)
    def prepare_denoising(self, denoising: Any) -> None:
        self.denoisings.append(denoising)


def with_extensions(context: Context, *names: str) -> tuple[Context, Watcher]:
    """The context with some of our extensions; one that fails is a failure of the test."""
    plugins, watcher = Plugins(specs), Watcher()
    for name in names:
        module = importlib.import_module(f"extensions.{name}.plugin")
        plugins.register(module, name)
    for found in plugins.call("register_request_part"):
        for part in found if isinstance(found, list | tuple) else [found]:
            plugins.parts[part.key] = part
    plugins.register(watcher, "watcher")

    def tell(event: Any) -> None:
        assert "failed in" not in getattr(event, "text", ""), event.text

    # Pictures of unfinished latents take most of the time of a tiny network.
    settings = context.settings.changed({"show_progress_every_n_steps": 0})
    return replace(context, plugins=plugins, emit=tell, settings=settings), watcher


def request_with(*parts: RequestPart, **changes: Any) -> GenerationRequest:
    """A small request with some parts."""
    request = request_of(**changes)
    for part in parts:
        request = part.put_into(request)
    return request


def run(context: Context, request: GenerationRequest, *names: str) -> tuple[Tensor, list[ImageReady]]:
    """Finished latents of all batches (N, C, h, w), and the pictures."""
    own, watcher = with_extensions(context, *names)
    made = [event for event in generate(request, own) if isinstance(event, ImageReady) and not event.aside]
    return torch.cat(watcher.latents), made


def sample(context: Context, request: GenerationRequest, *names: str) -> Tensor:
    """The finished latent (B, C, h, w) of a request of one batch, without its pictures."""
    own, watcher = with_extensions(context, *names)
    with closing(generate(request, own)) as events:
        for _ in events:
            if watcher.latents:
                break
    return watcher.latents[0]


@contextmanager
def without_hooks_left(network: torch.nn.Module) -> Iterator[None]:
    """Assert that a network has the same weights and hooks afterwards."""
    from tests.pipelines.runs import digest_of

    before = digest_of([network])
    yield
    assert digest_of([network]) == before
