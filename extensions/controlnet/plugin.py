"""ControlNet: pictures that guide others, by networks trained for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extensions.controlnet.units import ControlNetPart
from webui.plugins import hookimpl

if TYPE_CHECKING:
    from webui.plugins import Batch, Context, Denoising, RequestPart


@hookimpl
def register_request_part() -> type[RequestPart]:
    """The units of a request."""
    return ControlNetPart


@hookimpl
def prepare_denoising(denoising: Denoising, batch: Batch, context: Context) -> None:
    """Let a request's units guide this pass."""
    if ControlNetPart.key not in batch.request.extras:
        return
    # Brings torch and diffusers, which the page does not wait for.
    from extensions.controlnet.apply import prepare

    prepare(denoising, batch, context)


@hookimpl
def add_routes(app: Any, services: Any) -> None:  # noqa: ANN401 - of a floor above
    """The community's routes, and those of the page."""
    # Brings FastAPI's routes of preprocessors, which only a server needs.
    from extensions.controlnet import routes

    routes.add_routes(app, services)
