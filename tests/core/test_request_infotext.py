"""A picture's infotext reads back to the request that made it."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.golden_cases import golden_cases, without_version
from tests.request_strategies import hires_parts, requests
from webui.core.image_options import A1111_DEFAULTS, INFOTEXT_FIELDS, ImageOptions
from webui.core.infotext import parse_fields
from webui.core.infotext_fields import read_inpainting
from webui.core.request import GenerationRequest, make_request
from webui.core.request_infotext import (
    PictureFacts,
    format_infotext,
    list_written_options,
    parse_infotext,
    read_infotext,
)
from webui.core.request_parts import Refiner
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
    names = {*list_written_options(request), "clip_skip", "randn_source", "token_merging_ratio"}
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


@given(requests(prompts), hires_parts(prompts))
def test_a_second_pass_reads_back_to_the_same_text(request, hires):
    facts = replace(FACTS, hires_checkpoint="other", refiner="third [0123456789]")
    refiner = Refiner(model="third", switch_at=0.75)
    both = request.model_copy(update={"hires": hires, "refiner": refiner, "denoising_strength": 0.4})
    text = format_infotext(both, 0, facts)
    again = parse_infotext(text)
    assert format_infotext(again, 0, facts) == text
    assert again.refiner == Refiner(model="third [0123456789]", switch_at=0.75)
    assert again.second_pass().steps == both.second_pass().steps
    assert again.hires_size == both.hires_size


def test_what_a1111_wrote_of_second_passes_and_refiners_is_read_and_written_the_same():
    texts = [
        case.infotexts[0]
        for case in golden_cases()
        if case.payload.get("enable_hr") or "refiner" in str(case)
    ]
    assert len(texts) >= 15
    for text in texts:
        request = parse_infotext(text)
        facts = PictureFacts(
            *(str(request.model).removesuffix("]").split(" [")),
            hires_checkpoint=request.hires.model if request.hires else "",
            refiner=request.refiner.model if request.refiner else "",
        )
        assert without_version(format_infotext(request, 0, facts)) == text


def test_inpainting_is_read_as_far_as_infotext_tells_it():
    fields = parse_fields(
        "a cat\nSteps: 12, Sampler: Euler, CFG scale: 7, Seed: 1, Size: 64x64, Denoising strength: 0.7, "
        "Soft inpainting enabled: True, Soft inpainting schedule bias: 2, Mask mode: Inpaint not masked, "
        "Mask blur: 6, Inpaint area: Only masked, Masked area padding: 8, Masked content: latent noise"
    )
    assert read_inpainting(fields) == {
        "invert": True,
        "masked_content": "latent noise",
        "only_masked": True,
        "padding": 8,
        "mask_blur_x": 6,
        "mask_blur_y": 6,
        "soft": {"schedule_bias": 2},
    }
    assert read_inpainting(parse_fields("a cat")) == {}


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
