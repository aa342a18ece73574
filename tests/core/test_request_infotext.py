"""A picture's infotext reads back to the request that made it."""

from hypothesis import given
from hypothesis import strategies as st

from tests.request_strategies import requests
from webui.core.image_options import A1111_DEFAULTS, INFOTEXT_FIELDS, ImageOptions
from webui.core.request import GenerationRequest, make_request
from webui.core.request_infotext import (
    PictureFacts,
    format_infotext,
    parse_infotext,
    read_infotext,
    written_options,
)
from webui.core.sampling import AUTOMATIC

FACTS = PictureFacts("model", "0123456789", version="Atelier 1", effects=frozenset(INFOTEXT_FIELDS))
# Prompts as people write them: A1111 takes spaces off the ends of lines and knows lines by how they begin.
lines = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), max_size=20).map(str.strip)
prompts = (
    st.lists(st.lists(lines, max_size=4).map(lambda words: " ".join(words).strip()), max_size=3)
    .map(lambda parts: "\n".join(parts).strip())
    .filter(lambda text: "Negative prompt:" not in text)
)


def written(request: GenerationRequest) -> GenerationRequest:
    """The request without options that its sampler and schedule do not read."""
    names = {*written_options(request), "clip_skip", "randn_source", "token_merging_ratio"}
    if request.sampler in ("Euler a", "DPM++ 2S a", "DPM2 a", "DPM fast", "DPM adaptive"):
        names.add("eta_noise_seed_delta")
    kept = {name: getattr(request.options, name) for name in names}
    schedule = request.effective_schedule
    return request.model_copy(
        update={"options": A1111_DEFAULTS.model_copy(update=kept), "schedule": schedule, "batch_size": 1}
    )


@given(requests(prompts))
def test_infotext_parses_back_to_an_equal_request(request):
    assert parse_infotext(format_infotext(request, 0, FACTS)) == written(request)


@given(requests(prompts))
def test_formatting_what_was_parsed_gives_the_same_text(request):
    text = format_infotext(request, 0, FACTS)
    assert format_infotext(parse_infotext(text), 0, FACTS) == text


def test_each_picture_of_a_run_tells_its_own_seed():
    request = make_request(seed=5, batch_size=3)
    assert [parse_infotext(format_infotext(request, index, FACTS)).seed for index in range(3)] == [5, 6, 7]


def test_old_names_hold_sampler_and_schedule():
    parsed = parse_infotext(
        "a cat\nSteps: 20, Sampler: DPM++ 2M Karras, CFG scale: 7, Seed: 1, Size: 512x768"
    )
    assert (parsed.sampler, parsed.schedule, parsed.width, parsed.height) == ("DPM++ 2M", "Karras", 512, 768)


def test_a_picture_without_rng_was_made_with_the_noise_of_the_gpu():
    text = "a cat\nSteps: 20, Sampler: Euler, CFG scale: 7, Seed: 1, Size: 512x512"
    assert parse_infotext(text).options.randn_source == "GPU"
    assert ImageOptions().randn_source == "NV"


def test_fields_that_are_not_there_are_left_alone():
    found = read_infotext("a cat")
    assert found["prompt"] == "a cat"
    assert not {"steps", "seed", "width", "model", "sampler"} & set(found)


def test_a_schedule_that_is_the_samplers_own_is_written_out():
    text = format_infotext(make_request(sampler="DPM++ 2M", schedule=AUTOMATIC), 0, FACTS)
    assert "Schedule type: Karras" in text
