"""Extras through A1111's API: answers, texts in pictures, lists, wrong pictures."""

import base64
import io
import json

import pytest
import torch
from fastapi.testclient import TestClient
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.golden_cases import GOLDENS
from tests.library.picture_files import weights, write


def golden(name: str):
    return json.loads((GOLDENS / "api" / f"{name}.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def api(exact_services, exact_api) -> TestClient:
    """With a tiny Compact network of scale 2, and a Real-ESRGAN by A1111's file name."""
    write(exact_services.paths.models / "RealESRGAN", "tiny-2x.pth", weights("Compact"))
    write(exact_services.paths.models / "RealESRGAN", "RealESRGAN_x4plus.safetensors", weights("ESRGAN"))
    exact_services.catalog.scan()
    return exact_api


@pytest.fixture
def saved(exact_services):
    """How many pictures lie in the outputs folder."""

    def count() -> int:
        return len(list((exact_services.paths.root / "outputs").rglob("*.png")))

    return count


def encoded(image: Image.Image, text: str = "") -> str:
    file, notes = io.BytesIO(), PngInfo()
    if text:
        notes.add_text("parameters", text)
    image.save(file, "PNG", pnginfo=notes)
    return base64.b64encode(file.getvalue()).decode()


def opened(text: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(text)))


def single(api, image: str, **fields):
    return api.post("/sdapi/v1/extra-single-image", json={"image": image, **fields})


def test_one_picture_is_made_larger_and_tells_what_was_done(api, saved):
    before = saved()
    answer = single(api, encoded(Image.new("RGB", (24, 16), "red")), upscaler_1="tiny-2x").json()
    result = opened(answer["image"])
    assert result.size == (48, 32)
    said = "Postprocess upscale by: 2, Postprocess upscaler: tiny-2x"
    assert answer["html_info"] == f"<p>{said}</p>"
    assert result.info["postprocessing"] == said
    assert saved() == before


def test_texts_that_the_picture_had_are_kept(api):
    given = encoded(Image.new("RGB", (8, 8)), "a cat\nSteps: 20, Seed: 1")
    result = opened(single(api, given, upscaler_1="Lanczos").json()["image"])
    assert result.info["parameters"] == "a cat\nSteps: 20, Seed: 1"


def test_without_an_upscaler_the_picture_stays(api):
    answer = single(api, encoded(Image.new("RGB", (24, 16), "red"))).json()
    assert opened(answer["image"]).size == (24, 16)
    assert answer["html_info"] == "<p></p>"


def test_a_picture_is_made_to_cover_a_size_and_cut(api):
    fields = {"resize_mode": 1, "upscaling_resize_w": 64, "upscaling_resize_h": 64, "upscaler_1": "Lanczos"}
    cut = single(api, encoded(Image.new("RGB", (32, 16))), **fields).json()
    assert opened(cut["image"]).size == (64, 64)
    assert cut["html_info"] == (
        "<p>Postprocess upscale to: 64x64, Postprocess crop to: 64x64, Postprocess upscaler: Lanczos</p>"
    )
    whole = single(api, encoded(Image.new("RGB", (32, 16))), **fields, upscaling_crop=False).json()
    assert opened(whole["image"]).size == (128, 64)


def test_a_second_upscaler_is_laid_over_the_first(api):
    given = Image.effect_mandelbrot((16, 16), (-2, -1.5, 1, 1.5), 20).convert("RGB")
    fields = {"upscaler_1": "Nearest", "upscaler_2": "Lanczos", "extras_upscaler_2_visibility": 0.25}
    answer = single(api, encoded(given), **fields).json()
    first, second = (
        given.resize((32, 32), method) for method in (Image.Resampling.NEAREST, Image.Resampling.LANCZOS)
    )
    assert opened(answer["image"]).tobytes() == Image.blend(first, second, 0.25).tobytes()
    assert answer["html_info"].endswith("Postprocess upscaler: Nearest, Postprocess upscaler 2: Lanczos</p>")


def test_several_pictures_keep_their_order(api):
    images = [
        {"data": encoded(Image.new("RGB", (8 * width, 8))), "name": f"{width}.png"} for width in (1, 2, 3)
    ]
    answer = api.post(
        "/sdapi/v1/extra-batch-images", json={"imageList": images, "upscaler_1": "Lanczos"}
    ).json()
    assert [opened(image).size for image in answer["images"]] == [(16, 16), (32, 16), (48, 16)]


def test_transparency_is_kept(api):
    answer = single(api, encoded(Image.new("RGBA", (8, 8), (255, 0, 0, 77))), upscaler_1="tiny-2x").json()
    assert opened(answer["image"]).mode == "RGBA"


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ("", "There is no picture"),
        ("!!", "not base64"),
        (base64.b64encode(b"\x89PNG\r\n\x1a\nrubbish").decode(), "cannot be read|not a picture"),
        (base64.b64encode(b"GIF").decode(), "not a picture"),
    ],
)
def test_a_wrong_picture_is_refused_with_a_sentence(api, image, words):
    refusal = single(api, image, upscaler_1="Lanczos")
    assert refusal.status_code in (400, 422)
    assert any(word in refusal.json()["detail"] for word in words.split("|"))


