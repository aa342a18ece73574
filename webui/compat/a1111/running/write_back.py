"""What extensions changed of a processing object, into the request: checked, and nothing else of it."""

import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from webui.compat.a1111.host import ExtensionHost
from webui.compat.a1111.running.fields import TEXTS_AND_SEEDS, Group, Writing, groups_of
from webui.compat.a1111.running.inner import inner_of
from webui.core.errors import InvalidRequest, WebuiError
from webui.core.request import GenerationRequest, make_request
from webui.core.settings import Settings

# Values of attributes in a form that later changes of lists and pictures cannot reach.
Snapshot = Mapping[str, Any]
# Settings that are fields of a request, not options of the picture.
MODEL, VAE = "sd_model_checkpoint", "sd_vae"


def freeze(value: Any) -> Any:  # noqa: ANN401 - whatever an attribute holds
    """A form of a value that compares equal as long as nothing of it was changed."""
    if isinstance(value, Image.Image):
        return (id(value), value.size, zlib.crc32(value.tobytes()))
    if isinstance(value, list | tuple):
        return [freeze(each) for each in value]
    return value


def take_snapshot(p: Any) -> Snapshot:  # noqa: ANN401 - a processing object
    """All attributes that stand for fields of a request."""
    return {name: freeze(getattr(p, name, None)) for group in groups_of(p) for name in group.names}


def changed_names(p: Any, before: Snapshot) -> set[str]:  # noqa: ANN401 - as above
    """Attributes that have other values than before."""
    return {name for name, value in take_snapshot(p).items() if name not in before or before[name] != value}


def write_back(
    p: Any,  # noqa: ANN401 - as above
    request: GenerationRequest,
    before: Snapshot,
    host: ExtensionHost,
    where: str = "",
    *,
    is_planned: bool = False,
) -> GenerationRequest:
    """The request with what changed since the snapshot. `is_planned`: texts and seeds stand in the plan.

    Raises WebuiError, whose sentence names the extension, the attribute and the hook.
    """
    names = changed_names(p, before)
    groups = [
        each
        for each in groups_of(p)
        if names & set(each.names) and not (is_planned and each in TEXTS_AND_SEEDS)
    ]
    if not groups:
        return request
    try:
        return apply_groups(p, request, groups, host)
    except WebuiError as error:
        raise type(error)(f"{blame(p, names, host, where)}{error}") from error
    except (TypeError, ValueError) as error:
        raise InvalidRequest(f"{blame(p, names, host, where)}It cannot be used: {error}.") from error


def write_all(p: Any, request: GenerationRequest, host: ExtensionHost) -> GenerationRequest:  # noqa: ANN401
    """A request of everything that a processing object has, over one that has the rest. Raises WebuiError."""
    return apply_groups(p, request, groups_of(p), host)


def apply_groups(
    p: Any,  # noqa: ANN401 - as above
    request: GenerationRequest,
    groups: Iterable[Group],
    host: ExtensionHost,
) -> GenerationRequest:
    """The request with the values of some groups, checked as those of the page are. Raises WebuiError."""
    writing = Writing(request, host.ready.inputs)
    values: dict[str, Any] = request.model_dump()
    options = values["options"]
    for group in groups:
        written = dict(group.write(p, writing))
        options |= written.pop("options", {})
        values |= written
    changed = make_request(**values | {"options": options})
    host.ready.requests.check_names(changed)
    return changed


def blame(p: Any, names: Iterable[str], host: ExtensionHost, where: str) -> str:  # noqa: ANN401 - as above
    """The beginning of a sentence on values that cannot be used: whose they are."""
    sentences: list[str] = []
    for name in sorted(names):
        file = inner_of(p).get("set_by", {}).get(name, "")
        record = host.health.of_file(file) if file else None
        who = record.name if record else Path(file).name or "an extension"
        shown = repr(getattr(p, name, None))[:60]
        sentences.append(f"{who!r} set p.{name} to {shown}{f' in {where}' if where else ''}. ")
    return "".join(sentences)


def override(
    request: GenerationRequest, wanted: Mapping[str, Any], settings: Settings, host: ExtensionHost
) -> tuple[GenerationRequest, Settings]:
    """The request, and the settings of its run, with `override_settings`; keys of others are passed over.

    Raises WebuiError.
    """
    keys = settings.keys()
    known = {key: value for key, value in wanted.items() if value is not None and key in keys}
    values: dict[str, Any] = {}
    if model := known.pop(MODEL, None):
        values["model"] = host.ready.catalog.find_checkpoint(str(model)).title
    if vae := known.pop(VAE, None):
        values["vae"] = str(vae)
    changed = settings.changed_for_request(known) if known else settings
    names = [name for section, name in (keys[key] for key in known) if section == "image"]
    if names:
        own = {name: getattr(changed.image, name) for name in names}
        values["options"] = request.options.model_dump() | own
    if not values:
        return request, changed
    return make_request(**request.model_dump() | values), changed
