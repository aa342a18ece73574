"""POST /sdapi/v1/txt2img and img2img: the body becomes a request, the job's pictures become the answer."""

import base64
import json
import time
from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter

from webui.api.sdapi.fields import infotext_overrides, own_options, request_fields
from webui.api.sdapi.models import GenerationBody, ImagesAnswer, Img2ImgBody, Txt2ImgBody
from webui.core.errors import WebuiError
from webui.core.events import Finished, ImageReady
from webui.core.request import GenerationRequest
from webui.jobs.generation_info import describe_run
from webui.jobs.job import Delivery, Job
from webui.jobs.services import Services
from webui.store.encoding import PictureNotes, encode_as_set

# Left out of an answer unless asked for: they are as long as the pictures themselves.
GIVEN_PICTURES = ("init_images", "mask")


def routes(services: Services) -> APIRouter:
    """The routes, bound to the server's services."""
    router = APIRouter()

    # Plain `def`s: FastAPI runs them on threads of their own, which may wait for the job.
    @router.post("/sdapi/v1/txt2img")
    def txt2img(body: Txt2ImgBody) -> ImagesAnswer:
        return answer(body, services, body.model_dump())

    @router.post("/sdapi/v1/img2img")
    def img2img(body: Img2ImgBody) -> ImagesAnswer:
        given = {name: None for name in GIVEN_PICTURES if not body.include_init_images}
        return answer(body, services, body.model_dump() | given)

    return router


def answer(body: GenerationBody, services: Services, parameters: dict[str, Any]) -> ImagesAnswer:
    """Carry out a request and wait for it. Raises the job's refusal."""
    overrides = {**infotext_overrides(body), **(body.override_settings or {})}
    own = own_options(services, overrides)
    request = services.new_request(request_fields(body, overrides, services.inputs), own)
    delivery = Delivery(
        tab="api",
        save_samples=body.save_images and not body.do_not_save_samples,
        save_grid=body.save_images and not body.do_not_save_grid,
        keep_images=True,
    )
    job = services.submit(request, delivery, own)
    pictures, finished = collect(job)
    if finished.error:
        raise failure(finished)
    images = [encode(picture, job) for picture in pictures] if body.send_images else []
    if not body.override_settings_restore_afterwards:
        services.settings.change(own_options(services, body.override_settings or {}))
    info = describe(request, pictures, job) | {"styles": body.styles or []}
    return ImagesAnswer(images=images, parameters=parameters, info=json.dumps(info, ensure_ascii=False))


def collect(job: Job) -> tuple[list[ImageReady], Finished]:
    """Wait for the end of a job; its pictures in order."""
    pictures: list[ImageReady] = []
    finished = Finished(outcome="failed")
    for event in job.events():
        if isinstance(event, ImageReady) and event.is_shown:
            pictures.append(event)
        elif isinstance(event, Finished):
            finished = event
    job.drop_images()
    return pictures, finished


def failure(finished: Finished) -> WebuiError:
    """The job's refusal, as an error of the same kind as it had on the device thread."""
    kinds = {kind.__name__: kind for kind in every_subclass(WebuiError)}
    return kinds.get(finished.error_kind or "", WebuiError)(finished.error)


def every_subclass(kind: type) -> list[type]:
    """A class and all that derive from it."""
    return [kind, *(found for child in kind.__subclasses__() for found in every_subclass(child))]


def encode(picture: ImageReady, job: Job) -> str:
    """A picture as base64 of a file in the format of the settings, infotext inside."""
    saving = job.settings.saving
    data = encode_as_set(picture.image, saving.samples_format, PictureNotes(picture.infotext), saving)
    return base64.b64encode(data).decode()


def describe(request: GenerationRequest, pictures: Iterable[ImageReady], job: Job) -> dict[str, Any]:
    """A1111's description of what was made."""
    pictures = list(pictures)
    facts = pictures[0].facts if pictures else {}
    restores = request.restore_faces
    strength = request.denoising_strength if request.is_img2img or request.hires else None
    return describe_run(request) | {
        "restore_faces": restores,
        "face_restoration_model": request.options.face_restoration_model if restores else None,
        "sd_model_name": facts.get("model_name"),
        "sd_model_hash": facts.get("model_hash"),
        "sd_vae_name": facts.get("vae_name") or None,
        "sd_vae_hash": facts.get("vae_hash") or None,
        "denoising_strength": strength,
        "index_of_first_image": 0,
        "infotexts": [picture.infotext for picture in pictures],
        "job_timestamp": time.strftime("%Y%m%d%H%M%S", time.localtime(job.created)),
        "is_using_inpainting_conditioning": bool(facts.get("is_inpainting")),
        "version": facts.get("version"),
        # Not in A1111: what a person should hear, such as a network that was not found, and what LoRAs did.
        "messages": [message.text for message in job.messages()],
        "loras": [report.model_dump() for report in job.lora_reports()],
    }
