"""The community's routes of ControlNet, and the page's."""

import base64
import io

import cv2
import numpy as np
import pytest
import torch
from fastapi.testclient import TestClient
from PIL import Image
from safetensors.torch import save_file

from extensions.controlnet.preprocessors import PREPROCESSORS
from extensions.controlnet.preprocessors.networks import openpose
from extensions.controlnet.routes import add_routes
from tests.fake_sites import FakeSites
from webui.api.app import build_api
from webui.core.flags import read_flags
from webui.main import build_services
from webui.plugins import ModelKind


@pytest.fixture
def services(tmp_path):
    with FakeSites() as sites:
        made = build_services(read_flags(["--data-dir", str(tmp_path)])[0], tmp_path, sites.sites)
        made.library.start()
        yield made
        made.library.close()


@pytest.fixture
def client(services):
    app = build_api(services)
    if not any(getattr(route, "path", "") == "/controlnet/version" for route in app.routes):
        add_routes(app, services)
    return TestClient(app, base_url="http://127.0.0.1")


def encoded(image):
    file = io.BytesIO()
    image.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def decoded(text):
    return np.array(Image.open(io.BytesIO(base64.b64decode(text))))


def picture():
    pixels = np.full((64, 96, 3), 40, np.uint8)
    cv2.circle(pixels, (40, 30), 20, (250, 200, 90), -1)
    return Image.fromarray(pixels)


def test_the_lists_have_the_communitys_shape(client):
    assert client.get("/controlnet/version").json() == {"version": 2}
    assert client.get("/controlnet/settings").json()["control_net_unit_count"] >= 1
    assert client.get("/controlnet/model_list?update=true").json() == {"model_list": []}
    modules = client.get("/controlnet/module_list").json()
    assert modules["module_list"] == list(PREPROCESSORS)
    canny = modules["module_detail"]["canny"]
    assert canny["model_free"] is False
    assert canny["sliders"][1] == {
        "name": "Canny Low Threshold", "min": 1, "max": 255, "value": 100, "step": 1,
    }  # fmt: skip
    assert [slider and slider["name"] for slider in modules["module_detail"]["tile_resample"]["sliders"]] == [
        None, "Down Sampling Rate", None,
    ]  # fmt: skip
    assert modules["module_detail"]["reference_only"]["model_free"] is True


def test_aliases_are_names_too(client):
    names = client.get("/controlnet/module_list?alias_names=true").json()["module_list"]
    assert "color" in names and "t2ia_color_grid" not in names
    for name in names:
        body = {"controlnet_module": name, "controlnet_input_images": []}
        assert "at least one picture" in client.post("/controlnet/detect", json=body).json()["detail"]


def test_each_control_type_begins_with_what_can_be_used(client):
    types = client.get("/controlnet/control_types").json()["control_types"]
    assert set(types["Canny"]) == {"module_list", "model_list", "default_option", "default_model"}
    assert types["Canny"]["default_option"] == "canny"
    assert types["All"]["module_list"] == list(PREPROCESSORS)
    assert types["All"]["default_option"] == "none"
    for entry in types.values():
        assert entry["default_option"] in entry["module_list"]
        assert entry["default_model"] in entry["model_list"]
        assert not PREPROCESSORS[entry["default_option"]].weights


def test_detecting_gives_opencvs_edges(client):
    image = picture()
    body = {
        "controlnet_module": "canny",
        "controlnet_input_images": [encoded(image), "data:image/png;base64," + encoded(image)],
        "controlnet_processor_res": 64,
        "controlnet_threshold_a": 100,
        "controlnet_threshold_b": 200,
        "low_vram": False,
    }
    answer = client.post("/controlnet/detect", json=body)
    assert answer.status_code == 200, answer.text
    first, second = answer.json()["images"]
    assert np.array_equal(decoded(first)[..., 0], cv2.Canny(np.array(image), 100, 200))
    assert first == second
    assert answer.json()["info"] == "Success"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"controlnet_module": "canyn"}, "Did you mean 'canny'"),
        ({"controlnet_input_images": []}, "at least one picture"),
        ({"controlnet_input_images": ["not base64!"]}, "no base64"),
        ({"controlnet_input_images": [base64.b64encode(b"text").decode()]}, "picture"),
        ({"controlnet_module": "softedge_hed"}, "ControlNetHED.pth"),
    ],
)
def test_what_cannot_be_detected_is_refused_with_a_sentence(client, change, sentence):
    body = {"controlnet_module": "canny", "controlnet_input_images": [encoded(picture())]} | change
    answer = client.post("/controlnet/detect", json=body)
    assert 400 <= answer.status_code < 500
    assert sentence in answer.json()["detail"]


