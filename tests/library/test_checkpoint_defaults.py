"""What a checkpoint lets the form begin with."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui.core.checkpoint_defaults import CheckpointDefaults, read_defaults
from webui.core.errors import InvalidRequest
from webui.core.model_file import Family, ModelFile, ModelKind
from webui.core.sampling import SAMPLERS, SCHEDULES
from webui.library.defaults.resolving import resolve_defaults
from webui.store.sidecars import CardText, beside, read_card, write_card

VALUES = st.builds(
    CheckpointDefaults,
    width=st.none() | st.integers(8, 256).map(lambda side: side * 8),
    height=st.none() | st.integers(8, 256).map(lambda side: side * 8),
    steps=st.none() | st.integers(1, 150),
    cfg_scale=st.none() | st.floats(1, 30),
    sampler=st.none() | st.sampled_from([sampler.label for sampler in SAMPLERS]),
    schedule=st.none() | st.sampled_from([schedule.label for schedule in SCHEDULES]),
    clip_skip=st.none() | st.integers(1, 12),
    vae=st.none() | st.just("good.vae.pt"),
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


def checkpoint(name="plain", family=Family.SD1, prediction=None, **metadata):
    return ModelFile(
        path=Path(f"/models/{name}.safetensors"),
        name=f"{name}.safetensors",
        kind=ModelKind.CHECKPOINT,
        family=family,
        size=1,
        mtime_ns=1,
        prediction=prediction,
        metadata={f"modelspec.{key}": value for key, value in metadata.items()},
    )


def values_of(file, card=None, prediction=None):
    return resolve_defaults(file, card or CardText(), prediction).values


def size_of(file, **others):
    values = values_of(file, **others)
    return values.width, values.height


@pytest.mark.parametrize(
    ("file", "side"),
    [
        (checkpoint(), 512),
        (checkpoint(family=Family.SDXL), 1024),
        (checkpoint(family=Family.SDXL_REFINER), 1024),
        (checkpoint(family=Family.SD2, prediction="v"), 768),
        (checkpoint(family=Family.SD2, prediction="eps"), 512),
        (checkpoint("v2-1_768-ema-pruned", Family.SD2), 768),
        (checkpoint("some_model", Family.SD2), 768),
        (checkpoint("512-base-ema", Family.SD2), 512),
        (checkpoint("v2-1_512-nonema-pruned", Family.SD2), 512),
    ],
)
def test_a_family_brings_the_size_it_was_trained_on(file, side):
    assert size_of(file) == (side, side)


def test_the_yaml_beside_a_checkpoint_counts_before_its_name():
    assert size_of(checkpoint("512-base", Family.SD2), prediction="v") == (768, 768)


@pytest.mark.parametrize(
    ("name", "family", "expected"),
    [
        ("sd_xl_turbo_1.0_fp16", Family.SDXL, (512, 4, 1, "Euler a")),
        ("sdxlTurbo", Family.SDXL, (512, 4, 1, "Euler a")),
        ("sd_turbo", Family.SD2, (512, 4, 1, "Euler a")),
        ("DreamShaperXL_Turbo_dpmppSdeKarras", Family.SDXL, (1024, 8, 2, "DPM++ SDE")),
        ("sdxl_lightning_4step_unet", Family.SDXL, (1024, 4, 1, "Euler")),
        ("realvisxlV40_v40LightningBakedvae", Family.SDXL, (1024, 8, 1, "Euler")),
        ("dreamshaper_8LCM", Family.SD1, (512, 8, 1.5, "LCM")),
        ("LCM_Dreamshaper_v7", Family.SD1, (512, 8, 1.5, "LCM")),
        ("Hyper-SD15-2steps", Family.SD1, (512, 2, 1, "Euler")),
        ("juggernautXL_v9_hyper", Family.SDXL, (1024, 8, 1, "Euler")),
        ("hyperRealistic_v2", Family.SD1, (512, 20, 7, "DPM++ 2M")),
        ("lightningStorm", Family.SDXL, (1024, 20, 7, "DPM++ 2M")),
        ("calcmix", Family.SD1, (512, 20, 7, "DPM++ 2M")),
    ],
)
def test_distilled_checkpoints_are_known_by_name(name, family, expected):
    values = values_of(checkpoint(name, family))
    assert (values.width, values.steps, values.cfg_scale, values.sampler) == expected


@pytest.mark.parametrize(
    "told",
    [
        {"card": CardText(base_model="SDXL Lightning")},
        {"title": "My merge, Lightning"},
        {"tags": "photo, sdxl, lightning"},
    ],
)
def test_distilled_checkpoints_are_known_by_card_and_metadata(told):
    values = values_of(
        checkpoint("merge", Family.SDXL, **{k: v for k, v in told.items() if k != "card"}), told.get("card")
    )
    assert (values.steps, values.cfg_scale) == (8, 1)


def test_a_hint_in_the_metadata_is_understood():
    hint = "Use DPM++ 2M SDE Karras, 25-30 steps, CFG scale: 5.5, clip skip 2"
    values = values_of(checkpoint(resolution="832x1216", usage_hint=hint))
    assert values == CheckpointDefaults(
        width=832,
        height=1216,
        steps=25,
        cfg_scale=5.5,
        sampler="DPM++ 2M SDE",
        schedule="Karras",
        clip_skip=2,
    )


@pytest.mark.parametrize("resolution", ["", "x", "0x0", "9999x9999", "1024x", "512.5"])
def test_a_resolution_that_cannot_be_leaves_the_family(resolution):
    assert size_of(checkpoint(resolution=resolution)) == (512, 512)


@given(VALUES, VALUES)
def test_what_the_artist_kept_counts_before_all_else_field_by_field(kept, other):
    hint = f"steps {other.steps}, CFG {other.cfg_scale}"
    resolved = resolve_defaults(checkpoint("x_turbo", usage_hint=hint), CardText(defaults=kept))
    for name, value in kept.said().items():
        assert getattr(resolved.values, name) == value
        assert resolved.sources[name] == "card"
    assert resolved.sources.keys() == resolved.values.said().keys()


@given(st.text(max_size=300), st.text(max_size=30))
def test_no_metadata_makes_a_value_out_of_range(hint, resolution):
    values = values_of(checkpoint(usage_hint=hint, resolution=resolution))
    assert CheckpointDefaults.model_validate(values.model_dump()) == values


@given(ANYTHING)
def test_whatever_stands_on_a_card_can_be_read(written):
    assert read_defaults({"steps": 12, "sampler": written, "width": written}).steps == 12
    read_defaults(written)


@given(VALUES)
def test_what_is_said_reads_back(values):
    assert read_defaults(json.loads(json.dumps(values.said()))) == values


def test_one_side_alone_is_a_square():
    assert read_defaults({"height": 640}).width == 640
    assert read_defaults({"width": 640, "height": 512}).height == 512


def test_a_sampler_that_is_not_there_is_refused_by_name():
    with pytest.raises(InvalidRequest, match="Eulr"):
        CheckpointDefaults(sampler="Eulr")


def test_the_artists_defaults_stand_over_those_that_come_with_the_model(tmp_path):
    model = tmp_path / "m.safetensors"
    given_along = {"defaults": {"steps": 9, "cfg_scale": 3}, "examples": ["a fox"]}
    beside(model, ".defaults.json").write_text(json.dumps(given_along))
    write_card(model, {"defaults": {"steps": 30}, "notes": "mine"})
    card = read_card(model)
    assert card.defaults == CheckpointDefaults(steps=30, cfg_scale=3)
    assert card.examples == ("a fox",)
    assert json.loads(beside(model, ".defaults.json").read_text()) == given_along


def test_the_starter_has_its_defaults_from_its_own_file():
    starter = Path(__file__).parents[2] / "models" / "starter" / "starter.safetensors"
    card = read_card(starter)
    assert (card.defaults.width, card.defaults.height, card.defaults.cfg_scale) == (256, 256, 4)
    assert len(card.examples) == 10
