import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.prompts.prompt_goldens import goldens
from webui.core.infotext import additional_networks, parse_fields
from webui.core.infotext_overrides import override_settings
from webui.core.infotext_syntax import decode_value, encode_value, join_fields

LINE = "Steps: 20, Sampler: Euler, CFG scale: 7"
INFOTEXTS = goldens()["infotexts"]


@pytest.mark.parametrize("case", INFOTEXTS, ids=lambda case: case["infotext"][:40])
def test_fields_are_those_of_a1111(case):
    assert parse_fields(case["infotext"]) == case["parsed"]


@pytest.mark.parametrize("case", INFOTEXTS, ids=lambda case: case["infotext"][:40])
def test_override_settings_are_those_of_a1111(case):
    found = override_settings(parse_fields(case["infotext"]))
    assert [[*setting] for setting in found] == case["override_settings"]


@pytest.mark.parametrize(("value", "quoted", "unquoted"), goldens()["quote"])
def test_quoting_is_a1111s(value, quoted, unquoted):
    assert encode_value(value) == quoted
    if isinstance(quoted, str):
        assert decode_value(quoted) == unquoted


def test_a_setting_equal_to_the_current_one_is_no_override():
    fields = parse_fields(f"a\n{LINE}, Clip skip: 2")
    assert [setting.option for setting in override_settings(fields)] == ["CLIP_stop_at_last_layers"]
    assert override_settings(fields, {"CLIP_stop_at_last_layers": 2}) == ()


def test_a_setting_back_at_a1111s_default_overrides_a_changed_one():
    (setting,) = override_settings(parse_fields(f"a\n{LINE}"), {"randn_source": "NV"})
    assert setting == ("RNG", "randn_source", "GPU")


def test_a_setting_of_the_wrong_type_is_left_out():
    assert override_settings(parse_fields(f"a\n{LINE}, Clip skip: two")) == ()


@pytest.mark.parametrize("key", ["Beta schedule alpha", "Beta scheduler alpha"])
def test_both_spellings_of_the_beta_schedule_are_read(key):
    assert override_settings(parse_fields(f"a\n{LINE}, {key}: 0.3")) == ((key, "beta_dist_alpha", 0.3),)


def test_a_hires_prompt_equal_to_the_prompt_is_empty():
    assert parse_fields(f"a\n{LINE}, Hires prompt: a")["Hires prompt"] == ""


def test_a_hires_prompt_of_an_old_version_is_left_as_it_is():
    assert parse_fields(f"a\n{LINE}, Hires prompt: a, Version: v1.7.0")["Hires prompt"] == "a"


def strip_oil(prompt, negative_prompt):
    found = prompt.endswith(", oil")
    return (("Oil",) if found else ()), prompt.removesuffix(", oil"), negative_prompt


def test_styles_found_are_taken_out_and_named():
    fields = parse_fields(f'a, oil\n{LINE}, Hires prompt: "b, oil"', strip_oil)
    assert (fields["Prompt"], fields["Hires prompt"], fields["Styles array"]) == ("a", "b", ["Oil"])


def test_styles_stay_where_the_hires_prompt_has_others():
    fields = parse_fields(f"a, oil\n{LINE}, Hires prompt: b", strip_oil)
    assert (fields["Prompt"], fields["Hires prompt"]) == ("a, oil", "b")
    assert "Styles array" not in fields


def test_an_old_hypernetwork_is_written_into_the_prompt():
    fields = parse_fields(f"a\n{LINE}, Hypernet: ink, Hypernet strength: 0.5")
    assert fields["Prompt"] == "a<hypernet:ink:0.5>"


def test_loras_of_the_extension_additional_networks_are_written_into_the_prompt():
    fields = parse_fields(
        f"a\n{LINE}, AddNet Enabled: True, AddNet Module 1: LoRA, AddNet Model 1: ink style(0123abcdef45), "
        "AddNet Weight A 1: 0.7, AddNet Weight B 1: 0.7, AddNet Module 2: LoRA, AddNet Model 2: plain, "
        "AddNet Module 3: Other, AddNet Model 3: not this(0123abcdef45)"
    )
    assert fields["Prompt"] == "a\n<lora:ink style:0.7><lora:plain:1.0>"
    assert [each.hash for each in additional_networks(fields)] == ["0123abcdef45", ""]


def test_fields_without_a_value_are_left_out():
    assert "Module" not in parse_fields(f"a\n{LINE}, Module: , Tail: 1")


def test_sizes_of_no_picture_do_not_stop_the_reading():
    fields = parse_fields(f"a\n{LINE}, Size: 0x0, First pass size: {'9' * 5000}x1")
    assert fields["Steps"] == "20"


def test_joining_writes_quoted_pairs_in_order():
    text = join_fields("a cat", "blurry", {"Steps": 20, "Gone": None, "Note": "x, y", "Tiling": "Tiling"})
    assert text == 'a cat\nNegative prompt: blurry\nSteps: 20, Note: "x, y", Tiling'


VALUES = st.text(st.characters(blacklist_categories=["Cs", "Cc", "Zl", "Zp", "Zs"]), min_size=1)


@given(st.dictionaries(st.sampled_from(["Module", "Hires upscaler", "ControlNet 0", "Script"]), VALUES))
def test_fields_come_back_as_they_were_joined(values):
    values = {key: value for key, value in values.items() if value[0] != '"' and value != key}
    joined = join_fields("a cat", "", {"Steps": 1, "Seed": 2, "Sampler": "Euler"} | values)
    fields = parse_fields(joined)
    sizes = {key: value for key, value in values.items() if key not in fields}
    assert {key: fields[key] for key in values if key in fields} | sizes == values
    assert all(f"{key}-1" in fields for key in sizes)


@given(st.text() | st.text(alphabet='Ab:,"\\\n 1x(['))
def test_any_text_is_read(text):
    assert {"Prompt", "Negative prompt", "Clip skip"} <= parse_fields(text).keys()


@pytest.mark.parametrize("unit", ["a", " ", "a b ", ":", '"', "a:", "\\", ",", "(", "Ab: "])
def test_long_lines_are_read_quickly(unit):
    start = time.perf_counter()
    parse_fields((unit * 20_000)[:20_000] + ".")
    assert time.perf_counter() - start < 5
