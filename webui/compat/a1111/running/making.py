"""From a request to its processing object, with the scripts that take part and their arguments."""

from collections.abc import Mapping
from typing import Any

from webui.compat.a1111.host import ExtensionHost
from webui.compat.a1111.page.arguments import KEY, SCRIPTS, SELECTED, unpack
from webui.compat.a1111.page.calls import call_extension
from webui.compat.a1111.running.fields import attributes_of
from webui.compat.a1111.running.inner import keep_with
from webui.compat.a1111.running.processing import (
    StableDiffusionProcessing,
    StableDiffusionProcessingImg2Img,
    StableDiffusionProcessingTxt2Img,
)
from webui.compat.a1111.running.reaching import site
from webui.compat.a1111.running.write_back import take_snapshot
from webui.core.request import GenerationRequest
from webui.plugins.context import Context
from webui.store.pictures.images import picture_folder


def values_of(request: GenerationRequest) -> Mapping[str, Any]:
    """What a request says of community extensions."""
    found = request.extras.get(KEY)
    return found if isinstance(found, dict) else {}


def selected(request: GenerationRequest) -> str:
    """The title of the script that makes the run, in small letters; empty: none."""
    title = str(values_of(request).get(SELECTED) or "").strip().lower()
    return "" if title == "none" else title


def without_scripts(request: GenerationRequest) -> GenerationRequest:
    """What a request asks for itself, without what scripts make of it."""
    extras = {key: value for key, value in request.extras.items() if key != KEY}
    return request.model_copy(update={"extras": extras, "script": "", "plan": None, "loopback": None})


def make_processing(
    request: GenerationRequest, context: Context, host: ExtensionHost
) -> StableDiffusionProcessing:
    """The processing object of a request that the page, the API or a script of ours made."""
    kind = StableDiffusionProcessingImg2Img if request.is_img2img else StableDiffusionProcessingTxt2Img
    tab = "img2img" if request.is_img2img else "txt2img"
    folders = context.settings.folders
    p = kind(
        outpath_samples=picture_folder(folders, tab),
        outpath_grids=picture_folder(folders, tab, grid=True),
        **attributes_of(request, host.ready.inputs),
    )
    keep_with(p, made_of=without_scripts(request), handed_at_first=take_snapshot(p))
    return p


def add_scripts(p: StableDiffusionProcessing, request: GenerationRequest, *, is_nested: bool) -> None:
    """Its tab's runner and the arguments of all scripts, as the request has them.

    A run within one has scripts only where its request names some: they act on the outer run.
    """
    values = values_of(request)
    if is_nested and not values:
        return
    scripts = site("scripts")
    runner = scripts.scripts_img2img if request.is_img2img else scripts.scripts_txt2img
    p.script_args = make_arguments(runner, values)
    p.scripts = runner
    runner.setup_scripts(p, is_ui=True)


def make_arguments(runner: Any, values: Mapping[str, Any]) -> list[Any]:  # noqa: ANN401 - a runner of scripts
    """A1111's flat list: the number of the selected script, then each script's arguments in its place."""
    given = {str(key).strip().lower(): args for key, args in (values.get(SCRIPTS) or {}).items()}
    wanted = str(values.get(SELECTED) or "").strip().lower()
    selectable = [title_of(each) for each in runner.selectable_scripts]
    arguments = list(runner.default_arguments())
    arguments[0] = selectable.index(wanted) + 1 if wanted in selectable else 0
    for script in runner.scripts:
        own = given.get(title_of(script))
        start, stop = script.args_from, script.args_to
        if own is None or start is None or stop is None:
            continue
        arguments += [None] * (stop - len(arguments))
        read = unpack(own)[: stop - start]
        arguments[start : start + len(read)] = read
    return arguments


def title_of(script: Any) -> str:  # noqa: ANN401 - a script
    """A script's title in small letters."""
    title = call_extension(script.file, "title", script.title, default=script.name or "")
    return str(title).strip().lower()
