"""Every shipped request part comes back as it was: through an infotext, through A1111's arguments, as JSON.

Values are drawn from what the models of the parts allow, so that a new field is tried too.
"""

import functools
import json
import operator
import types
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args, get_origin

import annotated_types
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from extensions.controlnet.units import ControlNetPart, ControlUnit
from extensions.detailer.part import Detailer
from extensions.dynamic_prompts.part import COMMUNITY_ORDER, DynamicPrompts
from extensions.guidance.parts import CfgRescale
from extensions.regional_prompts.part import PLACES, RegionalPrompts
from extensions.tiled_diffusion.part import A1111_PLACES, TiledDiffusion
from tests.request_strategies import words
from webui.core.infotext import parse_fields
from webui.core.request import make_request
from webui.core.request_infotext import PictureFacts, format_infotext
from webui.plugins.loading import Extensions, WantedExtensions, find_folders
from webui.plugins.parts import RequestPart

SHIPPED = Path(__file__).parents[2] / "extensions"


def find_parts() -> dict[str, type[RequestPart]]:
    """All parts of the shipped extensions, those of scripts too, by key."""
    extensions = Extensions()
    extensions.load(find_folders(SHIPPED, "shipped"), WantedExtensions(), 60)
    assert extensions.problems == []
    extensions.close()
    return dict(extensions.plugins.parts)


PARTS = find_parts()
IN_INFOTEXT = {
    key: part for key, part in PARTS.items() if not part.is_script and part is not DynamicPrompts
}  # the prompt itself is what dynamic prompts leave behind
# As people write texts: with all that ends a field or a line of an infotext, and what looks like a field.
texts = st.one_of(
    words,
    st.lists(
        st.sampled_from(
            ['"', ",", ": ", "\n", "\\", "Steps: 3", "64x64", " ", "a cat", "é", "BREAK", "{}", "None", "1"]
        ),
        max_size=6,
    ).map("".join),
)
numbers = st.integers(1, 30).map(lambda tenths: tenths / 10)
ratios = st.lists(numbers.map(str), min_size=1, max_size=4).map(",".join)
# Texts that are checked, by field.
SPECIAL: dict[str, st.SearchStrategy[Any]] = {
    "ratios": st.lists(ratios, min_size=1, max_size=3).map(";".join),
    # As an argument, an empty text means the default.
    "base_ratios": st.lists(st.integers(0, 10).map(lambda each: str(each / 10)), min_size=1, max_size=4).map(
        ",".join
    ),
    "control_type": st.sampled_from(["", "canny", "depth", "openpose"]),
    # Names of files.
    "model": st.sampled_from(["None", "control_v11p [0123abcd]", "face_yolov8n.pt", "größe, 2", "64x64"]),
    "module": st.sampled_from(["none", "canny", "depth_midas", "tile_resample"]),
}


def values_of(kind: Any, rules: list[Any], name: str = "") -> st.SearchStrategy[Any]:
    """What a field of this type and these rules may hold."""
    if name in SPECIAL:
        return SPECIAL[name]
    if isinstance(kind, type):
        return models_of(kind) if issubclass(kind, BaseModel) else plain_values(kind, rules)
    origin, inner = get_origin(kind), get_args(kind)
    if origin is typing.Annotated:
        return values_of(inner[0], [*rules, *flatten([*inner[1:]])], name)
    if origin is typing.Literal:
        return st.sampled_from(inner)
    if origin is tuple:
        return st.lists(values_of(inner[0], []), max_size=2).map(tuple)
    assert origin in (typing.Union, types.UnionType), f"values of {kind} are not known here"
    # int | float is one kind of number.
    kinds = (float,) if set(inner) == {int, float} else inner
    return st.one_of(*[values_of(each, rules, name) for each in kinds])


def flatten(rules: list[Any]) -> list[Any]:
    """Rules, those within pydantic's Field too."""
    return [inner for rule in rules for inner in (rule, *getattr(rule, "metadata", ()))]


