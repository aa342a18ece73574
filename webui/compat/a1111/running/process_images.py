"""`process_images`: pictures of a processing object, within a job or outside of one."""

from dataclasses import replace
from typing import Any

from webui.compat.a1111.host import current
from webui.compat.a1111.running.device_calls import call_on_device
from webui.compat.a1111.running.folders import choose_folder
from webui.compat.a1111.running.infotexts import base_of, request_of
from webui.compat.a1111.running.processed import Processed
from webui.compat.a1111.running.reaching import site, site_function
from webui.compat.a1111.running.write_back import override, take_snapshot
from webui.compat.a1111.runs import ActiveRun
from webui.core.errors import InvalidRequest
from webui.core.events import ImageReady, SaveAs

# Indexes of pictures of runs within a run; the run's own count from 0.
INNER = 1_000_000


def process_images(p: Any) -> Any:  # noqa: ANN401 - a processing object -> Processed
    """Make pictures; within hooks and scripts at once, elsewhere as a job of its own that is waited for.

    Raises WebuiError.
    """
    runs = current().runs
    if not runs.is_in_job:
        return call_on_device(lambda: process_images(p), "process_images")
    if p.scripts is not None:
        p.scripts.before_process(p)
    # Extensions put functions of their own in its place.
    inner = site_function("processing", "process_images_inner", process_images_inner)
    return inner(p)


def process_images_inner(p: Any) -> Processed:  # noqa: ANN401 - as above
    """Make pictures, within a job. Raises WebuiError."""
    host = current()
    runs = host.runs
    if hasattr(p, "init_images") and all(each is None for each in p.init_images or ()):
        raise InvalidRequest("There is no picture to begin with. Add one to the canvas of img2img.")
    outer = runs.innermost
    within = outer.context if outer is not None else runs.context
    assert within is not None, "process_images sees to that"
    request = request_of(p)
    _, settings = override(base_of(p), dict(p.override_settings or {}), within.settings, host)
    context = replace(within, settings=settings)
    run = ActiveRun(p, context, request, take_snapshot(p), is_ours=True)
    runs.pending = run
    try:
        context.generate(request, phase="" if outer is None else "Inner picture")
    finally:
        runs.pending = None
        runs.stack = [each for each in runs.stack if each is not run]
    tell_pictures(run, is_shown=outer is None and runs.shown is not None)
    processed = run.processed or Processed(p, [], infotexts=[])
    site("shared").state.job_no += max(int(p.n_iter), 1)
    return processed


def tell_pictures(run: ActiveRun, *, is_shown: bool) -> None:
    """Have a run's pictures saved, unless its object says not to; those of the script of a job are shown."""
    runs, p = current().runs, run.p
    if p.do_not_save_samples:
        # A script tells of those that are its results.
        return
    for ready in run.results:
        index = len(runs.shown or ()) if is_shown else INNER + runs.told
        runs.told += 1
        if is_shown and runs.shown is not None:
            runs.shown[index] = ready.image
        changes: dict[str, Any] = {"index": index, "is_shown": is_shown}
        # Extensions may draw on theirs before this is written.
        changes |= {"image": ready.image.copy(), "joins_grid": False, "save_as": choose_folder(run)}
        run.context.emit(ready.model_copy(update=changes))


def add_grid(processed: Processed, run: ActiveRun) -> None:
    """Put the sheet of several pictures before them, and have it saved, as far as the settings want that."""
    p, saving, images = run.p, run.context.settings.saving, processed.images
    if p.do_not_save_grid or len(images) < 2 or not (saving.grid_save or saving.return_grid):
        return
    sheet = site("images").image_grid(images, max(int(p.batch_size or 1), 1))
    if saving.grid_save:
        first = run.results[0]
        kept = {"index": INNER + current().runs.told, "image": sheet, "is_shown": False}
        current().runs.told += 1
        run.context.emit(
            first.model_copy(
                update=kept | {"joins_grid": False, "latent": "", "save_as": SaveAs(sheet="grid")}
            )
        )
    if saving.return_grid:
        processed.images = [sheet, *images]
        processed.infotexts = [processed.info, *processed.infotexts]
        processed.index_of_first_image = 1


def make_processed(run: ActiveRun, results: list[ImageReady]) -> Processed:
    """The result of a run, as `postprocess` is given it."""
    p = run.p
    processed = Processed(
        p,
        [ready.image for ready in results],
        seed=(p.all_seeds or [run.request.seed])[0],
        info=results[0].infotext if results else "",
        subseed=(p.all_subseeds or [run.request.variation_seed])[0],
        infotexts=[ready.infotext for ready in results],
    )
    if run.is_ours:
        add_grid(processed, run)
    return processed
