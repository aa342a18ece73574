"""From the form to a request, and from requests and infotext back to the form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.foreign_recipes import EXAMPLES, LAYOUTS
from tests.request_strategies import requests, words
from webui.core.errors import InvalidRequest
from webui.core.image_options import OPTION_FIELDS
from webui.core.request import MAX_SEED, GenerationRequest, make_request
from webui.core.request_infotext import PictureFacts, format_infotext
from webui.core.request_parts import LATENT_UPSCALERS, HiresFix, Refiner
from webui.core.sampling import SAMPLERS, SCHEDULES
from webui.core.settings import Settings
from webui.ui.forms.img2img import fields_of_img2img_infotext
from webui.ui.generation import (
    FORM_DEFAULTS,
    fields_of_infotext,
    fields_of_request,
    infotext_problems,
    request_parts,
    seed_of,
)

HIRES = st.builds(
    HiresFix,
    upscaler=st.sampled_from([*LATENT_UPSCALERS, "Lanczos"]),
    scale=st.integers(20, 80).map(lambda twentieths: twentieths / 20),
    width=st.sampled_from([0, 640]),
    height=st.sampled_from([0, 960]),
    steps=st.integers(0, 150),
    model=st.sampled_from(["", "other [0123456789]"]),
    sampler=st.sampled_from(["", *(info.label for info in SAMPLERS)]),
    schedule=st.sampled_from(["", *(info.label for info in SCHEDULES)]),
    prompt=st.sampled_from(["", "finer"]),
    negative_prompt=st.sampled_from(["", "coarse, with: marks"]),
)
REFINERS = st.builds(Refiner, model=st.just("last"), switch_at=st.integers(1, 100).map(lambda p: p / 100))


@st.composite
def whole_requests(draw, prompts=words):
    """Requests with or without a second pass, a refiner, restored faces."""
    changes = {
        "hires": draw(st.none() | HIRES),
        "refiner": draw(st.none() | REFINERS),
        "restore_faces": draw(st.booleans()),
        "denoising_strength": draw(st.integers(0, 100)) / 100,
    }
    return draw(requests(prompts=prompts)).model_copy(update=changes)


def asked_for(form, fields, settings):
    """The request that the form makes after these fields were written into it."""
    shown = dict(FORM_DEFAULTS)
    for component, update in form.write(fields).items():
        shown |= form.read({component: update["value"]})
    wanted, overrides = request_parts(shown)
    styles = wanted.pop("styles")
    assert styles == []
    # Where no variation is written, one is drawn; any will do.
    wanted = {name: 0 if value == -1 else value for name, value in wanted.items()}
    changed = settings.changed(overrides)
    wanted = {"model": settings.models.sd_model_checkpoint, "vae": settings.models.sd_vae} | wanted
    return make_request(**wanted, options=changed.image)


def as_it_matters(request: GenerationRequest) -> GenerationRequest:
    """Without fields of variation and resizing that do nothing."""
    unused: dict[str, int] = {}
    if not request.variation_strength and not request.seed_resize_width:
        unused = {"variation_seed": 0, "seed_resize_height": 0}
    return request.model_copy(update=unused)


@given(request=whole_requests())
def test_the_form_shows_a_request_so_that_it_makes_the_same_again(txt2img_form, request):
    settings = Settings(image=request.options).changed(
        {"sd_model_checkpoint": request.model, "sd_vae": request.vae}
    )
    again = asked_for(txt2img_form, fields_of_request(request), settings)
    assert as_it_matters(again) == as_it_matters(request)


def test_a_second_pass_keeps_the_schedule_of_the_first(txt2img_form):
    """Exponential is the first sampler's own schedule, not the second's."""
    text = (
        "a fox\nSteps: 2, Sampler: DPM++ 2M SDE, Schedule type: Exponential, Seed: 1, Size: 64x64, "
        "Hires sampler: DPM++ 2M, Hires upscale: 2, Hires upscaler: Latent"
    )
    again = asked_for(txt2img_form, fields_of_infotext(text, Settings()), Settings())
    assert again.second_pass().effective_schedule == "Exponential"
    plain = fields_of_infotext(text.replace("Hires sampler: DPM++ 2M, ", ""), Settings())
    assert plain["schedule"] == "Automatic"


@given(request=whole_requests(prompts=st.sampled_from(["", "a fox", "a (red:1.2) fox,\nin the snow"])))
def test_a_pasted_infotext_makes_a_picture_with_that_infotext(txt2img_form, request):
    facts = PictureFacts(refiner="last" if request.refiner else "")
    text = format_infotext(request, 0, facts)
    again = asked_for(txt2img_form, fields_of_infotext(text, Settings()), Settings())
    assert format_infotext(again, 0, facts) == text


def test_a_text_without_parameters_is_pasted_as_a_prompt():
    fields = fields_of_infotext("a fox\nNegative prompt: blurry", Settings())
    assert fields == {"prompt": "a fox", "negative_prompt": "blurry"}


def test_a_schedule_that_is_the_samplers_own_is_shown_as_automatic():
    text = "a fox\nSteps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, Seed: 1, Size: 64x64"
    assert fields_of_infotext(text, Settings())["schedule"] == "Automatic"
    other = text.replace("Karras", "Exponential")
    assert fields_of_infotext(other, Settings())["schedule"] == "Exponential"


def test_settings_that_differ_in_an_infotext_become_chips():
    text = "a\nSteps: 20, Sampler: Euler, CFG scale: 7, Seed: 1, Size: 64x64, Clip skip: 2, ENSD: 31337"
    chips = fields_of_infotext(text, Settings())["override_settings"]
    # A1111 means its own noise where it says nothing.
    assert set(chips) == {"Clip skip: 2", "ENSD: 31337", "RNG: GPU"}
    same = Settings().changed(
        {"CLIP_stop_at_last_layers": 2, "eta_noise_seed_delta": 31337, "randn_source": "GPU"}
    )
    assert fields_of_infotext(text, same)["override_settings"] == []


def test_the_checkpoint_of_an_infotext_is_a_chip_only_if_the_settings_want_it():
    text = (
        "a\nSteps: 20, Sampler: Euler, Seed: 1, Size: 64x64, Model hash: 0123456789, Model: dreams, RNG: NV"
    )
    assert fields_of_infotext(text, Settings())["override_settings"] == []
    wanted = Settings().changed({"disable_weights_auto_swap": False})
    assert fields_of_infotext(text, wanted)["override_settings"] == ["Model: dreams [0123456789]"]
    selected = wanted.changed({"sd_model_checkpoint": "sub/dreams.safetensors [0123456789]"})
    assert fields_of_infotext(text, selected)["override_settings"] == []


def test_chips_become_options_and_models_of_the_request():
    wanted, overrides = request_parts({"override_settings": ["Clip skip: 2", "VAE: soft", "RNG: CPU"]})
    assert wanted["vae"] == "soft"
    assert {OPTION_FIELDS[key]: value for key, value in overrides.items()} == {
        "clip_skip": 2,
        "randn_source": "CPU",
    }


def test_an_unknown_chip_is_refused_with_its_text():
    with pytest.raises(InvalidRequest, match="Mood: calm"):
        request_parts({"override_settings": ["Mood: calm"]})


@pytest.mark.parametrize(
    ("written", "seed"), [("", -1), ("-1", -1), (None, -1), (" 7 ", 7), (str(MAX_SEED), MAX_SEED)]
)
def test_a_seed_is_read_to_its_last_digit(written, seed):
    assert seed_of(written, "seed") == seed


@pytest.mark.parametrize("written", ["fox", "-2", "1.5", str(MAX_SEED + 1), "9" * 1000])
def test_what_is_no_seed_is_refused_with_a_sentence(written):
    with pytest.raises(InvalidRequest, match="variation seed"):
        seed_of(written, "variation seed")


def test_extra_seeds_are_left_aside_unless_extra_is_ticked():
    fields = FORM_DEFAULTS | {"variation_strength": 0.5, "seed_resize_width": 64, "seed_resize_height": 64}
    assert "variation_strength" not in request_parts(fields)[0]
    assert request_parts(fields | {"extra_seed": True})[0]["variation_strength"] == 0.5


@pytest.mark.parametrize("name", [*LAYOUTS, *EXAMPLES])
@pytest.mark.parametrize("fields_of", [fields_of_infotext, fields_of_img2img_infotext])
def test_whatever_a_text_says_the_form_can_be_submitted(name, fields_of):
    fields = fields_of(LAYOUTS.get(name) or EXAMPLES[name].infotext, Settings())
    assert fields["prompt"]
    wanted, _ = request_parts(FORM_DEFAULTS | fields)
    wanted = {key: value for key, value in wanted.items() if key not in ("styles", "variation_seed")}
    assert make_request(**wanted).steps == fields["steps"]


@given(
    st.text(), st.sampled_from(["Mask blur", "Soft inpainting enabled", "Masked area padding", "Mask mode"])
)
def test_no_text_keeps_a_form_from_being_filled(text, key):
    for fields_of in (fields_of_infotext, fields_of_img2img_infotext):
        assert (
            fields_of(f"a\nSteps: 5, Sampler: Euler, Seed: 1, Mask blur: 4, {key}: {text}", Settings())[
                "steps"
            ]
            == 5
        )
    assert isinstance(infotext_problems(text), str)


def test_an_unknown_sampler_leaves_the_forms_own():
    fields = fields_of_infotext("a\nSteps: 5, Sampler: Undefined, Seed: 1", Settings())
    assert not {"sampler", "schedule"} & fields.keys()
    assert "Undefined" in infotext_problems("a\nSteps: 5, Sampler: Undefined, Seed: 1")
