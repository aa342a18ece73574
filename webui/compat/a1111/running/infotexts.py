"""The infotext of a processing object's picture, and what extensions write into it."""

import inspect
import logging
from collections.abc import Callable, Sequence
from typing import Any

from webui.compat.a1111.host import current
from webui.compat.a1111.page.calls import call_extension
from webui.compat.a1111.page.shared_options import file_of
from webui.compat.a1111.running.inner import inner_of
from webui.compat.a1111.running.reaching import site_function
from webui.compat.a1111.running.write_back import override, write_all, write_back
from webui.core.request import GenerationRequest
from webui.core.request_infotext import PictureFacts, format_infotext

logger = logging.getLogger(__name__)


def read_entries(p: Any, index: int) -> dict[str, str]:  # noqa: ANN401 - a processing object
    """`extra_generation_params` of picture `index` of the run: texts, one of a list, or or a function's."""
    entries: dict[str, str] = {}
    for key, value in dict(getattr(p, "extra_generation_params", None) or {}).items():
        found = value
        if isinstance(value, list):
            found = value[index] if index < len(value) else None
        elif callable(value):
            found = ask(key, value, p, index)
        if found is not None:
            entries[str(key)] = str(found)
    return entries


def ask(key: str, function: Callable[..., Any], p: Any, index: int) -> Any:  # noqa: ANN401 - as above
    """What a function says of a picture; nothing where it fails."""
    size = max(int(p.batch_size), 1)
    known = {
        "p": p,
        "index": index,
        "iteration": index // size,
        "position_in_batch": index % size,
        "all_prompts": p.all_prompts,
        "all_negative_prompts": p.all_negative_prompts,
        "all_seeds": p.all_seeds,
        "all_subseeds": p.all_subseeds,
        "comments": None,
        "use_main_prompt": False,
        "prompt_text": pick(p.all_prompts, index),
        "negative_prompt": pick(p.all_negative_prompts, index),
    }
    file = inspect.getsourcefile(function) or __file__
    result: list[Any] = [None]
    with current().health.watch(file, f"extra_generation_params[{key!r}]"):
        parameters = inspect.signature(function).parameters.values()
        takes_all = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters)
        names = {each.name for each in parameters}
        result[0] = function(**{name: value for name, value in known.items() if takes_all or name in names})
    return result[0]


def pick(values: Sequence[Any] | None, index: int) -> Any:  # noqa: ANN401 - a text or a seed
    """One of several; the last where there are fewer."""
    return values[min(index, len(values) - 1)] if values else None


def create_infotext(  # noqa: PLR0913, PLR0917 - A1111's
    p: Any,  # noqa: ANN401 - a processing object
    all_prompts: Sequence[str] | None,
    all_seeds: Sequence[int] | None,
    all_subseeds: Sequence[int] | None,
    comments: object = None,
    iteration: int = 0,
    position_in_batch: int = 0,
    use_main_prompt: bool = False,
    index: int | None = None,
    all_negative_prompts: Sequence[str] | None = None,
) -> str:
    """The infotext of one picture of a run that extensions tell of."""
    at = position_in_batch + iteration * max(int(p.batch_size), 1) if index is None else index
    request = request_of(p)
    changes: dict[str, object] = {"plan": None, "batch_size": 1, "batch_count": 1}
    texts = {
        "prompt": p.main_prompt if use_main_prompt else pick(all_prompts, at),
        "negative_prompt": pick(all_negative_prompts or p.all_negative_prompts, at),
        "seed": pick(all_seeds, at),
        "variation_seed": pick(all_subseeds, at),
    }
    changes |= {name: value for name, value in texts.items() if value is not None}
    return format_infotext(request.model_copy(update=changes), 0, facts_of(request, read_entries(p, at)))


def infotext_of_others(p: Any, index: int) -> str | None:  # noqa: ANN401 - as above
    """The infotext of picture `index` by the function that an extension put in the place of A1111's.

    None where nobody did, or where it fails or gives no text.
    """
    create = site_function("processing", "create_infotext", create_infotext)
    if create is create_infotext:
        return None
    size = max(int(p.batch_size), 1)
    found = call_extension(
        file_of(create),
        "create_infotext",
        create,
        p,
        p.all_prompts,
        p.all_seeds,
        p.all_subseeds,
        iteration=index // size,
        position_in_batch=index % size,
    )
    return found if isinstance(found, str) else None


def base_of(p: Any) -> GenerationRequest:  # noqa: ANN401 - a processing object
    """The request that an object was made of; for one that an extension made, as the settings have it."""
    made_of = inner_of(p).get("made_of")
    if made_of is not None:
        # A script may have made an img2img object of one of txt2img.
        is_img2img = hasattr(p, "init_images")
        parts = ("hires",) if is_img2img else ("inpainting", "outpainting")
        return made_of.model_copy(update=dict.fromkeys(parts) | ({} if is_img2img else {"init_images": ()}))
    host = current()
    services = host.ready
    settings = host.runs.context.settings if host.runs.context else services.settings.current
    return GenerationRequest(
        model=services.catalog.find_checkpoint(settings.models.sd_model_checkpoint).title,
        vae=settings.models.sd_vae,
        options=settings.image,
    )


def request_of(p: Any) -> GenerationRequest:  # noqa: ANN401 - a processing object
    """The request that an object stands for. Raises WebuiError."""
    host = current()
    base, handed = base_of(p), inner_of(p).get("handed_at_first")
    request = write_all(p, base, host) if handed is None else write_back(p, base, handed, host)
    settings = host.runs.context.settings if host.runs.context else host.ready.settings.current
    return override(request, dict(p.override_settings or {}), settings, host)[0]


def facts_of(request: GenerationRequest, entries: dict[str, str]) -> PictureFacts:
    """What the infotext says of the checkpoint, as far as the settings want it there."""
    services = current().ready
    saving, catalog = services.settings.current.saving, services.catalog
    file = catalog.find_checkpoint(request.model)
    return PictureFacts(
        model_name=file.stem if saving.add_model_name_to_info else "",
        model_hash=catalog.sha256(file)[:10] if saving.add_model_hash_to_info else "",
        version=services.version if saving.add_version_to_infotext else "",
        entries=entries,
    )
