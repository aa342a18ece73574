"""A1111's scripts through its API, and what of them is saved."""

import json

import pytest
from fastapi.testclient import TestClient

from tests.golden_cases import asset, decoded

SMALL = {
    "prompt": "a cat|red|blue",
    "steps": 1,
    "width": 64,
    "height": 64,
    "sampler_name": "Euler",
    "seed": 5,
}
TILED_LAST = [True, 0, False, 4, 1, 2, 64, 64, 1.5]
PLOT = {"script_name": "X/Y/Z plot"}


def answer(api: TestClient, endpoint: str, **changes) -> tuple[list, dict]:
    response = api.post(f"/sdapi/v1/{endpoint}", json=SMALL | changes)
    assert response.status_code == 200, response.text
    body = response.json()
    return [decoded(picture) for picture in body["images"]], json.loads(body["info"])


def test_a_plot_answers_with_its_sheet_and_with_its_cells_where_they_are_wanted(exact_api):
    args = [1, "1-2", [], 9, "", ["Euler", "Heun"], 0, "", [], True, True, False]
    images, info = answer(exact_api, "txt2img", **PLOT, script_args=args)
    assert len(images) == len(info["infotexts"]) == 5
    assert info["index_of_first_image"] == 1
    assert images[0].size[0] == 48 + 2 * 64
    assert 'Y Type: Sampler, Y Values: "Euler,Heun"' in info["infotexts"][0]
    images, info = answer(exact_api, "txt2img", **PLOT, script_args=[1, "1-2"])
    assert (len(images), len(info["infotexts"])) == (1, 3)
    assert any("X/Y/Z plot will create 2 images" in text for text in info["messages"])


def test_sheets_are_saved_among_the_grids_and_called_as_in_a1111(exact_api, exact_services):
    folders = exact_services.settings.current.folders
    grids = exact_services.files.folder(folders.outdir_txt2img_grids)
    assert exact_services.settings.path.parent.parent in grids.parents, "no test writes anywhere else"
    before = {path.name for path in grids.rglob("*.png")}
    answer(exact_api, "txt2img", **PLOT, script_args=[1, "8-9"], save_images=True)
    answer(exact_api, "txt2img", script_name="prompt matrix", save_images=True)
    made = {path.name for path in grids.rglob("*.png")} - before
    assert made == {"prompt_matrix-0000-5.png", "xyz_grid-0000-8.png"}


@pytest.mark.parametrize(
    ("script", "args", "sizes"),
    [
        ("img2img alternative test", ["", True, True, "a", "", True, 3], [(96, 96)]),
        ("outpainting mk2", ["", 16, 4, ["left"], 1, 0.05], [(144, 128)]),
        ("poor man's outpainting", [16, 4, "fill", ["up", "down"]], [(128, 160)]),
        ("sd upscale", ["", 16, "Lanczos", 2], [(256, 256)]),
        ("ultimate sd upscale", ["", 96, 0, 4, 8, 8, 0.3, 8, 1, *TILED_LAST], [(192, 192)]),
    ],
)
def test_scripts_of_img2img_take_a1111s_arguments(script, args, sizes, exact_api):
    changes = {"init_images": [asset("@init.png")], "width": 96, "height": 96, "prompt": "a cat"}
    images, info = answer(exact_api, "img2img", **changes, script_name=script, script_args=args)
    assert [image.size for image in images] == sizes
    assert len(info["infotexts"]) == 1


@pytest.mark.parametrize(
    ("script", "args", "sentence"),
    [
        ("x/y/z plot", [4, "many"], "'many' is not understood"),
        ("x/y/z plot", [4, "5", [], 9999], "There is no axis '9999'"),
        ("x/y/z plot", list(range(30)), "takes at most 18"),
        ("prompt matrix", [False, False, "neither"], "Prompt matrix"),
        ("prompts from file or textbox", [], "there is no line"),
        ("sd upscale", [], "no script"),
        ("custom code", ["exit()"], "no script"),
    ],
)
def test_wrong_arguments_are_refused_in_a_sentence(script, args, sentence, exact_api):
    response = exact_api.post("/sdapi/v1/txt2img", json=SMALL | {"script_name": script, "script_args": args})
    assert response.status_code in (400, 422)
    assert sentence in response.text


def test_the_values_of_an_axis_are_told_as_they_are_written(exact_api):
    from extensions.scripts.values import split_values

    told = {
        tab: exact_api.get("/v1/xyz/choices", params={"tab": tab}).json() for tab in ("txt2img", "img2img")
    }
    samplers = split_values(told["txt2img"]["Sampler"])
    assert {"Euler", "Heun", "DPM++ 2M"} <= set(samplers)
    assert any("tiny-sd15" in title for title in split_values(told["img2img"]["Checkpoint name"]))
    assert split_values(told["txt2img"]["RNG source"]) == ["GPU", "CPU", "NV"]
    assert "Seed" not in told["txt2img"]
    assert "Hires upscaler" in told["txt2img"]
    assert "Hires upscaler" not in told["img2img"]
    # Every value may be used as it is told: a plot of them begins.
    args = ["RNG source", told["txt2img"]["RNG source"]]
    _, info = answer(exact_api, "txt2img", **PLOT, script_args=args)
    assert any("X/Y/Z plot will create 3 images" in text for text in info["messages"])
