"""Pictures made larger, faces restored, pictures described: by our networks, from any thread."""

from PIL import Image

from webui.compat.a1111.facades import running_context
from webui.core.errors import InvalidRequest
from webui.core.events import Captioned, ImageReady
from webui.core.model_file import ModelFile
from webui.core.work.caption_request import make_caption_request
from webui.core.work.extras_request import ExtrasImage, make_extras_request
from webui.library.captioners.choosing import NAMES, choose_captioner, options_of
from webui.library.catalog.upscaler_names import CODEFORMER, GFPGAN, upscaler_files

CLIP, TAGS = "clip", "deepdanbooru"


def files_by_name() -> dict[str, ModelFile]:
    """Our upscalers that are files, by the names that pickers show."""
    return upscaler_files(running_context.ready_services().catalog) if running_context.is_serving() else {}


def upscale(image: Image.Image, scale: float, name: str) -> Image.Image:
    """A picture about `scale` times larger. Raises WebuiError."""
    context = running_context.on_this_thread()
    if context is not None:
        options = context.settings.image
        return context.upscalers.upscale(
            image,
            scale,
            name,
            tile=options.ESRGAN_tile,
            overlap=options.ESRGAN_tile_overlap,
            stop=context.stop,
        )
    return finish_extras(image, upscaling={"scale": scale, "upscaler_1": name})


def restore_faces(image: Image.Image, name: str, weight: float) -> Image.Image:
    """A picture with its faces restored. `weight` is CodeFormer's: 0 changes most. Raises WebuiError."""
    context = running_context.on_this_thread()
    if context is not None:
        return context.restore_faces(image, name, weight)
    visible = {CODEFORMER: "codeformer_visibility", GFPGAN: "gfpgan_visibility"}.get(name)
    if visible is None:
        raise InvalidRequest(f"Outside a run, faces are restored by {GFPGAN} or {CODEFORMER}, not {name!r}.")
    return finish_extras(
        image, upscaling={"enabled": False}, faces={visible: 1.0, "codeformer_weight": weight}
    )


def finish_extras(image: Image.Image, **fields: object) -> Image.Image:
    """What Extras makes of a picture. Raises WebuiError."""
    services = running_context.ready_services()
    options = services.settings.current.image
    given = ExtrasImage(image=services.inputs.add_image(image))
    request = make_extras_request(
        images=[given], tile=options.ESRGAN_tile, tile_overlap=options.ESRGAN_tile_overlap, **fields
    )
    job = running_context.finish(request)
    made = [event.image for event in job.log() if isinstance(event, ImageReady)]
    job.drop_images()
    if not made:
        raise InvalidRequest("The job was stopped before the picture was made. Try again.")
    return made[-1]


def describe(image: Image.Image, kind: str) -> str:
    """A sentence (`CLIP`) or tags (`TAGS`) on a picture. Raises WebuiError; on the device's thread too."""
    if running_context.on_this_thread() is not None:
        raise InvalidRequest(
            "A picture cannot be described while a run is made. Do it before or after the run."
        )
    services = running_context.ready_services()
    chosen = services.settings.current.interrogate
    captioner = choose_captioner(services.paths.models, NAMES[kind], chosen)
    reference = services.inputs.add_image(image)
    request = make_caption_request(captioner=captioner.id, images=[reference], options=options_of(chosen))
    said = [event for event in running_context.finish(request).log() if isinstance(event, Captioned)]
    if not said:
        raise InvalidRequest("The job was stopped before the picture was described. Try again.")
    return said[-1].caption
