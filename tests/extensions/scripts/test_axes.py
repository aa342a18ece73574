"""Each axis changes its own field, and stands where A1111's clients look for it."""

import json
from typing import ClassVar

import pytest
from pydantic import Field

from extensions.scripts.axes import AXES, find_axis, list_axes
from extensions.scripts.values import read_values, split_values
from extensions.scripts.xyz_plot import XyzPart, prepare
from tests.golden_cases import GOLDENS
from tests.pipelines.runs import request_of
from webui.core.errors import InvalidRequest, NotFound
from webui.core.style import Style
from webui.plugins import AddedAxis, hookimpl
from webui.plugins.parts import RequestPart
from webui.prompts.styles import Styles

HIRES = {"hires": {"scale": 2}}
REFINER = {"refiner": {"model": "tiny-b"}}
# Axis: what the request is made with, what is written, and the fields as they are then.
CHANGES = {
    "Seed": ({}, "7", {"seed": 7}),
    "Var. seed": ({}, "7", {"variation_seed": 7}),
    "Var. strength": ({}, "0.25", {"variation_strength": 0.25}),
    "Steps": ({}, "9", {"steps": 9}),
    "Hires steps": (HIRES, "9", {"hires.steps": 9}),
    "CFG Scale": ({}, "4.5", {"cfg_scale": 4.5}),
    "Sampler": ({}, "Heun", {"sampler": "Heun"}),
    "Hires sampler": (HIRES, "Heun", {"hires.sampler": "Heun"}),
    "Checkpoint name": ({}, "tiny-b", {"model": "tiny-b"}),
    "Negative Guidance minimum sigma": ({}, "1.5", {"options.s_min_uncond": 1.5}),
    "Sigma Churn": ({}, "1.5", {"options.s_churn": 1.5}),
    "Sigma min": ({}, "1.5", {"options.s_tmin": 1.5}),
    "Sigma max": ({}, "1.5", {"options.s_tmax": 1.5}),
    "Sigma noise": ({}, "1.05", {"options.s_noise": 1.05}),
    "Schedule type": ({}, "Karras", {"schedule": "Karras"}),
    "Schedule min sigma": ({}, "0.1", {"options.sigma_min": 0.1}),
    "Schedule max sigma": ({}, "9", {"options.sigma_max": 9.0}),
    "Schedule rho": ({}, "5", {"options.rho": 5.0}),
    "Beta schedule alpha": ({}, "0.5", {"options.beta_dist_alpha": 0.5}),
    "Beta schedule beta": ({}, "0.5", {"options.beta_dist_beta": 0.5}),
    "Eta": ({}, "0.5", {"options.eta_ancestral": 0.5, "options.eta_ddim": 0.5}),
    "Clip skip": ({}, "2", {"options.clip_skip": 2}),
    "Denoising": ({}, "0.4", {"denoising_strength": 0.4}),
    "Initial noise multiplier": ({}, "0.5", {"options.initial_noise_multiplier": 0.5}),
    "Extra noise": ({}, "0.5", {"options.img2img_extra_noise": 0.5}),
    "Hires upscaler": (HIRES, "Latent (nearest)", {"hires.upscaler": "Latent (nearest)"}),
    "Cond. Image Mask Weight": ({}, "0.5", {"options.inpainting_mask_weight": 0.5}),
    "VAE": ({}, "none", {"vae": "None"}),
    "Styles": ({}, '"red"', {"prompt": "a cat, red"}),
    "UniPC Order": ({"steps": 9}, "2", {"options.uni_pc_order": 2}),
    "Face restore": (
        {},
        "gfpgan",
        {"restore_faces": True, "options.face_restoration_model": "GFPGAN"},
    ),
    "Token merging ratio": ({}, "0.5", {"options.token_merging_ratio": 0.5}),
    "Token merging ratio high-res": (HIRES, "0.5", {"options.token_merging_ratio_hr": 0.5}),
    "Always discard next-to-last sigma": (
        {},
        "True",
        {"options.always_discard_next_to_last_sigma": True},
    ),
    "SGM noise multiplier": ({}, "True", {"options.sgm_noise_multiplier": True}),
    "Refiner checkpoint": (REFINER, "tiny-sd15", {"refiner.model": "tiny-sd15"}),
    "Refiner switch at": (REFINER, "0.5", {"refiner.switch_at": 0.5}),
    "RNG source": ({}, "CPU", {"options.randn_source": "CPU"}),
    "Size": ({}, "96x72", {"width": 96, "height": 72}),
    "Prompt S/R": ({}, "cat,dog", {"prompt": "a dog"}),
    "Prompt order": ({"prompt": "red cat"}, "cat,red", {"prompt": "cat red"}),
}


class Unit(RequestPart):
    key: ClassVar[str] = "unit"
    title: ClassVar[str] = "Unit"
    weight: float = Field(default=1, title="Weight")
    enabled: bool = True


class Controls(RequestPart):
    key: ClassVar[str] = "controls"
    title: ClassVar[str] = "Controls"
    strength: float = 1.0
    mode: str = "a"
    units: tuple[Unit, ...] = ()


def value_at(request, path: str):
    for name in path.split("."):
        request = getattr(request, name)
    return request


@pytest.fixture
def styled(context):
    from dataclasses import replace

    return replace(context, styles=lambda: Styles((Style("red", "red", "", ""),)))


def test_every_axis_has_a_row_in_the_table():
    there = {axis.label for axis in AXES if not axis.missing} - {"Nothing"}
    assert there == set(CHANGES)


