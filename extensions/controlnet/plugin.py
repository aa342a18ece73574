"""ControlNet: pictures that guide others, by networks trained for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extensions.controlnet.units import ControlNetPart
from extensions.controlnet.waiting import FINISHES
from webui.plugins import hookimpl

if TYPE_CHECKING:
    from PIL.Image import Image

    from webui.plugins import (
        Batch,
        Context,
        Denoising,
        GenerationRequest,
        PictureMoment,
        RequestPart,
        RunPlan,
    )


@hookimpl
def register_request_part() -> type[RequestPart]:
    """The units of a request."""
    return ControlNetPart


@hookimpl
def change_request(context: Context) -> None:
    """A run begins: what a stopped one left for its pictures is not meant for this one's."""
    FINISHES.begin_run(context)


@hookimpl
def plan_run(plan: RunPlan, request: GenerationRequest) -> RunPlan | None:
    """A run of one picture whose units have batches makes one of each, all from the same seed."""
    part = ControlNetPart.of(request)
    if part is None or len(plan) > 1 or part.batch_size == 1:
        return None
    return plan.replace(plan.pictures * part.batch_size)


@hookimpl
def prepare_denoising(denoising: Denoising, batch: Batch, context: Context) -> None:
    """Let a request's units guide this pass."""
    if ControlNetPart.key not in batch.request.extras:
        return
    # Brings torch and diffusers, which the page does not wait for.
    from extensions.controlnet.apply import prepare

    prepare(denoising, batch, context)


@hookimpl
def change_image(image: Image, picture: PictureMoment, context: Context) -> Image | None:
    """Give a decoded picture what its units' pictures keep: colours, brightness, what is not masked."""
    finishes = FINISHES.take(context, picture.index) if picture.place == "decoded" else []
    for finish in finishes:
        image = finish(image)
    return image if finishes else None


@hookimpl
def add_routes(app: Any, services: Any) -> None:  # noqa: ANN401 - of a floor above
    """The community's routes, and those of the page."""
    # Brings FastAPI's routes of preprocessors, which only a server needs.
    from extensions.controlnet import routes

    routes.add_routes(app, services)
