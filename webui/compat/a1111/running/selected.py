"""Runs that an extension makes as a whole.

`run()` of the script chosen in the drop-down "Script" does, or a function in the place of
`processing.process_images`.
"""

import logging
from collections.abc import Callable, Generator
from dataclasses import replace
from functools import partial
from typing import Any

from webui.compat.a1111.host import ExtensionHost, current
from webui.compat.a1111.running.ending import make_ready
from webui.compat.a1111.running.making import add_scripts, make_processing, selected
from webui.compat.a1111.running.process_images import process_images
from webui.compat.a1111.running.reaching import site, site_function
from webui.core.errors import InvalidRequest, ScriptNotFound, WebuiError
from webui.core.events import Event, Phase, Progress, Withdrawn
from webui.core.lack_of_memory import is_lack_of_memory
from webui.core.request import GenerationRequest
from webui.plugins.context import Context

logger = logging.getLogger(__name__)


def run_selected(request: GenerationRequest, context: Context, host: ExtensionHost) -> Generator[Event]:
    """The events of a run that an extension makes. Raises WebuiError."""
    runs, state = host.runs, site("shared").state
    if selected(request):
        yield Phase(name=selected(request))
    emit = context.emit
    context = replace(context, emit=lambda event: emit(count_in_whole(event, state)))
    runs.enter(context)
    runs.shown = {}
    state.begin(selected(request))
    try:
        p = make_processing(request, context, host)
        forget_unseen(p)
        add_scripts(p, request, is_nested=False)
        processed = call_script(p, request) if selected(request) else call_own_run(p, request)
        yield from tell_results(processed, runs.shown)
    finally:
        state.end()
        runs.leave()


def forget_unseen(p: Any) -> None:  # noqa: ANN401 - a processing object
    """A picture of which nothing is seen stands for an empty canvas: scripts find None, as in A1111."""
    images = getattr(p, "init_images", None)
    if images and all(each.mode == "RGBA" and each.getextrema()[3] == (0, 0) for each in images):
        p.init_images = [None] * len(images)


def count_in_whole(event: Event, state: Any) -> Event:  # noqa: ANN401 - A1111's state
    """Steps counted in the whole: `state.job_count` batches, `job_no` of which were done when it began."""
    if not isinstance(event, Progress):
        return event
    done = max(int(state.job_no or 0), 0)
    count = max(int(state.job_count or 1), done + event.batches)
    each = event.steps // max(event.batches, 1)
    return event.model_copy(update={"step": done * each + event.step, "steps": count * each})


def call_script(p: Any, request: GenerationRequest) -> Any:  # noqa: ANN401 - objects of A1111's kinds
    """What the script's run gives; without one, the plain run. Raises WebuiError."""
    title = selected(request)
    scripts = p.scripts
    if not scripts or not p.script_args or not p.script_args[0]:
        raise ScriptNotFound(
            f"There is no script named {title!r}. Choose another in Script, or enable its extension."
        )
    script = scripts.selectable_scripts[int(p.script_args[0]) - 1]
    host = current()
    try:
        processed = scripts.run(p, *p.script_args)
    except WebuiError:
        raise
    except Exception as error:
        if is_lack_of_memory(error):
            raise
        logger.warning("The script %s failed", script.file, exc_info=error)
        record = host.health.of_file(script.file)
        host.health.note_failure(record, "run", error)
        raise InvalidRequest(
            f"The script {title!r}{f' of the extension {record.name!r}' if record else ''} failed "
            f"({type(error).__name__}: {error}). Its health page has the details."
        ) from error
    return call_replaced(p) if processed is None else processed


def is_made_whole(request: GenerationRequest, context: Context) -> bool:
    """Whether an extension makes this run: its script was chosen, or `process_images` is its function."""
    if selected(request):
        return True
    if context.state.depth or request.script:
        return False
    is_plain = site_function("processing", "process_images", process_images) is process_images
    return own_run(request) is not None or not is_plain


def own_run(request: GenerationRequest) -> Callable[..., Any] | None:
    """What an extension put in the place of the runner's `run`, which A1111 calls in each run."""
    scripts = site("scripts")
    runner = scripts.scripts_img2img if request.is_img2img else scripts.scripts_txt2img
    found = vars(runner).get("run")
    return None if getattr(found, "__func__", None) is type(runner).run else found


def call_own_run(p: Any, request: GenerationRequest) -> Any:  # noqa: ANN401 - objects of A1111's kinds
    """What such a `run` gives; where it gives nothing, the plain run. Raises WebuiError."""
    run = own_run(request)
    processed = None if run is None else call_named(run, "run", p, *p.script_args)
    return call_replaced(p) if processed is None else processed


def call_replaced(p: Any) -> Any:  # noqa: ANN401 - objects of A1111's kinds
    """What `processing.process_images` gives, which may be an extension's. Raises WebuiError."""
    return call_named(site_function("processing", "process_images", process_images), "process_images", p)


def call_named(function: Callable[..., Any], place: str, *values: Any) -> Any:  # noqa: ANN401 - as above
    """Call what an extension put in a place. Raises WebuiError, which names the extension."""
    try:
        return function(*values)
    except WebuiError:
        raise
    except Exception as error:
        if is_lack_of_memory(error):
            raise
        while isinstance(function, partial):
            function = function.func
        file = getattr(getattr(function, "__code__", None), "co_filename", "")
        logger.warning("%s of %s failed", place, file, exc_info=error)
        record = current().health.of_file(file)
        current().health.note_failure(record, place, error)
        who = f"The extension {record.name!r}" if record else "An extension"
        raise InvalidRequest(
            f"{who} put a function in the place of {place}, and it failed "
            f"({type(error).__name__}: {error}). Switch the extension off, or see its health page."
        ) from error


def tell_results(processed: Any, shown: dict[int, Any]) -> Generator[Event]:  # noqa: ANN401 - a Processed
    """The result's pictures that were not told yet; those told that are not among them are taken back."""
    known = {id(image): index for index, image in shown.items()}
    images = list(processed.images)
    kept = {known[id(image)] for image in images if id(image) in known}
    for index in shown:
        if index not in kept:
            yield Withdrawn(index=index)
    free = max(shown, default=-1) + 1
    for place, image in enumerate(images):
        ready = None if id(image) in known else make_ready(image, place, processed, None)
        if ready is None:
            continue
        # A grid stands before the pictures.
        is_grid = place < int(processed.index_of_first_image or 0)
        index = place - int(processed.index_of_first_image) if is_grid else free
        free += not is_grid
        yield ready.model_copy(update={"index": index})
