"""Units: the community's names and values, and their way through infotext."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extensions.controlnet.units import (
    CONTROL_MODES,
    HIRES_OPTIONS,
    RESIZE_MODES,
    ControlNetPart,
    ControlUnit,
)
from webui.core.errors import InvalidRequest
from webui.core.infotext import parse_fields

REFERENCE = "a" * 64
OTHER = "b" * 64
# As a client of the community's extension sends a unit.
CLIENTS_UNIT = {
    "enabled": True, "module": "canny", "model": "control_v11p_sd15_canny [d14c016b]", "weight": 0.75,
    "image": REFERENCE, "resize_mode": 1, "lowvram": False, "processor_res": 512, "threshold_a": 100,
    "threshold_b": 200, "guidance_start": 0.1, "guidance_end": 0.9, "control_mode": 2, "pixel_perfect": True,
    "save_detected_map": True, "input_mode": "simple", "is_ui": False, "mask": None,
    "advanced_weighting": None,
}  # fmt: skip

plain_names = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z"), exclude_characters=',:"\\'),
    min_size=1,
    max_size=20,
)
shares = st.floats(0, 1).map(lambda value: round(value, 3))
units = st.builds(
    ControlUnit,
    module=plain_names,
    model=plain_names,
    weight=st.floats(0, 2).map(lambda value: round(value, 3)),
    guidance_start=shares,
    guidance_end=shares,
    control_mode=st.sampled_from(CONTROL_MODES),
    resize_mode=st.sampled_from(RESIZE_MODES),
    hr_option=st.sampled_from(HIRES_OPTIONS),
    pixel_perfect=st.booleans(),
    processor_res=st.integers(-1, 4096),
    threshold_a=st.floats(-1, 255).map(lambda value: round(value, 3)),
    threshold_b=st.floats(-1, 255).map(lambda value: round(value, 3)),
)


def test_a_clients_unit_is_read() -> None:
    (unit,) = ControlNetPart.from_args([CLIENTS_UNIT]).units
    assert (unit.module, unit.model) == ("canny", "control_v11p_sd15_canny [d14c016b]")
    assert (unit.resize_mode, unit.control_mode) == ("Crop and Resize", "ControlNet is more important")
    assert (unit.image, unit.mask, unit.processor_res) == (REFERENCE, None, 512)
    assert (unit.threshold_a, unit.guidance_end, unit.pixel_perfect) == (100, 0.9, True)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("control_mode", [(0, "Balanced"), (1, "My prompt is more important"), ("balanced", "Balanced")]),
        (
            "resize_mode",
            [
                (0, "Just Resize"),
                (2, "Resize and Fill"),
                ("just resize", "Just Resize"),
                ("Scale to Fit (Inner Fit)", "Crop and Resize"),
                ("Envelope (Outer Fit)", "Resize and Fill"),
            ],
        ),
        ("hr_option", [("low res only", "Low res only"), (2, "High res only")]),
    ],
)
def test_choices_have_names_in_any_case_and_numbers(field: str, values: list[tuple[object, str]]) -> None:
    for given_value, wanted in values:
        assert getattr(ControlUnit.model_validate({field: given_value}), field) == wanted


@pytest.mark.parametrize("picture", [{"image": REFERENCE, "mask": OTHER}, [REFERENCE, OTHER]])
def test_a_picture_may_come_with_its_mask(picture: object) -> None:
    unit = ControlUnit.model_validate({"image": picture})
    assert (unit.image, unit.mask) == (REFERENCE, OTHER)
    assert ControlUnit.model_validate({"input_image": REFERENCE}).image == REFERENCE


def test_what_comes_before_the_units_is_left_out() -> None:
    part = ControlNetPart.from_args([True, "txt2img", None, CLIENTS_UNIT, CLIENTS_UNIT])
    assert len(part.units) == 2
    assert ControlNetPart.from_args([part.model_dump(mode="json")]) == part


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ([3], "a unit is an object with fields such as image"),
        ([{"weight": 3}], "weight"),
        ([{"control_mode": "strong"}], "control mode"),
        ([{"colour": 1}], "no field named"),
        ([{"image": "no reference"}], "image"),
        ([{}] * 33, "units"),
    ],
)
def test_refusals_name_the_field(args: list[object], sentence: str) -> None:
    with pytest.raises(InvalidRequest, match=sentence):
        ControlNetPart.from_args(args)


@given(st.lists(units, min_size=1, max_size=3))
def test_units_come_back_from_their_infotext(several: list[ControlUnit]) -> None:
    part = ControlNetPart(units=tuple(several))
    assert ControlNetPart.from_infotext(part.to_infotext()) == part


def test_the_infotext_is_the_communitys() -> None:
    part = ControlNetPart(
        units=(ControlUnit(enabled=False), ControlUnit(module="canny", model="canny [d14c016b]", weight=1.0))
    )
    assert part.to_infotext() == {
        "ControlNet 1": "Module: canny, Model: canny [d14c016b], Weight: 1.0, Resize Mode: Crop and Resize, "
        "Processor Res: -1, Threshold A: -1.0, Threshold B: -1.0, Guidance Start: 0.0, Guidance End: 1.0, "
        "Pixel Perfect: False, Control Mode: Balanced"
    }


def test_an_infotext_of_the_communitys_extension_is_read() -> None:
    text = (
        "a cat\nSteps: 20, Sampler: Euler, CFG scale: 7, Seed: 1, Size: 512x512, "
        'ControlNet 0: "Module: canny, Model: control_v11p_sd15_canny [d14c016b], Weight: 0.5, '
        "Resize Mode: Crop and Resize, Processor Res: 512, Threshold A: 100.0, Threshold B: 200.0, "
        'Guidance Start: 0.0, Guidance End: 0.8, Pixel Perfect: True, Control Mode: Balanced", '
        'ControlNet 2: "Module: none, Model: depth, Weight: 1, Hr Option: HiResFixOption.BOTH", Version: 1.10'
    )
    part = ControlNetPart.from_infotext(parse_fields(text))
    assert part is not None
    assert [unit.enabled for unit in part.units] == [True, False, True]
    assert (part.units[0].weight, part.units[0].guidance_end) == (0.5, 0.8)
    assert part.units[2].model == "depth"


def test_no_units_write_nothing_and_nonsense_reads_as_nothing() -> None:
    assert not ControlNetPart().is_active
    assert ControlNetPart(units=(ControlUnit(enabled=False),)).to_infotext() == {}
    assert ControlNetPart.from_infotext({"Steps": "20"}) is None
    assert ControlNetPart.from_infotext({"ControlNet 0": "Weight: heavy"}) is None


def test_a_window_is_open_below_its_end() -> None:
    unit = ControlUnit(guidance_start=0.25, guidance_end=0.75)
    assert [step for step in range(8) if unit.acts_at(step, 8)] == [2, 3, 4, 5]
    whole = ControlUnit()
    # DPM adaptive evaluates more often than it said.
    assert all(whole.acts_at(step, 8) for step in range(12))


def test_the_plugin_is_light() -> None:
    heavy = {"torch", "numpy", "cv2", "diffusers", "transformers", "gradio"}
    code = f"import sys, extensions.controlnet.plugin; print(sorted({heavy} & set(sys.modules)))"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert found.stdout.strip() == "[]"
