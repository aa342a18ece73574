"""POST /sdapi/v1/txt2img and img2img: the body becomes a request, the job's pictures become the answer."""

import base64
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Response

from webui.api.sdapi.fields import infotext_overrides, own_options, request_fields
from webui.api.sdapi.models import GenerationBody, ImagesAnswer, Img2ImgBody, Txt2ImgBody
from webui.api.sdapi.waiting import FinishedJob, SlowWork, finish, json_response
from webui.core.events import ImageReady
from webui.core.request import GenerationRequest
from webui.jobs.generation_info import describe_run
from webui.jobs.job import Delivery, Job
from webui.jobs.services import Services
from webui.store.encoding import PictureNotes, encode_as_set

# Left out of an answer unless asked for: they are as long as the pictures themselves.
GIVEN_PICTURES = ("init_images", "mask", "latent_mask", "firstpass_image")


def routes(services: Services) -> APIRouter:
    """The routes, bound to the server's services."""
    router = APIRouter()
    work = SlowWork("txt2img")

    @router.post("/sdapi/v1/txt2img", response_model=ImagesAnswer)
    async def txt2img(body: Txt2ImgBody) -> Response:
        return await generate(body, services, work)

    @router.post("/sdapi/v1/img2img", response_model=ImagesAnswer)
    async def img2img(body: Img2ImgBody) -> Response:
        return await generate(body, services, work)

    return router


async def generate(body: GenerationBody, services: Services, work: SlowWork) -> Response:
    """Carry out a request and wait for it. Raises the job's refusal."""
    asked = await work.run(submit, body, services)
    finished = await finish(asked.job)
    return await work.run(make_answer, asked, finished, services)


@dataclass(frozen=True, slots=True)
class Asked:
    """What was submitted, and what the answer needs of the body."""

    job: Job
    request: GenerationRequest
    parameters: dict[str, Any]
    styles: list[str]
    sends_images: bool
    # Options that stay changed when the job is done.
    lasting_options: dict[str, Any]


def submit(body: GenerationBody, services: Services) -> Asked:
    """Put what a body asks for in the queue."""
    overrides = {**infotext_overrides(body), **(body.override_settings or {})}
    own = own_options(services, overrides)
    request = services.new_request(request_fields(body, overrides, services.inputs), own)
    delivery = Delivery(
        tab="api",
        save_samples=body.save_images and not body.do_not_save_samples,
        save_grid=body.save_images and not body.do_not_save_grid,
        keep_images=True,
    )
    stays = not body.override_settings_restore_afterwards
    return Asked(
        job=services.submit(request, delivery, own),
        request=request,
        parameters=echo(body),
        styles=body.styles or [],
        sends_images=body.send_images,
        lasting_options=own_options(services, body.override_settings or {}) if stays else {},
    )


def echo(body: GenerationBody) -> dict[str, Any]:
    """The body as the answer repeats it."""
    shows_given = isinstance(body, Img2ImgBody) and body.include_init_images
    return body.model_dump(mode="json") | ({} if shows_given else dict.fromkeys(given_pictures(body)))


def given_pictures(body: GenerationBody) -> list[str]:
    """The fields of the body that hold pictures."""
    return [name for name in GIVEN_PICTURES if name in type(body).model_fields]


def make_answer(asked: Asked, finished: FinishedJob, services: Services) -> Response:
    """The answer to a call whose job is done."""
    job, pictures = asked.job, finished.pictures
    images = [encode(picture, job) for picture in pictures] if asked.sends_images else []
    if asked.lasting_options:
        services.settings.change(asked.lasting_options)
    info = describe(asked.request, pictures, job) | {"styles": asked.styles}
    text = json.dumps(info, ensure_ascii=False)
    return json_response(ImagesAnswer(images=images, parameters=asked.parameters, info=text))


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
