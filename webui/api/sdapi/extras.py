"""A1111's routes of Extras: pictures made larger, and the lists of what makes them so."""

import base64
import html
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from webui.api.sdapi.fields import from_base64
from webui.api.sdapi.waiting import FinishedJob, SlowWork, finish, json_response
from webui.core.errors import InvalidRequest
from webui.core.events import ImageReady
from webui.core.extras_request import ExtrasImage, make_extras_request
from webui.core.model_file import ModelKind
from webui.core.request_parts import LATENT_UPSCALERS
from webui.jobs.job import Delivery, Job
from webui.jobs.services import Services
from webui.library.catalog.upscaler_names import (
    DEFAULT_SCALE,
    RESAMPLERS,
    find_upscaler,
    restorer_names,
    scale_in_name,
    upscaler_files,
)
from webui.store.encoding import PictureNotes, encode_as_set

# How the names of Real-ESRGAN's networks begin in A1111.
REAL_ESRGAN = "R-ESRGAN"
Share = Annotated[float, Field(ge=0, le=1)]


class ExtrasBody(BaseModel):
    """What both routes take. `upscale_first` changes nothing, as in A1111 1.10: upscalers come first."""

    model_config = ConfigDict(extra="ignore")

    resize_mode: Literal[0, 1] = 0
    show_extras_results: bool = True
    gfpgan_visibility: Share = 0
    codeformer_visibility: Share = 0
    codeformer_weight: Share = 0
    upscaling_resize: Annotated[float, Field(gt=0)] = 2
    upscaling_resize_w: Annotated[int, Field(ge=1)] = 512
    upscaling_resize_h: Annotated[int, Field(ge=1)] = 512
    upscaling_crop: bool = True
    upscaler_1: str = "None"
    upscaler_2: str = "None"
    extras_upscaler_2_visibility: Share = 0
    upscale_first: bool = False


class SingleBody(ExtrasBody):
    """POST /sdapi/v1/extra-single-image: a picture in base64."""

    image: str = ""


class FileData(BaseModel):
    """A picture in base64 and its file's name."""

    data: str
    name: str


class BatchBody(ExtrasBody):
    """POST /sdapi/v1/extra-batch-images."""

    imageList: list[FileData]  # noqa: N815 - A1111's name


class SingleAnswer(BaseModel):
    """What was done, as a paragraph of HTML, and the picture in base64."""

    html_info: str
    image: str | None = None


class BatchAnswer(BaseModel):
    """What was done to the last picture, as a paragraph of HTML, and all pictures in base64."""

    html_info: str
    images: list[str]


def routes(services: Services) -> APIRouter:
    """The routes, bound to the server's services."""
    router = APIRouter(prefix="/sdapi/v1")

    work = SlowWork("extras")

    @router.post("/extra-single-image", response_model=SingleAnswer)
    async def extra_single_image(body: SingleBody) -> Response:
        if not body.image:
            raise InvalidRequest("There is no picture. Send it in base64 as 'image'.")
        job = await work.run(submit, body, [FileData(data=body.image, name="")], services)
        return await work.run(single_answer, await finish(job))

    @router.post("/extra-batch-images", response_model=BatchAnswer)
    async def extra_batch_images(body: BatchBody) -> Response:
        if not body.imageList:
            raise InvalidRequest("There are no pictures. Send them in base64 in 'imageList'.")
        job = await work.run(submit, body, body.imageList, services)
        return await work.run(batch_answer, await finish(job))

    add_list_routes(router, services)
    return router


def add_list_routes(router: APIRouter, services: Services) -> None:
    """What can be chosen."""

    @router.get("/upscalers")
    def upscalers() -> list[dict[str, Any]]:
        services.catalog.settle(ModelKind.UPSCALER)
        return [
            *(upscaler(name, None, None, DEFAULT_SCALE) for name in RESAMPLERS),
            *(
                upscaler(name, file.stem, file.path_text, scale_in_name(name))
                for name, file in upscaler_files(services.catalog).items()
            ),
        ]

    @router.get("/latent-upscale-modes")
    def latent_upscale_modes() -> list[dict[str, str]]:
        return [{"name": name} for name in LATENT_UPSCALERS]

    @router.get("/face-restorers")
    def face_restorers() -> list[dict[str, str | None]]:
        return [{"name": name, "cmd_dir": None} for name in restorer_names(services.catalog)]

    @router.get("/realesrgan-models")
    def realesrgan_models() -> list[dict[str, Any]]:
        return [
            {"name": name, "path": file.path_text, "scale": scale_in_name(name)}
            for name, file in upscaler_files(services.catalog).items()
            if name.startswith(REAL_ESRGAN)
        ]


def upscaler(name: str, model_name: str | None, path: str | None, scale: int) -> dict[str, Any]:
    """One entry of the list of upscalers."""
    return {
        "name": name,
        "model_name": model_name,
        "model_path": path,
        "model_url": None,
        "scale": float(scale),
    }


def submit(body: ExtrasBody, files: list[FileData], services: Services) -> Job:
    """Put what a body asks for in the queue; nothing is written to disk."""
    for name in (body.upscaler_1, body.upscaler_2):
        # Before the job waits in the queue for nothing.
        find_upscaler(services.catalog, name)
    options = services.settings.current.image
    request = make_extras_request(
        images=[
            ExtrasImage(image=services.inputs.add(from_base64(file.data)), name=file.name) for file in files
        ],
        upscaling={
            "mode": "to" if body.resize_mode == 1 else "by",
            "scale": body.upscaling_resize,
            "width": body.upscaling_resize_w,
            "height": body.upscaling_resize_h,
            "crop": body.upscaling_crop,
            "upscaler_1": body.upscaler_1,
            "upscaler_2": body.upscaler_2,
            "upscaler_2_visibility": body.extras_upscaler_2_visibility,
        },
        faces={
            "gfpgan_visibility": body.gfpgan_visibility,
            "codeformer_visibility": body.codeformer_visibility,
            "codeformer_weight": body.codeformer_weight,
        },
        tile=options.ESRGAN_tile,
        tile_overlap=options.ESRGAN_tile_overlap,
    )
    return services.submit(
        request, Delivery(tab="api", save_samples=False, save_grid=False, keep_images=True)
    )


def single_answer(finished: FinishedJob) -> Response:
    """The answer for one picture."""
    images = [encode(picture, finished.job) for picture in finished.pictures]
    text = paragraph(finished.pictures)
    return json_response(SingleAnswer(html_info=text, image=images[0] if images else None))


def batch_answer(finished: FinishedJob) -> Response:
    """The answer for several pictures."""
    images = [encode(picture, finished.job) for picture in finished.pictures]
    return json_response(BatchAnswer(html_info=paragraph(finished.pictures), images=images))


def encode(picture: ImageReady, job: Job) -> str:
    """A picture as base64 of a file in the format of the settings, its old texts and what was done inside."""
    saving = job.settings.saving
    items = dict(picture.keeping.items) if picture.keeping else {}
    # Only PNG holds more than one text; the others keep how the picture was generated.
    infotext = None if saving.samples_format == "png" else items.get("parameters")
    data = encode_as_set(picture.image, saving.samples_format, PictureNotes(infotext, items), saving)
    return base64.b64encode(data).decode()


def paragraph(pictures: list[ImageReady]) -> str:
    """What was done to the last picture, as A1111 shows it."""
    text = pictures[-1].infotext if pictures else ""
    return f"<p>{html.escape(text)}</p>"
