"""A1111's routes of Extras: pictures made larger, and the lists of what makes them so."""

import base64
import html

from fastapi import APIRouter, Response

from webui.api.sdapi.answers import (
    ExtrasBatchImagesResponse,
    ExtrasSingleImageResponse,
    FaceRestorerItem,
    LatentUpscalerModeItem,
    RealesrganItem,
    UpscalerItem,
)
from webui.api.sdapi.bodies import BatchBody, ExtrasBody, FileData, SingleBody
from webui.api.sdapi.given_pictures import GivenPictures, addresses_in, fetch_pictures
from webui.api.sdapi.waiting import FinishedJob, SlowWork, finish, json_response
from webui.core.errors import InvalidRequest
from webui.core.events import ImageReady
from webui.core.model_file import ModelFile, ModelKind
from webui.core.request_parts import LATENT_UPSCALERS
from webui.core.work.extras_request import ExtrasImage, make_extras_request
from webui.jobs.job import Delivery, Job
from webui.jobs.services import Services
from webui.library.catalog.upscaler_names import (
    CODEFORMER,
    DEFAULT_SCALE,
    GFPGAN,
    RESAMPLERS,
    find_restorer,
    find_upscaler,
    restorer_names,
    scale_in_name,
    upscaler_files,
)
from webui.store.texts.encoding import PictureNotes, encode_as_set

# How the names of Real-ESRGAN's networks begin in A1111.
REAL_ESRGAN = "R-ESRGAN"


def routes(services: Services) -> APIRouter:
    """The routes, bound to the server's services."""
    router = APIRouter(prefix="/sdapi/v1")

    work, fetching = SlowWork("extras"), SlowWork("fetch")

    async def finish_extras(body: ExtrasBody, files: list[FileData]) -> FinishedJob:
        fetched: dict[str, bytes] = {}
        if addresses := addresses_in(file.data for file in files):
            fetched = await fetching.run(
                fetch_pictures, addresses, services.library.web, services.settings.current.api
            )
        given = GivenPictures(services.inputs, fetched)
        return await finish(await work.run(submit, body, files, given, services))

    @router.post("/extra-single-image", response_model=ExtrasSingleImageResponse)
    async def extra_single_image(body: SingleBody) -> Response:
        if not body.image:
            raise InvalidRequest("There is no picture. Send it in base64 as 'image'.")
        finished = await finish_extras(body, [FileData(data=body.image, name="")])
        return await work.run(single_answer, finished)

    @router.post("/extra-batch-images", response_model=ExtrasBatchImagesResponse)
    async def extra_batch_images(body: BatchBody) -> Response:
        if not body.imageList:
            raise InvalidRequest("There are no pictures. Send them in base64 in 'imageList'.")
        return await work.run(batch_answer, await finish_extras(body, body.imageList))

    add_list_routes(router, services)
    return router


def add_list_routes(router: APIRouter, services: Services) -> None:
    """What can be chosen."""

    @router.get("/upscalers")
    def list_upscalers() -> list[UpscalerItem]:
        services.catalog.settle(ModelKind.UPSCALER)
        files = upscaler_files(services.catalog)
        return [
            *(UpscalerItem(name=name, scale=DEFAULT_SCALE) for name in RESAMPLERS),
            *(describe_upscaler(name, file) for name, file in files.items()),
            *(
                UpscalerItem(name=added.name, scale=added.scale)
                for added in services.catalog.added.upscalers.values()
                if added.name not in files
            ),
        ]

    @router.get("/latent-upscale-modes")
    def list_latent_upscale_modes() -> list[LatentUpscalerModeItem]:
        return [LatentUpscalerModeItem(name=name) for name in LATENT_UPSCALERS]

    @router.get("/face-restorers")
    def list_face_restorers() -> list[FaceRestorerItem]:
        return [FaceRestorerItem(name=name) for name in restorer_names(services.catalog)]

    @router.get("/realesrgan-models")
    def list_realesrgan_models() -> list[RealesrganItem]:
        return [
            RealesrganItem(name=name, path=file.path_text, scale=scale_in_name(name))
            for name, file in upscaler_files(services.catalog).items()
            if name.startswith(REAL_ESRGAN)
        ]


def describe_upscaler(name: str, file: ModelFile) -> UpscalerItem:
    """An upscaler that is a file."""
    return UpscalerItem(name=name, model_name=file.stem, model_path=file.path_text, scale=scale_in_name(name))


def submit(body: ExtrasBody, files: list[FileData], given: GivenPictures, services: Services) -> Job:
    """Put what a body asks for in the queue; nothing is written to disk."""
    for name in (body.upscaler_1, body.upscaler_2):
        # Before the job waits in the queue for nothing.
        find_upscaler(services.catalog, name)
    for name, share in ((GFPGAN, body.gfpgan_visibility), (CODEFORMER, body.codeformer_visibility)):
        if share > 0:
            find_restorer(services.catalog, name)
    options = services.settings.current.image
    request = make_extras_request(
        images=[ExtrasImage(image=given.keep(file.data), name=file.name) for file in files],
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
    return json_response(ExtrasSingleImageResponse(html_info=text, image=images[0] if images else None))


def batch_answer(finished: FinishedJob) -> Response:
    """The answer for several pictures."""
    images = [encode(picture, finished.job) for picture in finished.pictures]
    return json_response(ExtrasBatchImagesResponse(html_info=paragraph(finished.pictures), images=images))


def encode(picture: ImageReady, job: Job) -> str:
    """A picture as base64 of a file in the format of the settings, its old texts and what was done inside."""
    saving = job.settings.saving
    items = dict(picture.save_as.items) if picture.save_as else {}
    # Only PNG holds more than one text; the others keep how the picture was generated.
    infotext = None if saving.samples_format == "png" else items.get("parameters")
    data = encode_as_set(picture.image, saving.samples_format, PictureNotes(infotext, items), saving)
    return base64.b64encode(data).decode()


def paragraph(pictures: list[ImageReady]) -> str:
    """What was done to the last picture, as A1111 shows it."""
    text = pictures[-1].infotext if pictures else ""
    return f"<p>{html.escape(text)}</p>"
