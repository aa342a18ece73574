"""The scripts of A1111's extensions in the jobs of Extras."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PIL import Image

from webui.compat.a1111.page.arguments import KEY
from webui.compat.a1111.page.extras_scripts import ExtrasScriptRunner, PostprocessedImage
from webui.compat.a1111.page.reaching import site
from webui.core.work.extras_request import ExtrasRequest
from webui.plugins import hookimpl
from webui.plugins.extras_picture import ExtrasPicture

if TYPE_CHECKING:
    from webui.plugins.context import Context

# A1111's place for its own first script: those before it are run before pictures are made larger.
OWN_ORDER = 1000


@hookimpl
def change_extras(
    pictures: list[ExtrasPicture], request: ExtrasRequest, context: Context, is_last: bool
) -> list[ExtrasPicture] | None:
    """Run the scripts on each picture, in A1111's order."""
    if not site("scripts").scripts_postproc.scripts_in_preferred_order():
        return None
    from webui.compat.a1111.page.extras_panels import arguments_of, built_extras_runner  # loads Gradio

    runner = built_extras_runner()
    arguments = arguments_of(runner, request.extras.get(KEY))
    return [
        made
        for picture in pictures
        for made in run_on(runner, picture, request, arguments, context.tell, is_last=is_last)
    ]


def run_on(
    runner: ExtrasScriptRunner,
    picture: ExtrasPicture,
    request: ExtrasRequest,
    arguments: list[Any],
    tell: Callable[[str], None],
    *,
    is_last: bool,
) -> list[ExtrasPicture]:
    """One picture, and what scripts add to it."""
    if picture.is_finished:
        return [picture]
    pp = PostprocessedImage(picture.image)
    pp.info = dict(picture.info)
    note_target(pp, request)
    if not is_last:
        runner.run_first_pass(pp, arguments)
    scripts = [each for each in runner.scripts_in_preferred_order() if (each.order >= OWN_ORDER) == is_last]
    runner.run_scripts(scripts, pp, arguments, tell)
    return [picture_of(each, picture) for each in (pp, *pp.extra_images)]


def note_target(pp: PostprocessedImage, request: ExtrasRequest) -> None:
    """The size that pictures shall have, for scripts that cut."""
    wanted, (width, height) = request.upscaling, pp.image.size
    if not wanted.enabled:
        return
    is_size = wanted.mode == "to"
    pp.shared.target_width = wanted.width if is_size else int(width * wanted.scale)
    pp.shared.target_height = wanted.height if is_size else int(height * wanted.scale)


def picture_of(made: PostprocessedImage, given: ExtrasPicture) -> ExtrasPicture:
    """What a script left, as a picture; what is no picture is left out."""
    image = made.image if isinstance(made.image, Image.Image) else given.image
    if image.mode not in ("RGB", "RGBA"):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    info = {str(key): value for key, value in made.info.items()}
    return ExtrasPicture(image, info, is_finished=made.disable_processing)
