"""The detailer: faces, hands or anything in a picture, found and painted anew at full size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extensions.detailer.part import OFF, Detailer
from webui.plugins import hookimpl

if TYPE_CHECKING:
    from PIL.Image import Image

    from webui.plugins import Batch, Context, Denoising, PictureMoment


@hookimpl
def register_request_part() -> type[Detailer]:
    """The form and the values."""
    return Detailer


@hookimpl
def prepare_denoising(denoising: Denoising, batch: Batch) -> None:
    """Where img2img itself is skipped, its own pass is as short as can be: its result is not used."""
    part = Detailer.of(batch.request)
    if part is not None and part.skip_img2img and batch.request.is_img2img:
        denoising.steps, denoising.sampler, denoising.sigmas = 1, "Euler", None


@hookimpl
def change_image(image: Image, picture: PictureMoment, context: Context) -> Image | None:
    """Paint anew what is found, after faces were restored."""
    part = Detailer.of(picture.request) if picture.place == "restored" else None
    if part is None:
        return None
    # Loads OpenCV, with the first picture that is detailed.
    from extensions.detailer.detail import Passes

    return Passes(part, picture, context)(image)


@hookimpl
def add_routes(app: Any, services: Any) -> None:  # noqa: ANN401 - FastAPI's application, an object of a floor above
    """ADetailer's list of detectors, which the form offers too."""

    @app.get("/adetailer/v1/ad_model", tags=["ADetailer"])
    def list_models() -> dict[str, list[str]]:
        """The files that find things, by name; the first finds nothing."""
        # Loads OpenCV.
        from extensions.detailer.detectors import list_detectors

        return {"ad_model": [OFF, *list_detectors(services.paths.models)]}
