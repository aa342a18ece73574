"""Infotexts in every layout, and what of them can be used."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.foreign_recipes import EXAMPLES, LAYOUTS
from webui.core.infotext import parse_fields
from webui.core.request import MAX_SEED
from webui.core.request_infotext import parse_infotext, read_infotext, read_with_problems
from webui.core.sampling import SCHEDULES

LINE = "Steps: 12, Sampler: Euler a, CFG scale: 4, Seed: 8, Size: 512x640"
READ = {
    "prompt": "a hill at dawn", "negative_prompt": "fog", "steps": 12, "sampler": "Euler a", "cfg_scale": 4,
    "seed": 8, "width": 512, "height": 640,
}  # fmt: skip
KEYS = st.sampled_from(
    [
        "Steps",
        "Sampler",
        "Schedule type",
        "CFG scale",
        "Seed",
        "Size",
        "Model",
        "Model hash",
        "Clip skip",
        "Refiner",
        "Hires upscale",
        "Hires resize",
        "Hires sampler",
        "Hires steps",
        "Refiner switch at",
        "Mask blur",
        "RNG",
        "ENSD",
        "Denoising strength",
        "Variation seed",
        "Seed resize from",
        "Tiling",
        "Face restoration",
        "Eta",
        "Not read",
        "Soft inpainting enabled",
        "Masked content",
        "First pass size",
        "Hypernet",
        "Version",
        "VAE",
        "UniPC order",
    ]
)
VALUES = st.one_of(
    st.sampled_from(
        ["Unknown", "-1", "1e999", "nan", "7.5", "641x643", "0x0", "True", "None", "99999999999", "²"]
    ),
    st.integers().map(str),
    st.text(max_size=12),
)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_read(layout):
    assert READ.items() <= read_infotext(LAYOUTS[layout]).items()


def test_templates_are_read_whole():
    fields = parse_fields(LAYOUTS["dynamic prompts"])
    assert (fields["Template"], fields["Negative Template"]) == ("a {hill|dale}, at dawn", "fog")


def test_models_that_only_civitai_names_are_said():
    (sentence,) = read_with_problems(LAYOUTS["Civitai"]).problems
    assert "checkpoint a, Seed: 9 v" in sentence


def test_a_field_over_two_lines_keeps_both():
    assert parse_fields(LAYOUTS["a line break in a field"])["Note"] == "one\ntwo"


def test_the_prompt_of_a_text_on_one_line_keeps_its_full_stop():
    found = read_infotext(f"a hill. Negative prompt: fog, rain. {LINE}")
    assert (found["prompt"], found["negative_prompt"]) == ("a hill.", "fog, rain.")


@pytest.mark.parametrize(
    "prompt",
    [
        "a: b, c: d, e: f",
        "on steps: 3 of them",
        "Model: tall\nSize: big\nSeed: apple",
        "prompt: x",
        "{a|b}, {c}",
    ],
)
def test_a_prompt_with_colons_is_no_infotext(prompt):
    reading = read_with_problems(f"{prompt}\n{LINE}")
    assert (reading.fields["prompt"], reading.problems) == (prompt, ())


@pytest.mark.parametrize(
    ("fields", "lost", "word"),
    [
        (
            "Steps: Unknown, Sampler: Euler a, CFG scale: Unknown, Seed: 8, Size: 640x832",
            {"steps", "cfg_scale"},
            "Steps",
        ),
        ("Steps: Steps, Sampler: Euler a, CFG scale: 4, Seed: 77, Size: Size", {"steps", "width"}, "Size"),
        (
            "Steps: 12, Sampler: Undefined, CFG scale: 4, Seed: 8, Size: 640x832",
            {"sampler", "schedule"},
            "Undefined",
        ),
        ("Steps: 12, Sampler: Euler a CFG++, CFG scale: 4, Seed: 8", {"sampler"}, "Euler a CFG++"),
        ("Steps: 900000, Sampler: Euler, CFG scale: 4, Seed: 8", {"steps"}, "900000"),
        (f"Steps: 9, Sampler: Euler, CFG scale: 4, Seed: {MAX_SEED + 1}", {"seed"}, "seed"),
        ("Steps: 9, Sampler: Euler, CFG scale: 4, Seed: 8, Size: 99999x64", {"width"}, "99999"),
        (
            "Steps: 9, Sampler: Euler, CFG scale: 4, Seed: 8, Denoising strength: lots",
            {"denoising_strength"},
            "lots",
        ),
    ],
)
def test_what_cannot_be_read_is_said_and_the_rest_is_read(fields, lost, word):
    reading = read_with_problems(f"hill\nNegative prompt: fog\n{fields}")
    assert not lost & reading.fields.keys()
    assert {"prompt", "negative_prompt", "seed", "steps"} - lost <= reading.fields.keys()
    assert any(word in sentence for sentence in reading.problems)
    assert all(sentence.endswith(".") for sentence in reading.problems)


@pytest.mark.parametrize(
    "schedule", ["Align Your Steps GITS", "Align Your Steps 11", "Turbo", "Beta57", "linear_quadratic"]
)
def test_an_unknown_schedule_is_automatic_and_said(schedule):
    reading = read_with_problems(
        f"hill\nSteps: 12, Sampler: Euler, Schedule type: {schedule}, Seed: 8, Hires upscale: 2, "
        f"Hires schedule type: {schedule}"
    )
    assert reading.fields["schedule"] == "Automatic"
    assert "schedule" not in reading.fields["hires"]
    assert schedule in reading.problems[0]
    assert schedule in reading.problems[1]


def test_the_schedule_of_an_unknown_sampler_is_read():
    found = read_infotext("hill\nSteps: 12, Sampler: Restart++, Schedule type: Karras, Seed: 8")
    assert found["schedule"] == "Karras"
    assert "sampler" not in found


@pytest.mark.parametrize(
    ("written", "size"), [("641x643", (640, 640)), ("100x77", (96, 72)), ("7x9", (8, 8))]
)
def test_sides_are_rounded_down_to_what_a_picture_can_have(written, size):
    reading = read_with_problems(f"hill\nSteps: 12, Sampler: Euler, Seed: 8, Size: {written}")
    assert (reading.fields["width"], reading.fields["height"]) == size
    assert f"{written} became {size[0]}x{size[1]}" in reading.problems[0]


@pytest.mark.parametrize("written", ["512 x 640", "512*640", "512\xd7640", "(512, 640)", "512X640px"])
def test_sizes_are_read_in_other_spellings(written):
    found = read_infotext(f'hill\nSteps: 12, Sampler: Euler, Seed: 8, Size: "{written}"')
    assert (found["width"], found["height"]) == (512, 640)


def test_an_unread_prompt_leaves_the_forms_own():
    reading = read_with_problems(
        'Negative prompt: fog\nSteps: 12, Sampler: Euler, Seed: 8, Not read: "prompt, model"'
    )
    assert "prompt" not in reading.fields
    assert reading.fields["negative_prompt"] == "fog"
    assert "prompt, model" in reading.problems[0]


@pytest.mark.parametrize("program", EXAMPLES)
def test_pasting_what_a_program_writes_reads_as_its_infotext_does(program):
    texts = [text for text in EXAMPLES[program].items.values() if text.startswith("{") and len(text) > 2]
    for text in texts if not program.startswith("novelai") else ():
        assert parse_fields(text) | {"Size-1": 0, "Size-2": 0} == (
            parse_fields(EXAMPLES[program].infotext) | {"Size-1": 0, "Size-2": 0}
        )


def test_json_that_is_no_recipe_is_a_prompt_as_it_stands():
    assert parse_fields('{"a": 1}')["Prompt"] == '{"a": 1}'


@given(st.lists(st.tuples(KEYS, VALUES), max_size=12), st.sampled_from([", ", " | ", "\n", "; ", " "]))
def test_any_fields_make_a_valid_request(pairs, between):
    line = between.join(f"{key}: {value}" for key, value in pairs)
    request = parse_infotext(f"a hill\n{line}")
    assert request.width % 8 == request.height % 8 == 0
    assert request.schedule in {schedule.label for schedule in SCHEDULES}


@given(st.text())
def test_any_text_makes_a_valid_request(text):
    parse_infotext(text)
