"""`script_name` and `alwayson_scripts`: what A1111's own scripts ask for, and what absent ones are asked."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ValidationError

from webui.api.sdapi.argument_pictures import keep_argument_pictures
from webui.api.sdapi.bodies import GenerationBody, Img2ImgBody
from webui.api.sdapi.given_pictures import GivenPictures
from webui.api.sdapi.lenient import truncate
from webui.core.errors import InvalidRequest, ScriptNotFound
from webui.core.request_parts import Loopback, Outpainting, SoftInpainting
from webui.core.sampling import split_legacy_name
from webui.plugins.host import Plugins
from webui.plugins.parts import RequestPart
from webui.plugins.titles import plain_title

AnyModel = TypeVar("AnyModel", bound=BaseModel)
Arguments = list[Any]
Fields = dict[str, Any]
# Keys by which extensions say whether a unit does anything.
SWITCHES = ("enabled", "enable", "is_enabled", "ad_tab_enable")
# Names that stand for "no model" in what extensions are sent.
NO_MODEL = (None, "", "None", "none")


def script_fields(body: GenerationBody, fields: Fields, plugins: Plugins, pictures: GivenPictures) -> Fields:
    """What the scripts of a body change in the fields of its request. Raises InvalidRequest.

    Raises ScriptNotFound, with the name, for an absent script or extension that is asked for something; one
    that is switched off is passed over.
    """
    found: Fields = {}
    for name, entry in body.alwayson_scripts.items():
        arguments = arguments_of(name, entry)
        read = READERS.get(name.strip().lower())
        if read is not None:
            found |= read(arguments, fields | found)
        elif (extras := community_extras(name, arguments, tab_of(body), plugins)) is not None:
            found = merge_extras(found, {"extras": extras})
        elif (part := part_named(name, plugins)) is not None:
            found["extras"] = found.get("extras", {}) | values_of(part, arguments, pictures)
        elif asks_for_something(arguments):
            raise ScriptNotFound(
                f"There is no script or extension {name!r} here. Switch it off, or leave it out of "
                "'alwayson_scripts'."
            )
    return merge_extras(found, selected_script(body, plugins, pictures))


def part_named(name: str, plugins: Plugins) -> type[RequestPart] | None:
    """The part of an extension that A1111's clients call so, or by its title."""
    wanted = plain_title(name)
    for part in plugins.parts.values():
        if not part.is_script and wanted in (part.alwayson_name.lower(), part.title.lower()):
            return part
    return None


def values_of(part: type[RequestPart], arguments: Arguments, pictures: GivenPictures) -> Fields:
    """An extension's values by its key; their pictures are kept. Raises InvalidRequest."""
    if not arguments:
        return {}
    return {part.key: read_arguments(part, arguments, pictures)}


def read_arguments(part: type[RequestPart], arguments: Arguments, pictures: GivenPictures) -> Fields:
    """The values of a part from arguments, whose pictures are kept. Raises InvalidRequest."""
    kept = keep_argument_pictures(part, arguments, pictures)
    return part.from_args(kept).model_dump(mode="json")


def tab_of(body: GenerationBody) -> str:
    """The tab whose scripts a body may name."""
    return "img2img" if isinstance(body, Img2ImgBody) else "txt2img"


def community_extras(
    name: str, arguments: Arguments, tab: str, plugins: Plugins, *, is_selected: bool = False
) -> Fields | None:
    """What a script of a community extension puts into the request; None if there is no such script."""
    found = plugins.call("read_script_arguments", name=name, args=arguments, tab=tab, is_selected=is_selected)
    return found[0] if found else None


def merge_extras(one: Fields, other: Fields) -> Fields:
    """The fields of both, with the values of the extensions that either names."""
    extras: Fields = merge_objects(one.get("extras", {}), other.get("extras", {}))
    return one | other | ({"extras": extras} if extras else {})


def merge_objects(one: Fields, other: Fields) -> Fields:
    """The keys of both, objects under one key merged too; of other values the second's."""
    merged = dict(one)
    for key, value in other.items():
        kept = merged.get(key)
        are_objects = isinstance(kept, dict) and isinstance(value, dict)
        merged[key] = merge_objects(cast(Fields, kept), cast(Fields, value)) if are_objects else value
    return merged


def selected_script(body: GenerationBody, plugins: Plugins, pictures: GivenPictures) -> Fields:
    """What the script named by `script_name` asks for."""
    name = (body.script_name or "").strip()
    if not name or name.lower() == "none":
        return {}
    tab = tab_of(body)
    community = community_extras(name, list(body.script_args), tab, plugins, is_selected=True)
    if community is not None:
        return {"extras": community}
    script = plugins.scripts.get(plain_title(name))
    if script is not None and tab in script.part.tabs:
        extras = {script.part.key: read_arguments(script.part, list(body.script_args), pictures)}
        return {"script": script.title, "extras": extras}
    if name.lower() == "loopback" and isinstance(body, Img2ImgBody):
        if body.script_args[3:] and body.script_args[3] not in (*NO_MODEL, False):
            raise InvalidRequest(
                "Loopback cannot append descriptions of pictures here. Send 'None' as its last argument."
            )
        return {"loopback": from_positions(Loopback, body.script_args[:3], name)}
    raise ScriptNotFound(f"There is no script {name!r} in {tab}. Leave 'script_name' out of the request.")


