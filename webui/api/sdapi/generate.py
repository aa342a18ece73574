"""POST /sdapi/v1/txt2img: the body becomes a request, the job's pictures become the answer."""

import base64
import json
import time
from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter

from webui.api.sdapi.models import ImagesAnswer, Txt2ImgBody
from webui.core.errors import InvalidRequest, WebuiError
from webui.core.events import Finished, ImageReady
from webui.core.image_options import OPTION_FIELDS
from webui.core.request import GenerationRequest
from webui.core.request_infotext import read_infotext
from webui.core.sampling import split_legacy_name
from webui.jobs.generation_info import describe_run
from webui.jobs.job import Delivery, Job
from webui.jobs.services import Services
from webui.store.encoding import PictureNotes, encode_as_set

# Fields of the body that are options of the sampler, by option key. A1111 lets a field win over the option.
SAMPLER_FIELDS = ("s_min_uncond", "s_churn", "s_tmin", "s_tmax", "s_noise")
# Option keys that are fields of the request.
REQUEST_OPTIONS = {"sd_model_checkpoint": "model", "sd_vae": "vae", "tiling": "tiling"}
# What this version refuses rather than leaves out without a word.
NOT_OFFERED = {
    "enable_hr": "hires fix",
    "refiner_checkpoint": "a refiner",
    "restore_faces": "face restoration",
    "script_name": "scripts",
}


def routes(services: Services) -> APIRouter:
    """The route, bound to the server's services."""
    router = APIRouter()

    # A plain `def`: FastAPI runs it on a thread of its own, which may wait for the job.
    @router.post("/sdapi/v1/txt2img")
    def txt2img(body: Txt2ImgBody) -> ImagesAnswer:
        overrides = {**infotext_overrides(body), **(body.override_settings or {})}
        request = services.new_request(request_fields(body, overrides), own_options(services, overrides))
        delivery = Delivery(
            tab="api",
            save_samples=body.save_images and not body.do_not_save_samples,
            save_grid=body.save_images and not body.do_not_save_grid,
            keep_images=True,
        )
        job = services.submit(request, delivery, own_options(services, overrides))
        pictures, finished = collect(job)
        if finished.error:
            raise failure(finished)
        images = [encode(picture, job) for picture in pictures] if body.send_images else []
        if not body.override_settings_restore_afterwards:
            services.settings.change(own_options(services, body.override_settings or {}))
        answer = describe(body, request, pictures, job)
        return ImagesAnswer(
            images=images, parameters=body.model_dump(), info=json.dumps(answer, ensure_ascii=False)
        )

    return router


def collect(job: Job) -> tuple[list[ImageReady], Finished]:
    """Wait for the end of a job; its pictures in order."""
    pictures: list[ImageReady] = []
    finished = Finished(outcome="failed")
    for event in job.events():
        if isinstance(event, ImageReady):
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


def request_fields(body: Txt2ImgBody, overrides: dict[str, Any]) -> dict[str, Any]:
    """The body as fields of GenerationRequest. Raises InvalidRequest for what is not offered."""
    for name, words in NOT_OFFERED.items():
        if getattr(body, name):
            raise InvalidRequest(f"This version has no {words} yet. Leave {name!r} out of the request.")
    for name in body.alwayson_scripts:
        raise InvalidRequest(f"There is no script {name!r} here. Leave it out of 'alwayson_scripts'.")
    sampler, legacy_schedule = split_legacy_name(body.sampler_name or body.sampler_index or "Euler")
    fields = {
        "prompt": body.prompt,
        "negative_prompt": body.negative_prompt,
        "styles": body.styles or [],
        "width": body.width,
        "height": body.height,
        "sampler": sampler,
        "schedule": body.scheduler or legacy_schedule or "Automatic",
        "steps": body.steps,
        "cfg_scale": body.cfg_scale,
        "seed": body.seed,
        "variation_seed": body.subseed,
        "variation_strength": body.subseed_strength,
        "seed_resize_width": max(body.seed_resize_from_w, 0),
        "seed_resize_height": max(body.seed_resize_from_h, 0),
        "batch_size": body.batch_size,
        "batch_count": body.n_iter,
    }
    if body.infotext:
        fields |= infotext_fields(body)
    if body.tiling is not None:
        fields["tiling"] = body.tiling
    fields |= {name: overrides[key] for key, name in REQUEST_OPTIONS.items() if key in overrides}
    return fields | {"options": picture_options(body, overrides)}


