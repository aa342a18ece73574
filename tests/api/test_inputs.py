"""Pictures for requests, over HTTP."""

import io

import numpy as np
import pytest
from PIL import Image

from webui.api import inputs


def file_of(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def kept(api, data):
    return api.post("/v1/inputs", content=data)


def shown(api, reference):
    """The picture as the browser gets it."""
    return Image.open(io.BytesIO(api.get(f"/v1/inputs/{reference}").content))


def test_a_picture_is_kept_byte_for_byte(exact_api, exact_services):
    data = file_of(Image.new("RGB", (5, 3), "red"))
    told = kept(exact_api, data).json()
    assert (told["width"], told["height"]) == (5, 3)
    assert exact_services.inputs.read(told["reference"]) == data
    assert exact_api.head(f"/v1/inputs/{told['reference']}").status_code == 200


def test_sixteen_bits_become_eight_without_being_cut_off(exact_api):
    levels = np.array([[0, 257, 32896, 65535]], dtype=np.uint16)
    told = kept(exact_api, file_of(Image.fromarray(levels))).json()
    assert np.abs(np.asarray(shown(exact_api, told["reference"])).astype(int) - [[0, 1, 128, 255]]).max() <= 1


def test_printers_colours_become_rgb(exact_api):
    told = kept(exact_api, file_of(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG")).json()
    picture = shown(exact_api, told["reference"])
    assert picture.mode == "RGB"
    red, green, blue = picture.getpixel((4, 4))
    assert red > 200
    assert max(green, blue) < 60


def test_a_photo_is_measured_as_it_is_turned(exact_api):
    turned = Image.Exif()
    turned[0x0112] = 6
    told = kept(exact_api, file_of(Image.new("RGB", (8, 4)), "JPEG", exif=turned)).json()
    assert (told["width"], told["height"]) == (4, 8)


WRONG = {
    "nothing": b"",
    "a page": b"<html></html>",
    "a cut file": file_of(Image.new("RGB", (99, 99)))[:80],
    "too long": file_of(Image.new("L", (20_000, 1))),
    "an animation": file_of(
        Image.new("RGB", (9, 9), "red"),
        "GIF",
        save_all=True,
        append_images=[Image.new("RGB", (9, 9), "blue")],
    ),
}


@pytest.mark.parametrize("data", list(WRONG.values()), ids=list(WRONG))
def test_what_cannot_be_used_is_refused_with_a_sentence(exact_api, data):
    answer = kept(exact_api, data)
    assert answer.status_code == 422
    assert answer.json()["detail"].endswith(".")


def test_a_file_that_is_too_large_is_refused_before_it_is_read_to_its_end(exact_api, monkeypatch):
    monkeypatch.setattr(inputs, "MAX_UPLOAD_BYTES", 1000)
    answer = kept(exact_api, bytes(2000))
    assert answer.status_code == 400
    assert "Save it smaller" in answer.json()["detail"]


@pytest.mark.parametrize("reference", ["0" * 64, "x", "..%2f..%2fetc%2fpasswd"])
def test_a_reference_to_nothing_is_not_found(exact_api, reference):
    assert exact_api.get(f"/v1/inputs/{reference}").status_code == 404


def test_another_web_site_cannot_upload(exact_api):
    answer = exact_api.post("/v1/inputs", content=b"", headers={"origin": "http://elsewhere.example"})
    assert answer.status_code == 403