def arguments_of(name: str, entry: object) -> Arguments:
    """The arguments in one entry of `alwayson_scripts`. Raises InvalidRequest for another shape."""
    if entry is None:
        return []
    arguments = cast("dict[str, Any]", entry).get("args") if isinstance(entry, dict) else entry
    if arguments is None:
        return []
    if not isinstance(entry, dict) or not isinstance(arguments, list):
        raise InvalidRequest(
            f"The entry {name!r} of 'alwayson_scripts' has another shape than expected. Send an object with "
            "a list 'args' in it."
        )
    return cast(Arguments, arguments)


def asks_for_something(arguments: Arguments) -> bool:
    """Whether arguments ask an extension to do anything, as far as can be told without knowing it."""
    # The switch comes first, or second after a picture.
    switch = next((value for value in arguments[:2] if isinstance(value, bool)), None)
    if switch is not None and not (switch and has_units(arguments)):
        return switch
    return any(is_active(value) for value in arguments if not isinstance(value, bool))


def has_units(arguments: Arguments) -> bool:
    """Whether there are units, each of which says itself whether it does anything."""
    return any(isinstance(value, dict) for value in arguments)


def is_active(value: object) -> bool:
    """Whether one argument asks for something: a unit that is switched on, or a value that is not nothing."""
    if not isinstance(value, dict):
        return value not in (*NO_MODEL, 0) and value != []
    unit = cast("dict[str, Any]", value)
    if any(unit.get(switch) is False for switch in SWITCHES):
        return False
    return bool(unit) and unit.get("ad_model", "?") not in NO_MODEL


def read_soft_inpainting(arguments: Arguments, fields: Fields) -> Fields:
    """Soft inpainting: whether it is on, then its values."""
    if not arguments or not arguments[0] or "inpainting" not in fields:
        return {}
    soft = from_positions(SoftInpainting, arguments[1:], "soft inpainting")
    return {"inpainting": fields["inpainting"] | {"soft": soft}}


def read_canvas(arguments: Arguments, fields: Fields) -> Fields:
    """Extend canvas: whether it is on, then the fields of Outpainting, the sides first."""
    if not arguments or not arguments[0] or "init_images" not in fields:
        return {}
    return {"outpainting": from_positions(Outpainting, arguments[1:], "extend canvas")}


def read_refiner(arguments: Arguments, fields: Fields) -> Fields:
    """Refiner: whether it is on, its checkpoint, and when it takes over."""
    if len(arguments) < 2 or not arguments[0] or arguments[1] in NO_MODEL:
        return {}
    switch_at = {"switch_at": arguments[2]} if arguments[2:] and arguments[2] is not None else {}
    return {"refiner": {"model": arguments[1], **switch_at}}


def read_sampler(arguments: Arguments, fields: Fields) -> Fields:
    """Sampler: steps, sampling method, schedule type."""
    found: Fields = {}
    steps, sampler, schedule = [*arguments, None, None, None][:3]
    if steps is not None:
        found["steps"] = truncate(steps)
    if sampler is not None:
        found["sampler"], legacy_schedule = split_legacy_name(str(sampler))
        found |= {"schedule": legacy_schedule} if legacy_schedule else {}
    if schedule is not None:
        found["schedule"] = str(schedule)
    return found


def read_seed(arguments: Arguments, fields: Fields) -> Fields:
    """Seed: seed, whether there is more, variation seed, its strength, width and height to resize from."""
    found: Fields = {}
    seed, has_more, *more = [*arguments, *[None] * 6][:6]
    names = ("variation_seed", "variation_strength", "seed_resize_width", "seed_resize_height")
    if seed is not None:
        found["seed"] = truncate(seed)
    if has_more:
        found |= {name: value for name, value in zip(names, more, strict=True) if value is not None}
        for name in ("variation_seed", "seed_resize_width", "seed_resize_height"):
            if name in found:
                found[name] = truncate(found[name])
    return found


def pass_over(arguments: Arguments, fields: Fields) -> Fields:
    """A script of A1111's whose arguments say nothing."""
    return {}


# Scripts that are built into A1111, by their names in small letters.
READERS: dict[str, Callable[[Arguments, Fields], Fields]] = {
    "soft inpainting": read_soft_inpainting,
    "extend canvas": read_canvas,
    "refiner": read_refiner,
    "sampler": read_sampler,
    "seed": read_seed,
    # Settings decide on comments and HyperTile; extra options are rows of settings on A1111's page.
    "comments": pass_over,
    "hypertile": pass_over,
    "extra options": pass_over,
}


def from_positions(part: type[AnyModel], arguments: Arguments, name: str) -> AnyModel:
    """A part from the arguments of a script, in the order of its fields. Raises InvalidRequest."""
    pairs = zip(part.model_fields, arguments, strict=False)
    try:
        return part.model_validate({field: value for field, value in pairs if value is not None})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InvalidRequest(
            f"An argument of {name!r} is {first['input']!r}, but it {first['msg'].removeprefix('Input ')}."
        ) from error
