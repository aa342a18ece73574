"""The moments after the pictures of a run: `postprocess`, and around the saving of each."""

from pathlib import Path
from typing import Any

from PIL import Image

from webui.compat.a1111.host import ExtensionHost
from webui.compat.a1111.running.beginning import call_scripts
from webui.compat.a1111.running.process_images import make_processed
from webui.compat.a1111.running.reaching import site
from webui.compat.a1111.runs import ActiveRun
from webui.core.events import ImageReady
from webui.plugins.moments import GridMoment, SavingMoment
from webui.store.pictures.images import picture_folder

INFOTEXT = "parameters"


def finish_run(run: ActiveRun, results: list[ImageReady]) -> list[ImageReady] | None:
    """`postprocess`: the results with what scripts appended, replaced or left out; None if nothing was."""
    run.results = list(results)
    run.processed = processed = make_processed(run, results)
    call_scripts(run, "postprocess", processed)
    run.p.close()
    if run.is_ours:
        # `process_images` gives the result back.
        return None
    final = results_of(processed, results, run)
    return None if [id(each) for each in final] == [id(each) for each in results] else final


def results_of(processed: Any, results: list[ImageReady], run: ActiveRun) -> list[ImageReady]:  # noqa: ANN401
    """A result's pictures as results of the run: those told already, and new ones, which are shown only."""
    known = {id(each.image): each for each in results}
    final: list[ImageReady] = []
    for place, image in enumerate(list(processed.images)):
        ready = known.get(id(image))
        if ready is None:
            ready = make_ready(image, place, processed, run)
        if ready is not None:
            final.append(ready)
    return final


def make_ready(image: Any, place: int, processed: Any, run: ActiveRun | None) -> ImageReady | None:  # noqa: ANN401
    """A picture that an extension made, or the name of its file; None for what is none."""
    image = open_picture(image) if isinstance(image, str | Path) else image
    if not isinstance(image, Image.Image):
        return None
    texts, seeds = list(processed.infotexts or []), list(processed.all_seeds or [])
    infotext = str(texts[place]) if place < len(texts) else str(processed.info or "")
    seed = int(seeds[place]) if place < len(seeds) else int(processed.seed or 0)
    return ImageReady(
        index=place,
        image=image,
        infotext=infotext,
        seed=max(seed, 0),
        variation_seed=max(int(processed.subseed or 0), 0),
        is_saved=False,
        joins_grid=False,
        request=run.request if run else None,
    )


def open_picture(path: str | Path) -> Image.Image | None:
    """The picture in a file, of an animation the first; None for a file that holds none."""
    try:
        with Image.open(path) as image:
            return image.convert("RGBA" if image.has_transparency_data else "RGB")
    except (OSError, ValueError, SyntaxError):
        return None


def save_params(moment: SavingMoment, host: ExtensionHost) -> Any:  # noqa: ANN401 - C's class
    """What the callbacks around saving are given."""
    run = host.runs.of_job(moment.stop, moment.request)
    texts = {INFOTEXT: moment.infotext, **moment.items}
    name = str(moment.path or expected_path(moment, host))
    return site("script_callbacks").ImageSaveParams(moment.image, run.p if run else None, name, texts)


def expected_path(moment: SavingMoment, host: ExtensionHost) -> Path:
    """Where a picture will lie, but for its number and what the patterns of the settings say."""
    settings, request = host.ready.settings.current, moment.request
    tab = "img2img" if request and request.is_img2img else "txt2img"
    folder = host.ready.files.folder(picture_folder(settings.folders, tab))
    seed = f"-{request.seed_of(moment.index)}" if request and moment.index < request.count else ""
    return folder / f"{moment.index:05}{seed}.{settings.saving.samples_format}"


def before_saving(moment: SavingMoment, host: ExtensionHost) -> None:
    """`before_image_saved`: picture, name and texts as callbacks leave them."""
    params = save_params(moment, host)
    expected = params.filename
    site("script_callbacks").before_image_saved_callback(params)
    moment.image = params.image
    texts = dict(params.pnginfo or {})
    moment.infotext = str(texts.pop(INFOTEXT, "") or "")
    moment.items = {str(key): str(value) for key, value in texts.items() if value is not None}
    if params.filename and params.filename != expected:
        moment.path = Path(params.filename)


def image_saved(moment: SavingMoment, host: ExtensionHost) -> None:
    """`image_saved`."""
    site("script_callbacks").image_saved_callback(save_params(moment, host))


def arrange_grid(grid: GridMoment) -> None:
    """`image_grid`: pictures and shape of the sheet as callbacks leave them."""
    callbacks = site("script_callbacks")
    if not callbacks.has_callbacks("image_grid"):
        return
    params = callbacks.ImageGridLoopParams(grid.images, grid.columns, grid.rows)
    callbacks.image_grid_callback(params)
    grid.images, grid.columns, grid.rows = params.imgs, params.cols, params.rows
