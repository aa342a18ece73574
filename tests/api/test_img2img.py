"""POST /sdapi/v1/img2img: fields that the goldens leave out, and pictures of every kind."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from tests.golden_cases import asset, decoded

BODY = {"prompt": "a cat", "steps": 2, "width": 64, "height": 64, "seed": 1, "denoising_strength": 0.5}


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> str:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return base64.b64encode(buffer.getvalue()).decode()


def picture(width: int = 64, height: int = 64) -> Image.Image:
    return Image.fromarray(np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8))


@pytest.fixture
def api(exact_api):
    exact_api.post("/sdapi/v1/options", json={"sd_model_checkpoint": "tiny-sd15"}).raise_for_status()
    return exact_api


def posted(api, **changes):
    return api.post("/sdapi/v1/img2img", json=BODY | changes)


ODD_PICTURES = {
    "one pixel": picture(1, 1),
    "one row": picture(300, 1),
    "CMYK": picture().convert("CMYK"),
    "grey": picture().convert("L"),
    "palette": picture().convert("P"),
    "16 bits": Image.fromarray(np.arange(64 * 64, dtype=np.uint16).reshape(64, 64) * 16),
    "transparent": Image.new("RGBA", (64, 64), (255, 0, 0, 0)),
}


@pytest.mark.parametrize("name", ODD_PICTURES)
@pytest.mark.parametrize("resize_mode", [0, 1, 2, 3])
def test_pictures_of_every_kind_can_begin(name, resize_mode, api):
    kind = "TIFF" if name == "CMYK" else "PNG"
    if name in ("one pixel", "one row") and resize_mode == 3:
        # A latent of nothing cannot be stretched.
        answer = posted(api, init_images=[encoded(ODD_PICTURES[name], kind)], resize_mode=3)
        assert answer.status_code in (400, 422)
        assert "8 pixels a side" in answer.json()["detail"]
        return
    answer = posted(api, init_images=[encoded(ODD_PICTURES[name], kind)], resize_mode=resize_mode)
    assert answer.status_code == 200, answer.text
    assert decoded(answer.json()["images"][0]).size == (64, 64)


def animated() -> str:
    frames = [picture(), picture().rotate(90)]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])


WRONG_PICTURES = {
    "an animation": animated,
    "a broken file": lambda: encoded(picture())[:200],
    "a text": lambda: base64.b64encode(b"<html>not a picture</html>").decode(),
    "no base64": lambda: "***",
    "an enormous picture": lambda: encoded(Image.new("1", (20_000, 20_000))),
}


@pytest.mark.parametrize("field", ["init_images", "mask"])
@pytest.mark.parametrize("name", WRONG_PICTURES)
def test_a_wrong_picture_is_refused_with_a_sentence_and_the_next_request_works(name, field, api):
    wrong = WRONG_PICTURES[name]()
    body = {"init_images": [encoded(picture())]} | {field: [wrong] if field == "init_images" else wrong}
    answer = posted(api, **body)
    assert answer.status_code in (400, 422), answer.text
    sentence = answer.json()["detail"]
    assert sentence.endswith(".")
    assert len(sentence) < 300
    assert posted(api, init_images=[encoded(picture())]).status_code == 200


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"init_images": []}, "init picture"),
        ({"resize_mode": 7}, "resize_mode"),
        (
            {"init_images": [encoded(picture())], "mask": encoded(picture()), "inpainting_fill": 9},
            "inpainting_fill",
        ),
        ({"init_images": [encoded(picture())] * 3}, "batch"),
        ({"denoising_strength": 2}, "denoising strength"),
        ({"script_name": "poor man's painting"}, "script"),
    ],
)
def test_a_wrong_field_is_refused_with_a_sentence(changes, words, api):
    answer = posted(api, **{"init_images": [encoded(picture())]} | changes)
    assert answer.status_code in (400, 404, 422)
    assert words in answer.json()["detail"]


def test_a_mask_of_another_size_is_stretched_onto_the_picture(api):
    mask = Image.new("L", (32, 32))
    mask.paste(255, (0, 0, 16, 32))
    body = {
        "init_images": [encoded(picture())],
        "mask": encoded(mask),
        "mask_blur": 0,
        "inpaint_full_res": False,
    }
    answer = posted(api, **body, denoising_strength=0.9)
    made = np.asarray(decoded(answer.json()["images"][0]))
    assert (made[:, 40:] == np.asarray(picture())[:, 40:]).all()
    assert (made[:, :24] != np.asarray(picture())[:, :24]).any()


def test_pictures_given_are_left_out_of_the_answer_unless_asked_for(api):
    given = asset("@init.png")
    without, with_it = (
        posted(api, init_images=[given], include_init_images=wanted).json()["parameters"]
        for wanted in (False, True)
    )
    assert without["init_images"] is None
    assert with_it["init_images"] == [given]


def test_the_loopback_script_answers_with_every_loop(api):
    script = {"script_name": "Loopback", "script_args": [3, 0.2, "Linear"]}
    answer = posted(api, init_images=[asset("@init.png")], **script)
    # The sheet of all stands first, as in A1111, and has the infotext of the first.
    assert len(answer.json()["images"]) == 4
    info = json.loads(answer.json()["info"])
    assert info["index_of_first_image"] == 1
    for seed, text in zip((1, 1, 2, 3), info["infotexts"], strict=True):
        assert f"Seed: {seed}" in text


def test_a_mask_can_be_returned_and_is_not_counted_as_a_result(api):
    body = {"init_images": [asset("@init.png")], "mask": asset("@mask.png")}
    answer = posted(api, **body, override_settings={"return_mask": True})
    assert len(answer.json()["images"]) == 2


CANVAS = {"extend canvas": {"args": [True, 8, 16, 0, 3, "stretch"]}}


def test_the_canvas_is_extended_for_programs_too(api):
    given = encoded(picture(64, 64))
    body = {"init_images": [given], "width": 512, "height": 512, "alwayson_scripts": CANVAS}
    answer = posted(api, **body).raise_for_status().json()
    assert decoded(answer["images"][0]).size == (88, 72)
    info = json.loads(answer["info"])
    assert (info["width"], info["height"]) == (88, 72)
    assert "The picture has 88x72 pixels: the given one with its new sides." in info["messages"]
    assert "Outpaint left: 8, Outpaint right: 16, Outpaint down: 8" in info["infotexts"][0]
    off = {"extend canvas": {"args": [False, 8]}}
    plain = posted(api, init_images=[given], alwayson_scripts=off).raise_for_status().json()
    assert decoded(plain["images"][0]).size == (64, 64)
    long = posted(api, init_images=[encoded(Image.new("RGB", (8190, 8)))], alwayson_scripts=CANVAS)
    assert long.status_code in (400, 422)
    assert "The largest is 8192 a side" in long.json()["detail"]
    wrong = posted(api, init_images=[given], alwayson_scripts={"extend canvas": {"args": [True, "wide"]}})
    assert wrong.status_code in (400, 422)
    assert "'extend canvas' is 'wide'" in wrong.json()["detail"]
