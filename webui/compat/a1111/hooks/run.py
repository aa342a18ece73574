"""The hooks of a run: A1111's scripts and callbacks are called from here, in A1111's order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from webui.compat.a1111.host import ExtensionHost, current
from webui.compat.a1111.page.arguments import KEY
from webui.plugins import hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from PIL.Image import Image
    from torch import Tensor

    from webui.core.events import Event, ImageReady
    from webui.core.request import GenerationRequest
    from webui.core.run_plan import PlannedPicture
    from webui.diffusion.denoising import Denoising
    from webui.pipelines.img2img.img2img import Start
    from webui.plugins.batch import Batch
    from webui.plugins.context import Context
    from webui.plugins.moments import BatchImages, GridMoment, PictureMoment, SavingMoment

    Recipe = Callable[[GenerationRequest, Context], Generator[Event]]

BATCHES = "a1111 whole batches"


@hookimpl
def change_request(request: GenerationRequest, context: Context) -> GenerationRequest | None:
    """`setup` and `before_process`, but where a script makes the run."""
    from webui.compat.a1111.running import beginning  # loads the models' classes: not before a run
    from webui.compat.a1111.running.selected import is_made_whole

    host = current()
    runs = host.runs
    runs.enter(context)
    if runs.pending is not None:
        run, runs.pending = runs.pending, None
        runs.push(run)
        see_whole_batches(run.p, host)
        return None
    if request.script or is_call(request) or is_made_whole(request, context):
        return None
    changed = beginning.change_request(request, context, host)
    run = runs.at(context)
    if run is not None:
        see_whole_batches(run.p, host)
    return changed


def is_call(request: GenerationRequest) -> bool:
    """Whether it stands for a function of an extension."""
    from webui.compat.a1111.running.device_calls import CALL  # as above

    values = request.extras.get(KEY)
    return isinstance(values, dict) and CALL in values


def see_whole_batches(p: Any, host: ExtensionHost) -> None:  # noqa: ANN401 - a processing object
    """Have batches decoded together from now on, if a script looks at them so."""
    from webui.compat.a1111.running import batches  # as above

    if batches.wants_whole_batches(p):
        have_whole_batches(host)


def have_whole_batches(host: ExtensionHost) -> None:
    """Have batches decoded together from now on."""
    plugins = host.ready.plugins
    if BATCHES not in plugins.names:
        plugins.register(WholeBatches(), BATCHES)


class WholeBatches:
    """Registered when the first script comes that wants it: it takes memory for all pictures of a batch."""

    @hookimpl
    def change_batch(self, images: BatchImages, context: Context) -> BatchImages | None:
        """`postprocess_batch` and `postprocess_batch_list`."""
        from webui.compat.a1111.running import batches  # as above

        run = current().runs.at(context)
        return None if run is None else batches.change_batch(run, images)


@hookimpl
def wrap_run(request: GenerationRequest, context: Context) -> Recipe | None:
    """`run` of a script, or a function that waits for the device."""
    from webui.compat.a1111.running.device_calls import find_call, run_call  # as above
    from webui.compat.a1111.running.selected import is_made_whole, run_selected

    host = current()
    call = find_call(request, host)
    if call is not None:
        return lambda _, context: run_call(call, context, host)
    run = host.runs.at(context)
    if run is None and is_made_whole(request, context):
        return lambda request, context: run_selected(request, context, host)
    return None


@hookimpl(trylast=True)
def change_planned(request: GenerationRequest, context: Context) -> GenerationRequest | None:
    """`process`."""
    from webui.compat.a1111.running import beginning  # as above

    return beginning.plan_run(request, context, current())


@hookimpl
def wrap_start(
    make: Callable[[GenerationRequest], Start], context: Context
) -> Callable[[GenerationRequest], Start] | None:
    """`p.init` of img2img."""
    from webui.compat.a1111.running import beginning  # as above

    run = current().runs.at(context)
    return None if run is None else beginning.wrap_start(make, run)


@hookimpl
def plan_batch(batch: Batch, context: Context) -> tuple[PlannedPicture, ...] | None:
    """`before_process_batch`."""
    from webui.compat.a1111.running import batches  # as above

    run = current().runs.at(context)
    return None if run is None else batches.plan_batch(run, batch)


@hookimpl
def change_texts(
    texts: tuple[tuple[str, str], ...], batch: Batch, context: Context
) -> tuple[tuple[str, str], ...] | None:
    """`after_extra_networks_activate` and `process_batch`."""
    from webui.compat.a1111.running import batches  # as above

    run = current().runs.at(context)
    return None if run is None else batches.change_texts(run, texts, batch)


@hookimpl
def wrap_sampling(sample: Callable[[], Tensor], context: Context) -> Callable[[], Tensor] | None:
    """`p.sample`."""
    from webui.compat.a1111.running import batches  # as above

    host = current()
    run = host.runs.at(context)
    if run is None:
        return None
    run.needs_whole_batch = lambda: have_whole_batches(host)
    return batches.wrap_sampling(run, sample)


@hookimpl
def prepare_denoising(denoising: Denoising, batch: Batch, context: Context) -> None:
    """`before_hr` and `process_before_every_sampling`."""
    from webui.compat.a1111.running import batches  # as above

    run = current().runs.at(context)
    if run is not None:
        batches.prepare_denoising(run, denoising, batch)


@hookimpl
def change_latent(latent: Tensor, context: Context) -> Tensor | None:
    """`post_sample`."""
    from webui.compat.a1111.running import batches  # as above

    run = current().runs.at(context)
    return None if run is None else batches.change_latent(run, latent)


@hookimpl
def change_image(image: Image, picture: PictureMoment, context: Context) -> Image | None:
    """`postprocess_image`, `postprocess_maskoverlay` and `postprocess_image_after_composite`."""
    from webui.compat.a1111.running import batches  # as above

    run = current().runs.at(context)
    return None if run is None else batches.change_image(run, image, picture)


@hookimpl
def finish_run(results: list[ImageReady], context: Context) -> list[ImageReady] | None:
    """`postprocess`."""
    from webui.compat.a1111.running import ending  # as above

    runs = current().runs
    run = runs.at(context)
    if run is None:
        return None
    final = ending.finish_run(run, results)
    runs.stack = [each for each in runs.stack if each is not run]
    if context.state.depth == 0:
        runs.leave()
    return final


@hookimpl
def before_saving(picture: SavingMoment) -> None:
    """`before_image_saved`."""
    from webui.compat.a1111.running import ending  # as above

    ending.before_saving(picture, current())


@hookimpl
def arrange_grid(grid: GridMoment) -> None:
    """`image_grid`."""
    from webui.compat.a1111.running import ending  # as above

    ending.arrange_grid(grid)


@hookimpl
def image_saved(picture: SavingMoment) -> None:
    """`image_saved`."""
    from webui.compat.a1111.running import ending  # as above

    ending.image_saved(picture, current())
