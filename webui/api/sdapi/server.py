"""The rest of /sdapi/v1: options, lists, progress, interruption, infotext of a picture."""

import base64
import time
from typing import Annotated, Any

from fastapi import APIRouter, Body
from fastapi.responses import JSONResponse

from webui.api.sdapi.answers import PNGInfoResponse, ProgressResponse
from webui.api.sdapi.bodies import PngInfoBody
from webui.api.sdapi.documents import a1111_options, options_model
from webui.api.sdapi.given_pictures import from_base64
from webui.api.sdapi.interrogate import add_interrogate_route
from webui.api.sdapi.lists import add_list_routes
from webui.api.sdapi.machine import add_machine_routes
from webui.api.sdapi.networks import add_network_routes
from webui.api.sdapi.option_values import (
    further_options,
    keep_known_options,
    refuse_restricted,
    values_of_extensions,
)
from webui.api.sdapi.training import add_training_routes
from webui.core.errors import NotFound
from webui.core.infotext import parse_fields
from webui.core.model_file import ModelFile
from webui.core.sampling import unknown_name
from webui.jobs.job import Job
from webui.jobs.services import Services
from webui.store.reading import read_infotext


def routes(services: Services) -> APIRouter:
    """The routes, bound to the server's services."""
    router = APIRouter(prefix="/sdapi/v1")
    add_option_routes(router, services)
    add_list_routes(router, services)
    add_network_routes(router, services)
    add_job_routes(router, services)
    add_machine_routes(router, services)
    add_interrogate_route(router, services)
    add_training_routes(router, services)

    @router.post("/png-info")
    def png_info(body: PngInfoBody) -> PNGInfoResponse:
        found = read_infotext(from_base64(body.image))
        infotext = found.infotext or ""
        return PNGInfoResponse(info=infotext, items=found.items, parameters=parse_fields(infotext))

    return router


def add_option_routes(router: APIRouter, services: Services) -> None:
    """GET and POST /options."""

    # The types of A1111's options stand in the document; the values go out as they are.
    @router.get("/options", response_model=None, responses={200: {"model": options_model()}})
    def get_options() -> JSONResponse:
        selected = selected_checkpoint(services)
        own = services.settings.current.options()
        chosen = {"sd_model_checkpoint": selected.title} if selected else {}
        further = values_of_extensions(further_options(services))
        return JSONResponse(a1111_options() | further | own | chosen)

    @router.post("/options")
    def set_options(options: Annotated[dict[str, Any], Body()]) -> None:
        own, known = services.settings.current.keys(), a1111_options()
        further = further_options(services)
        names = [*own, *known, *(key for each in further for key in each.values)]
        for key in options:
            if key not in names:
                raise NotFound(unknown_name("option", key, names))
        refuse_restricted(options, services.settings.current, further)
        chosen = keep_known_options(options)
        if checkpoint := chosen.get("sd_model_checkpoint"):
            chosen["sd_model_checkpoint"] = services.catalog.find_checkpoint(str(checkpoint)).title
        # A refused value, ours or an extension's, leaves all as it was.
        services.settings.check(chosen)
        for each in further:
            wanted = {key: options[key] for key in each.values if options.get(key) is not None}
            each.keep({key: value for key, value in wanted.items() if key not in own})
        services.settings.change(chosen)


def add_job_routes(router: APIRouter, services: Services) -> None:
    """What runs now."""

    # On the event loop: they are answered even where every thread is busy.
    @router.get("/progress")
    async def progress(*, skip_current_image: bool = False) -> ProgressResponse:
        job = services.jobs.running()
        return running_progress(job, with_image=not skip_current_image) if job else idle_progress()

    @router.post("/interrupt")
    async def interrupt() -> dict[str, Any]:
        services.jobs.interrupt()
        return {}

    @router.post("/skip")
    async def skip() -> None:
        services.jobs.skip()


def idle_progress() -> ProgressResponse:
    """Nothing runs."""
    return ProgressResponse(progress=0.0, eta_relative=0.0, state=state("", 0, 0, 0, 0))


def running_progress(job: Job, *, with_image: bool) -> ProgressResponse:
    """Where the running job stands."""
    at, preview = job.progress(), job.preview()
    return ProgressResponse(
        progress=at.fraction,
        eta_relative=at.eta_s or 0.0,
        state=state(job.id, at.batches or batches_of(job), at.batch, at.sampling_step, at.sampling_steps)
        | {
            "skipped": job.halt.is_skipped,
            "interrupted": job.halt.is_stopped,
            "job_timestamp": time.strftime("%Y%m%d%H%M%S", time.localtime(job.created)),
        },
        current_image=base64.b64encode(preview.data).decode() if with_image and preview else None,
        textinfo=job.messages()[-1].text if job.messages() else None,
    )


def batches_of(job: Job) -> int:
    """How many batches a job has that has not told yet."""
    return job.generation.batch_count if job.generation else 1


def state(job: str, count: int, number: int, step: int, steps: int) -> dict[str, Any]:
    """A1111's state object."""
    return {
        "skipped": False,
        "interrupted": False,
        "stopping_generation": False,
        "job": job,
        "job_count": count,
        "job_timestamp": "0",
        "job_no": number,
        "sampling_step": step,
        "sampling_steps": steps,
    }


def selected_checkpoint(services: Services) -> ModelFile | None:
    """The selected checkpoint, if there is any."""
    try:
        return services.catalog.find_checkpoint(services.settings.current.models.sd_model_checkpoint)
    except NotFound:
        return None
