"""Pictures in the arguments of `alwayson_scripts.controlnet`, as clients send them."""

import base64
import io
import json
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from tests.extensions.controlnet.control_runs import picture
from tests.golden_cases import decoded
from webui.api.app import build_api
from webui.main import running

SMALL = {"prompt": "a cat", "steps": 2, "width": 64, "height": 64, "sampler_name": "Euler", "seed": 5}
UNIT = {"module": "canny", "model": "edges", "weight": 1.5}


@pytest.fixture(scope="module")
def api(control_services) -> Iterator[TestClient]:
    app = build_api(control_services, lifespan=lambda _: running(control_services))
    with TestClient(app, base_url="http://127.0.0.1") as client:
        title = next(m["title"] for m in client.get("/sdapi/v1/sd-models").json() if "sd15" in m["title"])
        client.post("/sdapi/v1/options", json={"sd_model_checkpoint": title}).raise_for_status()
        yield client


def encode(seed: int = 0) -> str:
    file = io.BytesIO()
    picture(seed).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def call(api: TestClient, *units: dict):
    scripts = {"alwayson_scripts": {"controlnet": {"args": list(units)}}} if units else {}
    return api.post("/sdapi/v1/txt2img", json=SMALL | scripts)


def make(api: TestClient, *units: dict) -> tuple[bytes, str]:
    response = call(api, *units)
    assert response.status_code == 200, response.text
    body = response.json()
    return decoded(body["images"][0]).tobytes(), json.loads(body["info"])["infotexts"][0]


def test_a_unit_takes_its_picture_in_every_form_that_clients_send(api):
    plain, plain_text = make(api)
    guided, text = make(api, UNIT | {"image": encode()})
    assert guided != plain
    assert "ControlNet 0:" in text
    assert "ControlNet" not in plain_text
    forms = [
        {"input_image": encode()},
        {"image": "data:image/png;base64," + encode()},
        {"image": [encode(), None]},
        {"image": {"image": encode(), "mask": None}},
        {"image": encode(), "mask": "", "effective_region_mask": None},
        {"batch_images": [encode()]},
    ]
    for form in forms:
        assert make(api, UNIT | form)[0] == guided, list(form)
    assert make(api, UNIT | {"image": encode(1)})[0] != guided


def test_a_folder_on_the_server_is_a_batch(api, control_services):
    folder = control_services.paths.root / "outputs" / "frames"
    folder.mkdir(parents=True)
    for number in (1, 0):
        (folder / f"{number}.png").write_bytes(base64.b64decode(encode(number)))
    alone = [make(api, UNIT | {"image": encode(number)})[0] for number in (0, 1)]
    given = UNIT | {"input_mode": "batch", "batch_image_dir": str(folder)}
    response = call(api, given)
    assert [decoded(each).tobytes() for each in response.json()["images"]][-2:] == alone
    assert call(api, UNIT | {"image": encode(), "batch_image_dir": ""}).status_code == 200
    for wrong, sentence in (("/etc", "below the data folder"), (str(folder.parent / "none"), "no picture")):
        refused = call(api, UNIT | {"batch_image_dir": wrong})
        assert refused.status_code == 400
        assert sentence in refused.text


@pytest.mark.parametrize("wrong", ["no picture", base64.b64encode(b"x" * 200).decode(), "data:image/png,?"])
@pytest.mark.parametrize("field", ["image", "mask_image", "batch_images"])
def test_what_is_no_picture_is_refused_in_a_sentence(field, wrong, api):
    given = [wrong] if field == "batch_images" else wrong
    response = call(api, UNIT | {"image": encode()} | {field: given})
    assert 400 <= response.status_code < 500
    assert "ControlNet" in response.text
    assert "holds no picture" in response.text
