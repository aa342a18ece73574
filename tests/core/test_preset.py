"""A preset's file: read back as it was written, refused with a sentence where it is damaged."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui.core.errors import UnusableFile
from webui.core.preset import (
    MAX_PRESET_BYTES,
    PRESET_MARK,
    PRESET_VERSION,
    Preset,
    PresetFields,
    looks_like_preset,
    read_preset,
)
from webui.core.request import GenerationRequest
from webui.core.request_parts import HiresFix, Inpainting, Loopback, Outpainting, Refiner, SoftInpainting

TEXT = st.text(st.characters(codec="utf-8"), max_size=30)
JSON = st.recursive(
    st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
NAMES = TEXT | st.sampled_from(["version", "known", "model_config", "__dict__", "copy", "self", "__proto__"])
OURS = {*PresetFields.model_fields, *Preset.model_fields, PRESET_MARK} - {"version"}
UNKNOWN = st.dictionaries(NAMES.filter(lambda name: name not in OURS), JSON, max_size=2)
# Fields of the form that are the request's own, by the part that holds them.
SAME_RANGES = {
    GenerationRequest: {name: name for name in (
        "steps", "width", "height", "batch_count", "batch_size", "cfg_scale", "denoising_strength",
        "variation_strength", "seed_resize_width", "seed_resize_height", "prompt",
    )},
    HiresFix: {f"hires_{name}": name for name in ("scale", "width", "height", "steps", "prompt")},
    Refiner: {"refiner_switch_at": "switch_at"},
    Inpainting: {"mask_blur": "mask_blur_x", "mask_blur_y": "mask_blur_y", "padding": "padding"},
    SoftInpainting: {f"soft_{name}": name for name in SoftInpainting.model_fields},
    # The form has no field for what follows from others.
    Outpainting: {
        f"outpaint_{name}": name
        for name in Outpainting.model_fields if f"outpaint_{name}" in PresetFields.model_fields
    },
    Loopback: {
        "loopback_loops": "loops", "loopback_final": "final_denoising_strength", "loopback_curve": "curve",
    },
}  # fmt: skip
RULES = ("minimum", "maximum", "exclusiveMinimum", "maxLength", "multipleOf", "enum")


def document(**more: object) -> bytes:
    return json.dumps({PRESET_MARK: PRESET_VERSION, **more}).encode()


@given(TEXT, UNKNOWN, UNKNOWN, st.dictionaries(TEXT, JSON, max_size=2))
def test_whatever_a_later_version_or_an_extension_adds_is_kept(name, top, inner, parts):
    written = document(name=name, **top, fields={"steps": 7, "prompt": name, **inner}, parts=parts)
    preset = read_preset(written, "x.json")
    assert preset == read_preset(preset.as_json(), "x.json")
    assert preset.model_extra == top
    assert set(preset.fields.unknown()) == set(inner)
    assert preset.fields.model_extra == inner
    assert preset.parts == parts
    assert preset.fields.known() == {"steps": 7, "prompt": name}


@given(st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode()))
def test_no_other_file_is_taken_for_one_and_none_does_harm(data):
    with pytest.raises(UnusableFile):
        read_preset(data, "x.json")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "damaged JSON"),
        (document()[:-1], "damaged JSON"),
        (b'{"steps": 20}', PRESET_MARK),
        (document(fields={"steps": 1e15}), "The steps is 1000000000000000.0"),
        (document(fields={"steps": 0}), "greater than or equal to 1"),
        (document(fields={"width": 513}), "Use 512"),
        (document(fields={"cfg_scale": "<script>alert(1)</script>"}), "The cfg scale is '<script>"),
        (document(fields={"seed": "seven"}), "The seed is 'seven'"),
        (document(fields={"mode": "Video"}), "The mode is 'Video'"),
        (document(fields=7), "The fields is 7"),
        (document(checkpoint={"kind": "checkpoint"}), "Field required"),
        (document(checkpoint={"kind": "checkpoint", "name": "a", "hash": "../../etc"}), "checkpoint hash"),
        (b'{"atelier_preset": 1, "fields": {"steps": 1' + b"0" * 9000 + b"}}", "damaged JSON"),
        (b'{"atelier_preset": 1, "fields": {"cfg_scale": 1e999}}', "finite"),
        (b'{"atelier_preset": 1, "fields": {"cfg_scale": NaN}}', "damaged JSON"),
        (b'{"atelier_preset": 1, "parts": ' + b"[" * 100_000 + b"}", "damaged JSON"),
        (document(parts={"x": "y" * MAX_PRESET_BYTES}), "more than 1 MB"),
        (b'{"atelier_preset": 1}' + b" " * 10 * 2**20, "more than 1 MB"),
    ],
)  # fmt: skip
def test_a_damaged_or_forged_file_is_refused_with_a_sentence(data, words):
    with pytest.raises(UnusableFile) as refusal:
        read_preset(data, "x.json")
    sentence = str(refusal.value)
    assert sentence.startswith("x.json") and sentence.endswith(".") and len(sentence) < 400
    assert words in sentence


def test_of_a_later_version_only_the_values_that_are_not_known_are_left_out():
    fields = {"steps": 9, "mode": "Video", "cfg_scale": [1, 2]}
    later = json.dumps({PRESET_MARK: PRESET_VERSION + 1, "fields": fields}).encode()
    assert read_preset(later, "x").fields.known() == {"steps": 9}
    more = json.loads(later) | {
        "tab": "video",
        "checkpoint": [1],
        "vae": {"kind": "vae", "name": "v"},
        "models": 5,
    }
    preset = read_preset(json.dumps(more).encode(), "x")
    assert (preset.tab, preset.checkpoint, preset.models) == ("txt2img", None, ())
    assert preset.vae is not None and preset.fields.known() == {"steps": 9}
    with pytest.raises(UnusableFile):
        read_preset(document(fields=fields), "x")


def test_folders_and_seeds_that_are_drawn_anew_are_no_part_of_a_set_up():
    fields = PresetFields.model_validate(
        {"seed": "-1", "variation_seed": 5, "batch_input_dir": "/home/ann", "steps": 3, "own": True}
    )
    assert fields.without_moment().model_dump(exclude_none=True) == {
        "variation_seed": "5",
        "steps": 3,
        "own": True,
    }


def test_each_field_has_the_range_that_the_request_has():
    ours = PresetFields.model_json_schema()["properties"]
    for part, names in SAME_RANGES.items():
        theirs = part.model_json_schema()["properties"]
        for field, name in names.items():
            assert rules(ours[field]) == rules(theirs[name]), field


def rules(schema: dict) -> dict:
    """What a schema demands, wherever in it that stands."""
    parts = [schema, *schema.get("anyOf", [])]
    return {key: part[key] for part in parts for key in RULES if key in part}


def test_an_editor_may_have_put_its_mark_before_the_text():
    assert read_preset(b"\xef\xbb\xbf" + document(fields={"steps": 4}), "x").fields.steps == 4


def test_a_preset_is_known_by_its_content():
    assert looks_like_preset(Preset().as_json().decode())
    assert not looks_like_preset('"atelier_preset"')
    assert not looks_like_preset('{"nodes": []}')
