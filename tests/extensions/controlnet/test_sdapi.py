"""ControlNet through A1111's API, as its clients ask for it."""

import base64
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from tests.extensions.controlnet.control_runs import picture
from tests.golden_cases import decoded
from webui.api.app import build_api
from webui.jobs.services import Services
from webui.main import running

SMALL = {
    "prompt": "a cat",
    "steps": 2,
    "width": 64,
    "height": 64,
    "sampler_name": "Euler",
    "seed": 5,
    "override_settings": {"sd_model_checkpoint": "tiny-sd15"},
}


@pytest.fixture(scope="module")
def api(control_services: Services) -> Iterator[TestClient]:
    app = build_api(control_services, lifespan=lambda _: running(control_services))
    with TestClient(app, base_url="http://127.0.0.1") as client:
        yield client


def as_text(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "png")
    return base64.b64encode(buffer.getvalue()).decode()


def make(api: TestClient, units: list[Any]) -> tuple[bytes, str]:
    body = SMALL | {"alwayson_scripts": {"controlnet": {"args": units}} if units else {}}
    response = api.post("/sdapi/v1/txt2img", json=body)
    assert response.status_code == 200, response.text
    answer = response.json()
    return decoded(answer["images"][0]).tobytes(), json.loads(answer["info"])["infotexts"][0]


@pytest.mark.parametrize("spelling", ["plain", "data URL", "input_image", "pair", "object"])
def test_pictures_come_in_base64_in_whatever_place_clients_put_them(api: TestClient, spelling: str) -> None:
    text = as_text(picture(3))
    unit: dict[str, Any] = {"enabled": True, "module": "none", "model": "edges", "weight": 1.0}
    unit |= {
        "plain": {"image": text},
        "data URL": {"image": f"data:image/png;base64,{text}"},
        "input_image": {"input_image": text},
        "pair": {"image": [text, None]},
        "object": {"image": {"image": text, "mask": as_text(Image.new("L", (64, 64), 255))}},
    }[spelling]
    without, plain_text = make(api, [])
    guided, infotext = make(api, [unit])
    assert guided != without
    assert "ControlNet 0: " in infotext
    assert "ControlNet" not in plain_text
    assert make(api, [unit | {"enabled": False}])[0] == without


def test_what_is_no_picture_is_refused_in_a_sentence(api: TestClient) -> None:
    unit = {"enabled": True, "module": "none", "model": "edges", "image": "data:image/png;base64,aGVsbG8="}
    body = SMALL | {"alwayson_scripts": {"controlnet": {"args": [unit]}}}
    response = api.post("/sdapi/v1/txt2img", json=body)
    assert response.status_code in (400, 422)
    assert response.json()["detail"].endswith(".")
    body["alwayson_scripts"]["controlnet"]["args"] = [unit | {"image": "hello"}]
    response = api.post("/sdapi/v1/txt2img", json=body)
    assert response.status_code in (400, 422)
    assert "ControlNet" in response.json()["detail"]
