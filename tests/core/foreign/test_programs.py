"""What other programs write, as infotext."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.foreign_recipes import EXAMPLES
from webui.core.foreign.invokeai import split_brackets
from webui.core.foreign.programs import infotext_of_items, infotext_of_text
from webui.core.request_infotext import parse_infotext, read_with_problems

SIZE = (64, 32)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "prompt",
                    "workflow",
                    "nodes",
                    "links",
                    "inputs",
                    "class_type",
                    "type",
                    "id",
                    "link",
                    "name",
                    "uc",
                    "Comment",
                    "steps",
                    "seed",
                    "sampler",
                    "cfg",
                    "size",
                    "width",
                    "model",
                    "loras",
                    "image",
                    "sui_image_params",
                    "extraMetadata",
                    "v4_prompt",
                    "caption",
                    "char_captions",
                    "base_model",
                    "performance",
                    "positive",
                    "latent_image",
                    "guider",
                    "3",
                    "widgets_values",
                    "clip_skip",
                ]
            ),
            inner,
            max_size=8,
        )
    ),
    max_leaves=40,
)


def texts(example):
    """The texts of a picture as the reader gives them: an infotext apart."""
    return {name: text for name, text in example.items.items() if name != "parameters"}


@pytest.mark.parametrize("program", EXAMPLES)
def test_the_recipe_of_every_program_is_an_infotext(program):
    example = EXAMPLES[program]
    own = example.items.get("parameters")
    found = infotext_of_text(own, SIZE) if own else infotext_of_items(texts(example), SIZE)
    assert found == example.infotext


@pytest.mark.parametrize("program", EXAMPLES)
def test_what_every_program_writes_makes_a_request(program):
    request = parse_infotext(EXAMPLES[program].infotext)
    assert request.prompt.startswith(("a hill", "a cat"))
    assert request.steps > 1


def test_a_schedule_that_only_fooocus_has_is_said():
    assert "'turbo'" in read_with_problems(EXAMPLES["fooocus-log"].infotext).problems[0]


def test_a_sampler_that_only_novelai_has_is_said():
    items = dict(EXAMPLES["novelai"].items)
    items["Comment"] = items["Comment"].replace("k_euler_ancestral", "nai_smea")
    reading = read_with_problems(infotext_of_items(items, SIZE))
    assert "nai_smea" in reading.problems[0]
    assert reading.fields["seed"] == 7


@pytest.mark.parametrize("comment", ["", "[]", "{", '{"uc": 1}', "[" * 100_000, '{"a":' * 100_000])
def test_a_damaged_comment_is_no_recipe(comment):
    items = {"Software": "NovelAI", "Description": "a hill", "Comment": comment}
    assert infotext_of_items(items, SIZE) is None
    assert infotext_of_text(comment, SIZE) is None


@pytest.mark.parametrize(
    "text", ["", "a hill", "{}", '{"resolution": 5}', "7", "null", '{"prompt": "a hill"}']
)
def test_text_that_is_no_recipe_is_left_alone(text):
    assert infotext_of_text(text, SIZE) is None


@pytest.mark.parametrize(
    ("written", "prompt", "negative"),
    [
        ("a [b] c", "a c", "b"),
        ("a", "a", ""),
        ("[b][c] a [d", "a [d", "b, c"),
        ("a ] b", "a ] b", ""),
    ],
)
def test_brackets_hold_the_negative_prompt(written, prompt, negative):
    kept, apart = split_brackets(written)
    assert (kept.strip(), apart) == (prompt, negative)


@given(JSON)
def test_any_object_is_read_or_left_alone(data):
    text = json.dumps(data)
    for found in (
        infotext_of_text(text, SIZE),
        infotext_of_items({"prompt": text, "workflow": text, "Software": "NovelAI", "Comment": text}, SIZE),
        infotext_of_items({"invokeai_metadata": text, "sd-metadata": text, "Dream": text}, SIZE),
    ):
        assert found is None or parse_infotext(found)