def test_an_unknown_upscaler_hears_of_the_nearest(api):
    refusal = single(api, encoded(Image.new("RGB", (8, 8))), upscaler_1="tiny-2y")
    assert refusal.status_code == 404
    assert "'tiny-2x'" in refusal.json()["detail"]


def test_too_large_a_result_is_refused(api):
    refusal = single(api, encoded(Image.new("1", (9000, 9000))), upscaler_1="Lanczos", upscaling_resize=8)
    assert refusal.status_code == 400
    assert "72000 x 72000" in refusal.json()["detail"]


def test_restoring_faces_without_weights_says_where_they_go(api):
    refusal = single(api, encoded(Image.new("RGB", (8, 8))), gfpgan_visibility=1)
    assert refusal.status_code == 404
    assert "models/GFPGAN" in refusal.json()["detail"]


def test_a_wrong_field_is_named(api):
    refusal = single(api, encoded(Image.new("RGB", (8, 8))), gfpgan_visibility=2)
    assert refusal.status_code == 422
    assert "gfpgan_visibility" in refusal.json()["detail"]


@pytest.mark.parametrize("name", ["latent-upscale-modes", "face-restorers"])
def test_lists_equal_those_of_a1111(api, name):
    assert api.get(f"/sdapi/v1/{name}").json() == golden(name)


def test_upscalers_begin_as_in_a1111_and_list_the_files(api):
    ours = api.get("/sdapi/v1/upscalers").json()
    assert ours[:3] == golden("upscalers")[:3]
    tiny = next(entry for entry in ours if entry["name"] == "tiny-2x")
    assert tiny["model_path"].endswith("tiny-2x.pth")
    assert (tiny["model_name"], tiny["model_url"], tiny["scale"]) == ("tiny-2x", None, 2.0)
    assert ours[0].keys() == tiny.keys()


def test_real_esrgan_is_listed_by_a1111s_name(api):
    (ours,) = api.get("/sdapi/v1/realesrgan-models").json()
    theirs = next(entry for entry in golden("realesrgan-models") if entry["name"] == "R-ESRGAN 4x+")
    assert (ours["name"], ours["scale"]) == (theirs["name"], theirs["scale"])


def test_a_damaged_upscaler_is_refused_and_the_next_picture_works(api, exact_services):
    tensors = weights("Compact")
    tensors["body.2.weight"] = torch.zeros(3)
    path = write(exact_services.paths.models / "ESRGAN", "broken.pth", tensors)
    given = encoded(Image.new("RGB", (8, 8)))
    refusal = single(api, given, upscaler_1="broken")
    path.unlink()
    assert refusal.status_code == 422
    assert "broken.pth" in refusal.json()["detail"]
    assert single(api, given, upscaler_1="tiny-2x").status_code == 200
