"""From a picture of the gallery to more work on it: hires fix, and decoding it again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from webui.core.errors import InvalidRequest, NotFound
from webui.core.request import GenerationRequest, make_request
from webui.core.request_infotext import parse_infotext
from webui.core.request_parts import Inpainting
from webui.core.work.kinds import DecodeRequest
from webui.jobs.job import GalleryContext
from webui.jobs.services import Services
from webui.store.pictures.latents import FinishedBatch, LatentFile
from webui.store.reading import open_picture
from webui.ui.generation_parts import LATENT_PIXELS, hires_of
from webui.ui.watching.job_view import ShownPicture
from webui.ui.watching.pictures import PictureFiles

# Parts of a request that begin with a picture, which hires fix does not.
WITHOUT_PICTURE: dict[str, Inpainting | tuple[()] | None] = {
    "init_images": (),
    "inpainting": None,
    "outpainting": None,
    "loopback": None,
}


def chosen(picture: ShownPicture | None) -> ShownPicture:
    """The picture, if it is one. Raises NotFound or InvalidRequest."""
    if picture is None:
        raise NotFound("There is no picture yet. Generate one first.")
    if picture.index < 0:
        raise InvalidRequest("This is the grid. Choose one of its pictures in the gallery.")
    return picture


def request_of_picture(services: Services, picture: ShownPicture) -> GenerationRequest:
    """What made the picture: its job's request, else what the history or the infotext knows."""
    job = services.jobs.find(picture.job_id)
    if job.generation and any(own.infotext == picture.infotext for own in job.saved()):
        return job.generation
    entry = services.history.find(Path(picture.path))
    return entry.request if entry and entry.request else parse_infotext(picture.infotext)


def hires_request(services: Services, picture: ShownPicture, fields: Mapping[str, Any]) -> GenerationRequest:
    """The picture's own request, with a second pass as the form says that starts from the picture."""
    path = services.pictures.find(picture.path)
    width, height = (side // LATENT_PIXELS * LATENT_PIXELS for side in open_picture(path).size)
    hires = hires_of({**fields, "hires": True})["hires"] | {
        "first_pass": services.inputs.add(path.read_bytes())
    }
    own = request_of_picture(services, picture).model_dump() | WITHOUT_PICTURE
    changes = {
        "seed": picture.seed,
        "variation_seed": picture.variation_seed,
        "width": width,
        "height": height,
        "batch_size": 1,
        "batch_count": 1,
        "hires": hires,
        "denoising_strength": fields["denoising_strength"],
    }
    return make_request(**own | changes)


def decode_request(services: Services, picture: ShownPicture, vae: str) -> DecodeRequest:
    """The picture's kept latent, to be decoded with a VAE. Raises NotFound."""
    if not picture.latent:
        raise NotFound("There is no latent of this picture. Choose one that was generated here.")
    own = services.latents.open(picture.latent).request.model_copy(update={"vae": vae})
    return DecodeRequest(latent=picture.latent, generation=own, vae=vae, indexes=(picture.index,))


def beside(services: Services, files: PictureFiles, picture: ShownPicture, selected: int) -> GalleryContext:
    """The gallery as it is, to be shown with what comes of the picture."""
    job = services.jobs.find(picture.job_id)
    pictures = (shown.model_copy(update={"path": str(files.on_disk(job, shown))}) for shown in job.gallery())
    return GalleryContext(tuple(pictures), selected)


def unfinished(services: Services) -> tuple[LatentFile, ...]:
    """Kept batches with pictures that were never saved, and that no job is about to decode."""
    running = services.jobs.running()
    jobs = (*services.jobs.waiting(), *((running,) if running else ()))
    asked = {job.request.latent for job in jobs if isinstance(job.request, DecodeRequest)}
    return tuple(file for file in services.latents.unfinished() if file.id not in asked)


def rest_request(file: LatentFile, batch: FinishedBatch) -> DecodeRequest:
    """Those pictures of a kept batch that were never saved."""
    end = batch.first + batch.count
    return DecodeRequest(
        latent=file.id,
        generation=batch.request,
        vae=batch.request.vae,
        indexes=tuple(range(end - file.left, end)),
    )