@pytest.mark.parametrize("label", CHANGES)
def test_each_axis_changes_its_field_and_no_other(label: str, styled):
    given, written, expected = CHANGES[label]
    request = request_of(**given)
    tab = "img2img" if label == "Cond. Image Mask Weight" else "txt2img"
    axis = find_axis(label, tab, styled)
    values = read_values(split_values(written), axis.kind)
    if axis.look_up is not None:
        axis.look_up(styled, values[-1])
    changed = axis.change(request, values[-1] if label != "Prompt order" else values[0], values)
    assert {path: value_at(changed, path) for path in expected} == expected
    tops = {path.split(".")[0] for path in expected}
    same = set(type(request).model_fields) - tops
    assert {name: getattr(changed, name) for name in same} == {name: getattr(request, name) for name in same}


@pytest.mark.parametrize("tab", ["txt2img", "img2img"])
def test_axes_stand_in_a1111s_order(tab: str, context):
    scripts = json.loads((GOLDENS / "api" / "script-info.json").read_text("utf-8"))
    info = next(s for s in scripts if s["name"] == "x/y/z plot" and s["is_img2img"] == (tab == "img2img"))
    labels = [axis.label for axis in list_axes(tab, context)]
    assert labels == info["args"][0]["choices"]
    assert find_axis("4", tab, context).label == "Steps"


def test_words_of_the_prompt_change_places(context):
    request = request_of(prompt="a red cat on a blue mat")
    axis = find_axis("Prompt order", "txt2img", context)
    made = [axis.change(request, order, ()).prompt for order in read_values(["red", "blue"], "order")]
    assert made == ["a red cat on a blue mat", "a blue cat on a red mat"]


@pytest.mark.parametrize(
    ("label", "written", "sentence"),
    [
        ("Prompt S/R", "dog,cat", "neither in the prompt"),
        ("Prompt order", "dog,cat", "is not in the prompt"),
        ("Sampler", "Oyler", "no sampler"),
        ("Schedule type", "Karass", "no schedule"),
        ("Steps", "0", "steps"),
        ("Size", "large", "no size"),
        ("RNG source", "XPU", "randn source"),
        ("Styles", "blue", "no style"),
        ("Clip skip", "99", "clip skip"),
    ],
)
def test_a_wrong_value_is_a_sentence(label: str, written: str, sentence: str, styled):
    axis = find_axis(label, "txt2img", styled)
    values = read_values(split_values(written), axis.kind)
    with pytest.raises(InvalidRequest, match=sentence):
        axis.change(request_of(), values[0], values)


@pytest.mark.parametrize("label", ["Checkpoint name", "Refiner checkpoint", "VAE", "Hires upscaler"])
def test_a_name_that_no_file_has_is_a_sentence(label: str, context):
    axis = find_axis(label, "txt2img", context)
    with pytest.raises(NotFound):
        axis.look_up(context, "no such file")


@pytest.mark.parametrize(
    ("name", "tab", "sentence"),
    [
        ("Image CFG Scale", "img2img", "InstructPix2Pix"),
        ("FP8 mode", "txt2img", "8 bits"),
        ("999", "txt2img", "There is no axis"),
        ("Hires steps", "img2img", "There is no axis"),
        ("Cheese", "txt2img", "Those here are"),
    ],
)
def test_an_axis_that_is_not_there_says_why(name: str, tab: str, sentence: str, context):
    with pytest.raises(InvalidRequest, match=sentence):
        find_axis(name, tab, context)


def test_values_of_parts_and_of_their_first_unit_are_axes(context, plugins):
    plugins.parts["controls"] = Controls
    labels = [axis.label for axis in list_axes("txt2img", context)]
    assert [label for label in labels if label.startswith("Controls")] == [
        "Controls: strength",
        "Controls: mode",
        "Controls: Weight",
        "Controls: enabled",
    ]
    request = Controls(strength=0.5, units=(Unit(), Unit())).put_into(request_of())
    changed = find_axis("Controls: strength", "txt2img", context).change(request, 0.25, ())
    assert Controls.of(changed) == Controls(strength=0.25, units=(Unit(), Unit()))
    changed = find_axis("Controls: weight", "txt2img", context).change(request, 0.25, ())
    assert Controls.of(changed).units == (Unit(weight=0.25), Unit())
    with pytest.raises(InvalidRequest, match="has no unit"):
        find_axis("Controls: weight", "txt2img", context).change(request_of(), 0.25, ())


def test_an_extensions_axis_changes_each_cells_request_and_is_listed_once(context, plugins):
    class Wide:
        @hookimpl
        def plot_axes(self, tab):
            def widen(request, value, values):
                assert tuple(values) == (1, 2)
                return request.model_copy(update={"width": 64 * value})

            added = AddedAxis("Blocks", widen, "whole", show=lambda value: f"{value} blocks", cost=0.5)
            return [added, AddedAxis("seed", widen)] if tab == "txt2img" else []

    plugins.register(Wide(), "wide")
    labels = [axis.label for axis in list_axes("txt2img", context)]
    assert labels[-1] == "Blocks"
    assert labels.count("Seed") == 1
    assert "seed" not in labels
    plot = prepare(XyzPart(x_type="Blocks", x_values="1-2"), request_of(), context)
    assert [plot.request_of(cell).width for cell in plot.cells()] == [64, 128]
    assert plot.x.axis.describe(2) == "2 blocks"
    with pytest.raises(InvalidRequest):
        find_axis("Blocks", "img2img", context)