def plain_values(kind: type, rules: list[Any]) -> st.SearchStrategy[Any]:
    """Flags, numbers and texts."""
    low = next((rule.ge for rule in rules if isinstance(rule, annotated_types.Ge)), -1000)
    high = next((rule.le for rule in rules if isinstance(rule, annotated_types.Le)), 1000)
    step = next((rule.multiple_of for rule in rules if isinstance(rule, annotated_types.MultipleOf)), 1)
    if kind is type(None):
        return st.none()
    if kind is bool:
        return st.booleans()
    if kind is int:
        return st.integers(-(-low // step), high // step).map(lambda number: number * step)
    if kind is float:
        return st.floats(low, high, allow_nan=False)
    assert kind is str, f"values of {kind} are not known here"
    if any(getattr(rule, "pattern", None) for rule in rules):
        return st.integers(0, 2**256 - 1).map(lambda number: f"{number:064x}")
    return texts


def models_of(model: type[BaseModel]) -> st.SearchStrategy[Any]:
    """Instances of a model: each field at its default, or not."""
    fields = {
        name: st.just(each.get_default(call_default_factory=True))
        | values_of(each.annotation, [*each.metadata], name)
        for name, each in model.model_fields.items()
    }
    return st.fixed_dictionaries(fields).map(model.model_validate)


def switch_on(part: RequestPart) -> RequestPart:
    """The part where its switch, if it has one, is on."""
    has_switch = "enabled" in type(part).model_fields
    return part.model_copy(update={"enabled": True}) if has_switch else part


def write_and_parse(part: RequestPart, prompt: str) -> dict[str, Any]:
    """The fields of a picture's infotext with this part, read again."""
    facts = PictureFacts(model_name="model", model_hash="0123456789", entries=part.to_infotext())
    return parse_fields(format_infotext(make_request(prompt=prompt), 0, facts))


def keep_all(part: Any) -> Any:
    """What comes back of most parts: all of it."""
    return part


def keep_units_that_are_on(part: Detailer) -> Detailer:
    """ADetailer's keys hold units that are on; what is shown beside the picture is no part of it."""
    units = tuple(unit for unit in part.units if unit.is_on)
    return part.model_copy(update={"units": units, "show_masks": False})


def keep_no_pictures(part: ControlNetPart) -> ControlNetPart:
    """An infotext holds no pictures, and nothing of a unit that is off."""
    nothing = {"image": None, "mask": None, "effective_region_mask": None, "batch_images": ()}
    units = [
        unit.model_copy(update=nothing) if unit.enabled else ControlUnit(enabled=False) for unit in part.units
    ]
    while units and not units[-1].enabled:
        units.pop()
    return ControlNetPart(units=tuple(units))


KEPT: dict[type[RequestPart], Callable[[Any], Any]] = {
    Detailer: keep_units_that_are_on,
    ControlNetPart: keep_no_pictures,
}


@pytest.mark.parametrize("key", IN_INFOTEXT)
@settings(max_examples=25)
@given(data=st.data())
def test_the_infotext_of_a_part_gives_it_back(key, data):
    kind = IN_INFOTEXT[key]
    part = switch_on(data.draw(models_of(kind)))
    fields = write_and_parse(part, data.draw(st.sampled_from(["", "a cat", "a cat: red,\nblue"])))
    expected = KEPT.get(kind, keep_all)(part) if part.is_active else None
    assert kind.from_infotext(fields) == expected


@pytest.mark.parametrize("key", IN_INFOTEXT)
def test_a_picture_without_a_part_tells_of_none(key):
    kind = IN_INFOTEXT[key]
    assert kind().to_infotext() == {}
    assert kind.from_infotext(write_and_parse(kind(), "a cat")) is None


@settings(max_examples=25)
@given(data=st.data())
def test_parts_beside_each_other_do_not_mix(data):
    """All of them in one infotext, each with its own keys."""
    parts = [switch_on(data.draw(models_of(kind), label=key)) for key, kind in IN_INFOTEXT.items()]
    entries = [part.to_infotext() for part in parts]
    together = functools.reduce(operator.or_, entries)
    assert len(together) == sum(map(len, entries))
    facts = PictureFacts(model_name="model", model_hash="0123456789", entries=together)
    fields = parse_fields(format_infotext(make_request(prompt="a cat"), 0, facts))
    for part in parts:
        kind = type(part)
        expected = KEPT.get(kind, keep_all)(part) if part.is_active else None
        assert kind.from_infotext(fields) == expected


@pytest.mark.parametrize("key", PARTS)
@settings(max_examples=25)
@given(data=st.data())
def test_a_part_is_the_same_after_json(key, data):
    kind = PARTS[key]
    part = data.draw(models_of(kind))
    assert kind.read(json.loads(json.dumps(part.model_dump(mode="json")))) == part
    assert kind.model_validate_json(part.model_dump_json()) == part
    assert kind.read(part.model_dump()) == part
    request = part.put_into(make_request())
    again = type(request).model_validate_json(request.model_dump_json())
    assert kind.of(again) == (part if part.is_active else None)


def in_order(part: RequestPart) -> list[Any]:
    """Arguments in the order of the fields."""
    return list(part.model_dump(mode="json").values())


def in_places(part: RequestPart, places: dict[str, int]) -> list[Any]:
    """Arguments in another program's order; what is not read here is empty."""
    values = part.model_dump(mode="json")
    args: list[Any] = [""] * (max(places.values()) + 1)
    for name, place in places.items():
        args[place] = values[name]
    return args


def community_order(part: DynamicPrompts) -> list[Any]:
    """As the community's extension has them."""
    values = part.model_dump() | {"is_combinatorial": part.way == "Combinatorial"}
    return [values.get(name, False) for name in COMMUNITY_ORDER]


def a1111_order(part: TiledDiffusion) -> list[Any]:
    """With a flag in the third place, by which the extension's order is told."""
    args = in_places(part, A1111_PLACES)
    args[2] = False
    return args


def adetailer_order(part: Detailer) -> list[Any]:
    """Two flags, then an object for each unit with ADetailer's names."""
    units = [{f"ad_{name}": value for name, value in unit.model_dump().items()} for unit in part.units]
    return [part.enabled, part.skip_img2img, *units]


def control_units(part: ControlNetPart) -> list[Any]:
    """An object for each unit."""
    return part.model_dump(mode="json")["units"]


# How a part's arguments are written, and the fields that these have none for.
ORDERS: dict[type[RequestPart], tuple[Callable[[Any], list[Any]], tuple[str, ...]]] = {
    Detailer: (adetailer_order, ("show_masks",)),
    ControlNetPart: (control_units, ()),
    DynamicPrompts: (community_order, ("write_template",)),
    RegionalPrompts: (lambda part: in_places(part, PLACES), ("masks", "prompts")),
    TiledDiffusion: (a1111_order, ()),
}


@pytest.mark.parametrize("key", PARTS)
@settings(max_examples=25)
@given(data=st.data())
def test_arguments_of_the_api_give_a_part_back(key, data):
    kind = PARTS[key]
    part = data.draw(models_of(kind))
    write, without = ORDERS.get(kind, (in_order, ()))
    usual = {name: getattr(kind(), name) for name in without}
    expected = part.model_copy(update=usual)
    assert kind.from_args(write(part)) == expected
    # One object of the fields is read everywhere.
    if kind.model_fields:
        assert kind.from_args([part.model_dump(mode="json")]) == part


def test_a_rare_value_is_tried():
    """The values that are drawn are not only the defaults."""
    assert CfgRescale(phi=1 / 3).to_infotext() == {"CFG Rescale φ": repr(1 / 3)}
