"""Presets and the page's forms: each field has its place, and what was kept is asked for again."""

import gradio as gr
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.request_strategies import options
from tests.ui.img2img_fields import fields_of_img2img_request
from tests.ui.test_generation import whole_requests
from webui.core.image_options import INFOTEXT_FIELDS, OPTION_FIELDS, option_key
from webui.core.preset import LEFT_OUT, Preset, PresetFields, read_preset
from webui.core.request import GenerationRequest, make_request
from webui.core.request_parts import Inpainting, Loopback, Outpainting, SoftInpainting
from webui.core.settings import Settings
from webui.library.presets.fields import chips_of, options_of, with_own_chips
from webui.store.pictures.unsaved import UNSAVED
from webui.store.preset_files import KeptPreset, PresetFiles
from webui.ui.filling import possible_fields
from webui.ui.forms import img2img
from webui.ui.forms.form import Form
from webui.ui.forms.img2img import IMG2IMG_DEFAULTS, batch_parts
from webui.ui.generation import FORM_DEFAULTS, fields_of_request, request_parts
from webui.ui.tabs.img2img import make_img2img
from webui.ui.watching.pictures import PictureFiles

PICTURE = "0" * 64
TOLD = set(INFOTEXT_FIELDS.values())


@pytest.fixture(scope="session")
def img2img_names(services) -> list[str]:
    """The names of the fields of the img2img form."""
    files = PictureFiles(services.paths.data / UNSAVED, services.pictures)
    with gr.Blocks() as page:
        return make_img2img(services, files, page).form.names


def test_each_field_of_the_forms_is_part_of_a_preset_or_left_out_on_purpose(txt2img_form, img2img_names):
    known = set(PresetFields.model_fields)
    for names in (txt2img_form.names, img2img_names):
        assert set(names) - known <= LEFT_OUT
    assert known <= set(txt2img_form.names) | set(img2img_names)
    assert set(img2img_names) >= LEFT_OUT


def test_choices_are_spelled_as_in_the_form():
    schema = PresetFields.model_json_schema()["properties"]
    spelled = {
        "mode": img2img.MODES,
        "mask_mode": img2img.MASK_MODES,
        "inpaint_area": img2img.INPAINT_AREAS,
        "resize_tab": (img2img.RESIZE_TO, img2img.RESIZE_BY),
    }
    for name, choices in spelled.items():
        assert tuple(schema[name]["anyOf"][0]["enum"]) == choices


def kept(folder, preset: Preset) -> KeptPreset:
    """What comes back after it was kept, shared as a file, and kept by somebody else."""
    mine, theirs = PresetFiles(folder / "mine"), PresetFiles(folder / "theirs")
    mine.save("a", preset, replace=True)
    (path,) = (folder / "mine").glob("*.json")
    name, _ = theirs.add(read_preset(path.read_bytes(), "a.json"), "a")
    return theirs.find(name)


def told(request: GenerationRequest) -> GenerationRequest:
    """The request with those options at their defaults that neither infotexts nor presets tell."""
    return request.model_copy(
        update={"options": type(request.options)(**{name: getattr(request.options, name) for name in TOLD})}
    )


def applied(folder, fields: dict, theirs: Settings, here: Settings) -> dict:
    """The form after a preset of `fields`, kept under `theirs`, was applied to an empty form under `here`."""
    preset = Preset(fields=PresetFields.model_validate(fields).without_moment(), options=options_of(theirs))
    back = kept(folder, preset).preset
    assert back == preset.model_copy(update={"name": back.name})
    chips, problems = chips_of(back, here)
    assert problems == []
    shown = back.fields.known()
    return shown | {"override_settings": with_own_chips(chips, shown.get("override_settings", []))}


def asked_for(wanted: dict, overrides: dict, settings: Settings) -> GenerationRequest:
    wanted.pop("styles")
    image = settings.changed_for_request(overrides).image
    return told(make_request(**wanted, model="m", options=image))


@given(whole_requests(), options(), options())
def test_a_set_up_that_was_kept_asks_for_the_same_picture_under_any_settings(
    tmp_path_factory, request_, theirs, here
):
    fields = FORM_DEFAULTS | fields_of_request(request_)
    theirs, here = Settings(image=theirs), Settings(image=here)
    before = asked_for(*request_parts(fields), theirs)
    back = applied(tmp_path_factory.mktemp("presets"), fields, theirs, here)
    assert asked_for(*request_parts(FORM_DEFAULTS | back), here) == before


OUTPAINTINGS = st.builds(Outpainting, left=st.integers(8, 2048), fill=st.sampled_from(img2img.FILLS))
INPAINTINGS = st.builds(
    Inpainting,
    mask=st.just(PICTURE),
    mask_blur_x=st.integers(0, 256),
    mask_blur_y=st.integers(0, 256),
    invert=st.booleans(),
    only_masked=st.booleans(),
    padding=st.integers(0, 1024),
    soft=st.none() | st.builds(SoftInpainting, schedule_bias=st.integers(0, 8)),
)
LOOPBACKS = st.builds(Loopback, loops=st.integers(1, 32), curve=st.sampled_from(img2img.CURVES))


@given(whole_requests(), st.none() | OUTPAINTINGS, INPAINTINGS, st.none() | LOOPBACKS)
def test_the_same_of_img2img(tmp_path_factory, request_, outpainting, inpainting, loopback):
    parts = {"outpainting": outpainting, "inpainting": inpainting, "loopback": loopback, "hires": None}
    request_ = request_.model_copy(update={"init_images": (PICTURE,), **parts})
    defaults = FORM_DEFAULTS | IMG2IMG_DEFAULTS
    fields = defaults | fields_of_img2img_request(request_)

    def asked(shown: dict) -> GenerationRequest:
        wanted, overrides = batch_parts(shown)
        return asked_for(wanted | {"init_images": (PICTURE,)}, overrides, Settings())

    back = applied(tmp_path_factory.mktemp("presets"), fields, Settings(), Settings())
    assert asked(defaults | back) == asked(fields)


def test_a_choice_that_the_form_does_not_offer_leaves_what_stands_there():
    form = Form()
    with gr.Blocks():
        form.add("mode", gr.Radio(["a", "b"], value="a"))
        form.add("prompt", gr.Textbox())
    assert possible_fields(form, {"mode": "c", "prompt": "x"}) == {"prompt": "x"}
    assert possible_fields(form, {"mode": "b", "prompt": None}) == {"mode": "b"}


def test_options_of_a_preset_are_those_that_an_infotext_tells():
    settings = Settings().changed({"CLIP_stop_at_last_layers": 3, "ESRGAN_tile": 512})
    assert options_of(settings) == {"CLIP_stop_at_last_layers": 3}
    assert {option_key(name) for name in TOLD} <= OPTION_FIELDS.keys()