def infotext_fields(body: Txt2ImgBody) -> dict[str, Any]:
    """What the body's infotext says of fields that the body itself does not set. The checkpoint stays."""
    set_by_body = {FIELD_OF_BODY.get(name, name) for name in body.model_fields_set}
    found = read_infotext(body.infotext or "")
    return {
        name: float(value) if name == "cfg_scale" else value
        for name, value in found.items()
        if name not in set_by_body and name not in ("options", "model")
    }


FIELD_OF_BODY = {
    "sampler_name": "sampler",
    "sampler_index": "sampler",
    "scheduler": "schedule",
    "subseed": "variation_seed",
    "subseed_strength": "variation_strength",
    "seed_resize_from_w": "seed_resize_width",
    "seed_resize_from_h": "seed_resize_height",
}


def infotext_overrides(body: Txt2ImgBody) -> dict[str, Any]:
    """The options that the body's infotext names, by option key; those it leaves out stay as they are set."""
    if not body.infotext:
        return {}
    options = read_infotext(body.infotext)["options"]
    key_of = {name: key for key, name in OPTION_FIELDS.items()}
    return {key_of[name]: value for name, value in options.items()}


def picture_options(body: Txt2ImgBody, overrides: dict[str, Any]) -> dict[str, Any]:
    """Picture options of this request alone, by field name."""
    options = {OPTION_FIELDS[key]: value for key, value in overrides.items() if key in OPTION_FIELDS}
    for name in SAMPLER_FIELDS:
        if (value := getattr(body, name)) is not None:
            options[name] = value
    if body.eta is not None:
        options |= {"eta_ancestral": body.eta, "eta_ddim": body.eta}
    return options


def own_options(services: Services, overrides: dict[str, Any]) -> dict[str, Any]:
    """Those overrides that are settings of ours; A1111's others have no meaning here and are passed over."""
    keys = services.settings.current.keys()
    return {key: value for key, value in overrides.items() if key in keys}


def encode(picture: ImageReady, job: Job) -> str:
    """A picture as base64 of a file in the format of the settings, infotext inside."""
    saving = job.settings.saving
    data = encode_as_set(picture.image, saving.samples_format, PictureNotes(picture.infotext), saving)
    return base64.b64encode(data).decode()


def describe(
    body: Txt2ImgBody, request: GenerationRequest, pictures: Iterable[ImageReady], job: Job
) -> dict[str, Any]:
    """A1111's description of what was made."""
    pictures = list(pictures)
    facts = pictures[0].facts if pictures else {}
    return describe_run(request) | {
        "restore_faces": False,
        "face_restoration_model": None,
        "sd_model_name": facts.get("model_name"),
        "sd_model_hash": facts.get("model_hash"),
        "sd_vae_name": facts.get("vae_name") or None,
        "sd_vae_hash": facts.get("vae_hash") or None,
        "denoising_strength": body.denoising_strength,
        "index_of_first_image": 0,
        "infotexts": [picture.infotext for picture in pictures],
        "styles": body.styles or [],
        "job_timestamp": time.strftime("%Y%m%d%H%M%S", time.localtime(job.created)),
        "is_using_inpainting_conditioning": False,
        "version": facts.get("version"),
        # Not in A1111: what a person should hear, such as a network that was not found.
        "messages": [message.text for message in job.messages()],
    }