def test_the_page_previews_a_kept_picture_and_keeps_the_map(client, services):
    reference = services.inputs.add_image(picture())
    answer = client.post("/controlnet/preview", json={"image": reference, "module": "invert"}).json()
    assert (answer["width"], answer["height"]) == (96, 64)
    shown = client.get(f"/v1/inputs/{answer['reference']}")
    assert np.array_equal(np.array(Image.open(io.BytesIO(shown.content))), 255 - np.array(picture()))
    missing = client.post("/controlnet/preview", json={"image": "0" * 64, "module": "invert"})
    assert missing.status_code == 404


def test_the_page_hears_what_is_missing_and_where_to_get_it(client):
    offers = client.get("/controlnet/offers").json()
    modules = {module["name"]: module for module in offers["modules"]}
    missing = modules["softedge_hed"]["missing"][0]
    assert missing["link"].startswith("https://") and missing["size"] > 20_000_000
    assert "Apache-2.0" in missing["sentence"]
    assert modules["canny"]["missing"] == []
    assert "Canny" in modules["canny"]["types"]


def test_files_in_the_folder_that_are_no_controlnets_are_shown_with_the_reason(client, services):
    folder = services.catalog.folders.home(ModelKind.CONTROLNET)
    (folder / "annotators").mkdir(parents=True)
    (folder / "empty.safetensors").touch()
    (folder / "annotators" / "weights.safetensors").touch()
    layer = "lora_unet_down_blocks_0_attentions_0_proj_in"
    lora = {f"{layer}.lora_down.weight": torch.zeros(4, 320, 1, 1),
            f"{layer}.lora_up.weight": torch.zeros(320, 4, 1, 1)}  # fmt: skip
    save_file(lora, folder / "canny_style.safetensors")
    services.catalog.scan()
    models = {model["title"]: model for model in client.get("/controlnet/offers").json()["models"]}
    assert "weights" not in models
    assert models["empty"]["reason"] == "empty.safetensors is empty. Download it again."
    assert (
        "This is a LoRA" in models["canny_style"]["reason"]
        and "Move it to" in models["canny_style"]["reason"]
    )
    assert models["canny_style"]["types"] == ["Canny"]
    # The API's list has only what works.
    assert client.get("/controlnet/model_list").json()["model_list"] == []


def test_skeletons_are_drawn_from_json(client):
    joints = [value for number in range(18) for value in (20 + 5 * number, 40, 1)]
    pose = {"people": [{"pose_keypoints_2d": joints}], "canvas_width": 128, "canvas_height": 64}
    [drawn] = client.post("/controlnet/render_openpose_json", json=[pose]).json()["images"]
    assert decoded(drawn).shape == (64, 128, 3)
    assert decoded(drawn)[40, 20].tolist() == [255, 0, 0]
    refused = client.post("/controlnet/render_openpose_json", json=[{"people": "none"}])
    assert refused.status_code in {400, 422}
    assert "OpenPose" in refused.json()["detail"]


def test_detected_poses_come_with_their_joints(client, services, monkeypatch):
    # The network's usual side takes many seconds.
    monkeypatch.setattr(openpose, "SIDE", 64)
    folder = services.catalog.folders.home(ModelKind.CONTROLNET) / "annotators"
    folder.mkdir(parents=True)
    torch.save(openpose.BodyNetwork().state_dict(), folder / "body_pose_model.pth")
    body = {"controlnet_module": "openpose", "controlnet_input_images": [encoded(picture())],
            "controlnet_processor_res": 64}  # fmt: skip
    answer = client.post("/controlnet/detect", json=body).json()
    [pose] = answer["poses"]
    assert (pose["canvas_width"], pose["canvas_height"]) == (96, 64)
    assert isinstance(pose["people"], list)
    assert decoded(answer["images"][0]).shape == (64, 96, 3)
    found = client.post("/controlnet/poses", json={"image": services.inputs.add_image(picture())})
    assert found.json()["canvas_width"] == 96
    missing = client.post(
        "/controlnet/poses", json={"image": services.inputs.add_image(picture()), "hands": True}
    )
    assert missing.status_code == 404 and "hand_pose_model.pth" in missing.json()["detail"]
