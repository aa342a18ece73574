"""POST /sdapi/v1/txt2img and img2img: the body becomes a request, the job's pictures become the answer."""

import base64
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, Response

from webui.api.sdapi.answers import ImagesAnswer
from webui.api.sdapi.bodies import GenerationBody, Img2ImgBody, Txt2ImgBody
from webui.api.sdapi.fields import request_fields
from webui.api.sdapi.given_pictures import GivenPictures, addresses_in, fetch_pictures
from webui.api.sdapi.option_values import keep_known_options, overrides_of, refuse_restricted
from webui.api.sdapi.waiting import FinishedJob, SlowWork, finish, json_response
from webui.core.events import ImageReady
from webui.core.request import GenerationRequest
from webui.jobs.generation_info import describe_run
from webui.jobs.job import Delivery, Job
from webui.jobs.requests import SIZES, describe_cut
from webui.jobs.services import Services
from webui.store.texts.encoding import PictureNotes, encode_as_set

# Left out of an answer unless asked for: they are as long as the pictures themselves.
GIVEN_PICTURES = ("init_images", "mask", "latent_mask", "firstpass_image")


def routes(services: Services) -> APIRouter:
    """The routes, bound to the server's services."""
    router = APIRouter()
    calls = Calls(services)

    @router.post("/sdapi/v1/txt2img", response_model=ImagesAnswer)
    async def txt2img(body: Txt2ImgBody) -> Response:
        return await calls.answer(body)

    @router.post("/sdapi/v1/img2img", response_model=ImagesAnswer)
    async def img2img(body: Img2ImgBody) -> Response:
        return await calls.answer(body)

    return router


@dataclass(frozen=True, slots=True)
class Asked:
    """What was submitted, and what the answer needs of the body."""

    job: Job
    request: GenerationRequest
    parameters: dict[str, Any]
    styles: list[str]
    sends_images: bool
    remarks: list[str]
    # Options that stay changed when the job is done.
    lasting_options: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Calls:
    """Carries out calls: each is a job of the queue."""

    services: Services
    work: SlowWork = field(default_factory=lambda: SlowWork("sdapi"))
    # Other hosts are slow: waiting for them must not keep pictures from being sent.
    fetching: SlowWork = field(default_factory=lambda: SlowWork("fetch"))

    async def answer(self, body: GenerationBody) -> Response:
        """Carry out a request and wait for it. Raises the job's refusal."""
        fetched: dict[str, bytes] = {}
        if addresses := addresses_in(pictures_in(body)):
            rules = self.services.settings.current.api
            fetched = await self.fetching.run(fetch_pictures, addresses, self.services.library.web, rules)
        asked = await self.work.run(self.submit, body, fetched)
        finished = await finish(asked.job)
        return await self.work.run(self.make_answer, asked, finished)

    def submit(self, body: GenerationBody, fetched: dict[str, bytes]) -> Asked:
        """Put what a body asks for in the queue."""
        services, overrides = self.services, overrides_of(body)
        refuse_restricted(overrides, services.settings.current)
        own = keep_known_options(overrides)
        given = GivenPictures(services.inputs, fetched, services.folders)
        fields = request_fields(body, overrides, given, services.plugins)
        request = services.new_request(fields, own)
        delivery = Delivery(
            tab="api",
            save_samples=body.save_images and not body.do_not_save_samples,
            save_grid=body.save_images and not body.do_not_save_grid,
            keep_images=True,
            task_id=body.force_task_id or "",
        )
        job = services.submit(request, delivery, own)
        stays = not body.override_settings_restore_afterwards
        return Asked(
            job=job,
            request=request,
            parameters=echo(body),
            styles=body.styles or [],
            sends_images=body.send_images,
            remarks=list_remarks(body, fields, request) + services.remarks_on(fields),
            lasting_options=keep_known_options(body.override_settings or {}) if stays else {},
        )

    def make_answer(self, asked: Asked, finished: FinishedJob) -> Response:
        """The answer to a call whose job is done."""
        job, pictures = asked.job, finished.pictures
        images = [encode(picture, job) for picture in pictures] if asked.sends_images else []
        if asked.lasting_options:
            self.services.settings.change(asked.lasting_options)
        info = describe(asked.request, pictures, job) | {"styles": asked.styles}
        info["messages"] = [*asked.remarks, *info["messages"]]
        text = json.dumps(info, ensure_ascii=False)
        return json_response(ImagesAnswer(images=images, parameters=asked.parameters, info=text))


def list_remarks(body: GenerationBody, fields: dict[str, Any], request: GenerationRequest) -> list[str]:
    """Sentences on what the picture has otherwise than asked for."""
    remarks = size_remarks(fields, request)
    if isinstance(body, Txt2ImgBody) and body.firstpass_image and request.hires is None:
        remarks.append("'firstpass_image' is used with 'enable_hr' only, so it was not used.")
    return remarks


def size_remarks(fields: dict[str, Any], request: GenerationRequest) -> list[str]:
    """Sentences on a size that is not the one asked for."""
    if request.outpainting is not None:
        return [f"The picture has {request.width}x{request.height} pixels: the given one with its new sides."]
    made = {"width": request.width, "height": request.height}
    cuts = [describe_cut(int(fields[side]), made[side], side) for side in SIZES]
    return [cut for cut in cuts if cut is not None]


def pictures_in(body: GenerationBody) -> list[str | None]:
    """What a body gives as pictures."""
    init_images = (body.init_images or []) if isinstance(body, Img2ImgBody) else []
    mask = body.mask if isinstance(body, Img2ImgBody) else None
    return [*init_images, mask, body.firstpass_image]


def echo(body: GenerationBody) -> dict[str, Any]:
    """The body as the answer repeats it."""
    shows_given = isinstance(body, Img2ImgBody) and body.include_init_images
    return body.model_dump(mode="json") | ({} if shows_given else dict.fromkeys(list_given_fields(body)))


def list_given_fields(body: GenerationBody) -> list[str]:
    """The fields of the body that hold pictures."""
    return [name for name in GIVEN_PICTURES if name in type(body).model_fields]


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
    return describe_run(job.planned(request)) | {
        "restore_faces": restores,
        "face_restoration_model": request.options.face_restoration_model if restores else None,
        "sd_model_name": facts.get("model_name"),
        "sd_model_hash": facts.get("model_hash"),
        "sd_vae_name": facts.get("vae_name") or None,
        "sd_vae_hash": facts.get("vae_hash") or None,
        "denoising_strength": strength,
        "index_of_first_image": sum(picture.index < 0 for picture in pictures),
        "infotexts": list_infotexts(pictures, job),
        "job_timestamp": time.strftime("%Y%m%d%H%M%S", time.localtime(job.created)),
        "is_using_inpainting_conditioning": bool(facts.get("is_inpainting")),
        "version": facts.get("version"),
        # Not in A1111: what a person should hear, such as a network that was not found, and what LoRAs did.
        "messages": [message.text for message in job.messages()],
        "loras": [report.model_dump() for report in job.lora_reports()],
    }


def list_infotexts(pictures: Iterable[ImageReady], job: Job) -> list[str]:
    """Of the pictures, and of those that a script made for its sheet alone, in their order."""
    passing = (picture for picture in job.saved() if picture.is_passing)
    return [each.infotext for each in sorted([*pictures, *passing], key=lambda each: each.index)]
