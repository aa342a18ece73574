"""The rest of /sdapi/v1: options, lists, progress, interruption, infotext of a picture."""

import base64
import json
import time
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Body

from webui.api.sdapi.fields import from_base64
from webui.api.sdapi.models import PngInfoAnswer, PngInfoBody, ProgressAnswer
from webui.api.sdapi.networks import add_network_routes
from webui.core.errors import NotFound
from webui.core.infotext import parse_fields
from webui.core.model_file import ModelFile, ModelKind
from webui.core.sampling import SAMPLERS, SCHEDULES, SamplerInfo, unknown_name
from webui.jobs.job import Job
from webui.jobs.services import Services
from webui.store.reading import read_infotext


@cache
def a1111_options() -> dict[str, Any]:
    """A1111's options and their defaults, for clients that read or set keys without a meaning here."""
    return json.loads(files("webui.api.sdapi").joinpath("a1111_options.json").read_text("utf-8"))


def routes(services: Services) -> APIRouter:
    """The routes, bound to the server's services."""
    router = APIRouter(prefix="/sdapi/v1")
    add_option_routes(router, services)
    add_list_routes(router, services)
    add_network_routes(router, services)
    add_job_routes(router, services)

    @router.post("/png-info")
    def png_info(body: PngInfoBody) -> PngInfoAnswer:
        found = read_infotext(from_base64(body.image))
        infotext = found.infotext or ""
        return PngInfoAnswer(info=infotext, items=found.items, parameters=parse_fields(infotext))

    return router


def add_option_routes(router: APIRouter, services: Services) -> None:
    """GET and POST /options."""

    @router.get("/options")
    def get_options() -> dict[str, Any]:
        selected = selected_checkpoint(services)
        own = services.settings.current.options()
        return a1111_options() | own | ({"sd_model_checkpoint": selected.title} if selected else {})

    @router.post("/options")
    def set_options(options: Annotated[dict[str, Any], Body()]) -> None:
        own, known = services.settings.current.keys(), a1111_options()
        for key in options:
            if key not in own and key not in known:
                raise NotFound(unknown_name("option", key, [*own, *known]))
        chosen = {key: value for key, value in options.items() if key in own}
        if checkpoint := chosen.get("sd_model_checkpoint"):
            chosen["sd_model_checkpoint"] = services.catalog.find_checkpoint(str(checkpoint)).title
        services.settings.change(chosen)


def add_list_routes(router: APIRouter, services: Services) -> None:
    """What can be chosen."""

    @router.get("/samplers")
    def samplers() -> list[dict[str, Any]]:
        return [
            {"name": info.label, "aliases": list(info.aliases), "options": sampler_options(info)}
            for info in SAMPLERS
        ]

    @router.get("/schedulers")
    def schedulers() -> list[dict[str, Any]]:
        return [
            {
                "name": info.name,
                "label": info.label,
                "aliases": list(info.aliases) or None,
                "default_rho": info.default_rho,
                "need_inner_model": info.needs_network_sigmas,
            }
            for info in SCHEDULES
        ]

    @router.get("/sd-models")
    def sd_models() -> list[dict[str, Any]]:
        services.catalog.settle(ModelKind.CHECKPOINT)
        return [checkpoint(file) for file in services.catalog.files(ModelKind.CHECKPOINT)]

    @router.get("/sd-vae")
    def sd_vae() -> list[dict[str, str]]:
        services.catalog.settle(ModelKind.VAE)
        return [
            {"model_name": file.file_name, "filename": file.path_text}
            for file in services.catalog.files(ModelKind.VAE)
        ]

    @router.get("/prompt-styles")
    def prompt_styles() -> list[dict[str, str]]:
        return [
            {"name": style.name, "prompt": style.prompt, "negative_prompt": style.negative_prompt}
            for style in services.styles().styles
        ]

    @router.post("/refresh-checkpoints")
    def refresh_checkpoints() -> None:
        services.catalog.scan()

    @router.post("/refresh-vae")
    def refresh_vae() -> None:
        services.catalog.scan()


def add_job_routes(router: APIRouter, services: Services) -> None:
    """What runs now."""

    # On the event loop: they are answered even where every thread is busy.
    @router.get("/progress")
    async def progress(*, skip_current_image: bool = False) -> ProgressAnswer:
        job = services.jobs.running()
        return running_progress(job, with_image=not skip_current_image) if job else idle_progress()

    @router.post("/interrupt")
    async def interrupt() -> dict[str, Any]:
        services.jobs.interrupt()
        return {}

    @router.post("/skip")
    async def skip() -> None:
        services.jobs.skip()


def idle_progress() -> ProgressAnswer:
    """Nothing runs."""
    return ProgressAnswer(progress=0.0, eta_relative=0.0, state=state("", 0, 0, 0, 0))


def running_progress(job: Job, *, with_image: bool) -> ProgressAnswer:
    """Where the running job stands."""
    at, preview = job.progress(), job.preview()
    return ProgressAnswer(
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


def sampler_options(info: SamplerInfo) -> dict[str, str]:
    """A sampler's properties under A1111's names."""
    options = {} if info.default_schedule == "Automatic" else {"scheduler": info.default_schedule.lower()}
    flags = {
        "second_order": info.is_second_order,
        "uses_ensd": info.uses_ensd,
        "discard_next_to_last_sigma": info.discards_next_to_last_sigma,
        "brownian_noise": info.uses_brownian_noise,
    }
    solver = {"solver_type": "heun"} if info.label == "DPM++ 2M SDE Heun" else {}
    return options | {name: "True" for name, is_set in flags.items() if is_set} | solver


def selected_checkpoint(services: Services) -> ModelFile | None:
    """The selected checkpoint, if there is any."""
    try:
        return services.catalog.find_checkpoint(services.settings.current.models.sd_model_checkpoint)
    except NotFound:
        return None


def checkpoint(file: ModelFile) -> dict[str, Any]:
    """A checkpoint as A1111 lists it."""
    sidecar = file.path.with_suffix(".yaml")
    return {
        "title": file.title,
        "model_name": str(Path(file.name).with_suffix("")).replace("/", "_").replace("\\", "_"),
        "hash": file.short_hash,
        "sha256": file.sha256,
        "filename": file.path_text,
        "config": str(sidecar) if sidecar.is_file() else None,
    }
