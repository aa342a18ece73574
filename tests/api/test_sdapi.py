"""A1111's API besides making pictures: lists, options, progress, interruption, infotext, guard."""

import base64
import io
import json
import threading
import time

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from tests.golden_cases import GOLDENS, decoded
from webui.api.app import build_api
from webui.core.flags import read_flags

PAYLOAD = {"prompt": "a cat", "steps": 2, "width": 64, "height": 64, "sampler_name": "Euler", "seed": 7}


def golden(name: str):
    return json.loads((GOLDENS / "api" / f"{name}.json").read_text("utf-8"))


@pytest.fixture
def api(exact_api) -> TestClient:
    exact_api.post("/sdapi/v1/options", json={"sd_model_checkpoint": "tiny-sd15"}).raise_for_status()
    return exact_api


@pytest.mark.parametrize("name", ["samplers", "schedulers"])
def test_lists_equal_those_of_a1111(name, api):
    ours = api.get(f"/sdapi/v1/{name}").json()
    assert [by_key(entry) for entry in ours] == [by_key(entry) for entry in golden(name)]


def by_key(entry: dict) -> dict:
    return {key: sorted(value.items()) if isinstance(value, dict) else value for key, value in entry.items()}


def test_checkpoints_are_listed_with_title_hash_and_sidecar(api):
    api.post("/sdapi/v1/txt2img", json=PAYLOAD).raise_for_status()
    listed = {entry["model_name"]: entry for entry in api.get("/sdapi/v1/sd-models").json()}
    expected = next(entry for entry in golden("sd-models") if entry["model_name"] == "tiny-sd15")
    ours = listed["tiny-sd15"]
    assert {key: ours[key] for key in ("title", "model_name", "hash", "sha256")} == {
        key: expected[key] for key in ("title", "model_name", "hash", "sha256")
    }
    assert ours["config"].endswith("tiny-sd15.yaml")


def test_every_option_of_a1111_can_be_read_and_set(api):
    options, theirs = api.get("/sdapi/v1/options").json(), golden("options")
    # Explanations on A1111's own settings page and what belongs to its test installation.
    other = {key for key in theirs if "explanation" in key} | {"sd_checkpoint_hash", "settings_in_ui"}
    assert set(theirs) - set(options) <= other
    assert api.post("/sdapi/v1/options", json={"sd_checkpoint_cache": 2}).status_code == 200


def test_options_last_and_overrides_do_not(api):
    api.post("/sdapi/v1/options", json={"eta_noise_seed_delta": 31337}).raise_for_status()
    try:
        assert api.get("/sdapi/v1/options").json()["eta_noise_seed_delta"] == 31337
        body = PAYLOAD | {"sampler_name": "Euler a", "override_settings": {"eta_noise_seed_delta": 5}}
        assert "ENSD: 5" in infotext(api, body)
        assert "ENSD: 31337" in infotext(api, PAYLOAD | {"sampler_name": "Euler a"})
    finally:
        api.post("/sdapi/v1/options", json={"eta_noise_seed_delta": 0}).raise_for_status()


def test_overrides_last_where_a_request_says_so(api):
    body = PAYLOAD | {
        "override_settings": {"emphasis": "No norm"},
        "override_settings_restore_afterwards": False,
    }
    try:
        infotext(api, body)
        assert api.get("/sdapi/v1/options").json()["emphasis"] == "No norm"
    finally:
        api.post("/sdapi/v1/options", json={"emphasis": "Original"}).raise_for_status()


@pytest.mark.parametrize(
    "changes",
    [
        {"alwayson_scripts": {"Nobody's": {"args": [True]}}},
        {"script_name": "custom code"},
        {"script_name": "loopback"},
    ],
)
def test_what_is_not_offered_is_refused_and_not_left_out_without_a_word(changes, api):
    assert api.post("/sdapi/v1/txt2img", json=PAYLOAD | changes).status_code == 422


@pytest.mark.parametrize("name", ["DPM++ 2M Karras", "k_dpmpp_2m", "DPM++ 2M"])
def test_samplers_answer_to_all_their_names(name, api):
    assert "Sampler: DPM++ 2M, Schedule type: Karras" in infotext(api, PAYLOAD | {"sampler_name": name})


def test_the_largest_number_is_no_limit_of_noise(api):
    body = PAYLOAD | {"s_churn": 3.0}
    told = infotext(api, body | {"s_tmax": 1e308})
    assert told == infotext(api, body)
    assert "Sigma churn: 3" in told
    assert "Sigma tmax" not in told
    assert "Sigma tmax: 9" in infotext(api, body | {"s_tmax": 9})


def infotext(api: TestClient, body: dict) -> str:
    answer = api.post("/sdapi/v1/txt2img", json=body)
    assert answer.status_code == 200, answer.text
    return json.loads(answer.json()["info"])["infotexts"][0]


def test_an_answer_has_what_a1111s_has(api):
    answer = api.post("/sdapi/v1/txt2img", json=PAYLOAD).json()
    assert set(answer) == {"images", "parameters", "info"}
    theirs = json.loads((GOLDENS / "sd15" / "cases.json").read_text("utf-8"))[0]["info"]
    assert set(theirs) <= set(json.loads(answer["info"]))


def test_pictures_are_saved_and_sent_only_where_asked(api, exact_services):
    folder = exact_services.paths.root / "outputs"
    before = set(folder.rglob("*.png"))
    assert api.post("/sdapi/v1/txt2img", json=PAYLOAD | {"send_images": False}).json()["images"] == []
    assert set(folder.rglob("*.png")) == before
    answer = api.post("/sdapi/v1/txt2img", json=PAYLOAD | {"save_images": True}).json()
    (saved,) = set(folder.rglob("*.png")) - before
    assert Image.open(saved).tobytes() == decoded(answer["images"][0]).tobytes()
    assert Image.open(saved).info["parameters"] == decoded(answer["images"][0]).info["parameters"]


def test_png_info_reads_what_was_written_and_a_request_may_be_an_infotext(api):
    made = api.post("/sdapi/v1/txt2img", json=PAYLOAD).json()["images"][0]
    read = api.post("/sdapi/v1/png-info", json={"image": "data:image/png;base64," + made}).json()
    assert read["parameters"]["Prompt"] == "a cat"
    assert read["parameters"]["Seed"] == "7"
    again = api.post("/sdapi/v1/txt2img", json={"infotext": read["info"]}).json()["images"][0]
    assert decoded(again).tobytes() == decoded(made).tobytes()


def test_progress_moves_and_an_interrupt_ends_the_run(api):
    answers = []
    body = PAYLOAD | {"steps": 150, "width": 256, "height": 256}
    worker = threading.Thread(target=lambda: answers.append(api.post("/sdapi/v1/txt2img", json=body)))
    worker.start()
    seen = watch(api, until=lambda progress: progress["state"]["sampling_step"] >= 2)
    api.post("/sdapi/v1/interrupt").raise_for_status()
    worker.join(60)
    assert not worker.is_alive()
    assert 0 < seen["progress"] < 1
    assert seen["eta_relative"] > 0
    assert seen["state"]["sampling_steps"] == 150
    assert len(answers[0].json()["images"]) == 1
    assert api.get("/sdapi/v1/progress").json()["progress"] == 0


def test_skip_goes_on_with_the_next_batch(api):
    answers = []
    body = PAYLOAD | {"steps": 60, "width": 192, "height": 192, "n_iter": 2}
    worker = threading.Thread(target=lambda: answers.append(api.post("/sdapi/v1/txt2img", json=body)))
    worker.start()
    watch(api, until=lambda progress: progress["state"]["sampling_step"] >= 1)
    api.post("/sdapi/v1/skip").raise_for_status()
    watch(api, until=lambda progress: progress["state"]["job_no"] == 1)
    api.post("/sdapi/v1/interrupt").raise_for_status()
    worker.join(60)
    assert len(answers[0].json()["images"]) == 2


def watch(api: TestClient, until) -> dict:
    for _ in range(600):
        progress = api.get("/sdapi/v1/progress").json()
        if until(progress):
            return progress
        time.sleep(0.05)
    raise AssertionError(f"It never came so far: {progress}")


def test_pictures_of_other_formats_are_sent_in_them(api):
    answer = api.post(
        "/sdapi/v1/txt2img", json=PAYLOAD | {"override_settings": {"samples_format": "webp"}}
    ).json()
    picture = Image.open(io.BytesIO(base64.b64decode(answer["images"][0])))
    assert picture.format == "WEBP"
    read = api.post("/sdapi/v1/png-info", json={"image": answer["images"][0]}).json()
    assert read["parameters"]["Seed"] == "7"


def test_another_web_site_cannot_drive_the_server(api):
    evil = {"Origin": "https://evil.example"}
    assert api.post("/sdapi/v1/interrupt", headers=evil).status_code == 403
    assert api.post("/sdapi/v1/interrupt", headers={"Origin": "null"}).status_code == 403
    assert api.post("/sdapi/v1/interrupt", headers={"Origin": "http://127.0.0.1"}).status_code == 200


def test_the_api_can_ask_for_a_password(exact_services):
    from dataclasses import replace

    flags = read_flags(["--api-auth", "ann:secret", "--cors-allow-origins", "https://friend.example"])[0]
    client = TestClient(build_api(replace(exact_services, flags=flags)), base_url="http://127.0.0.1")
    assert client.get("/sdapi/v1/samplers").status_code == 401
    assert client.get("/sdapi/v1/samplers", auth=("ann", "wrong")).status_code == 401
    assert client.get("/sdapi/v1/samplers", auth=("ann", "secret")).status_code == 200
    friend = {"Origin": "https://friend.example"}
    answer = client.post("/sdapi/v1/interrupt", auth=("ann", "secret"), headers=friend)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "https://friend.example"


def test_each_field_of_an_infotexts_second_pass_is_taken_that_the_body_leaves_open(api):
    text = (
        "x\nSteps: 2, Sampler: Euler, CFG scale: 4, Seed: 8, Size: 64x64, Denoising strength: 0.5, "
        "Hires upscale: 1.5, Hires steps: 1, Hires upscaler: Latent (nearest)"
    )
    told = infotext(api, {"infotext": text, "enable_hr": True, "hr_second_pass_steps": 2})
    assert "Hires upscale: 1.5, Hires steps: 2, Hires upscaler: Latent (nearest)" in told


@pytest.mark.parametrize("name", ["jpeg", "JPG", "Png", ".webp"])
def test_file_formats_are_known_in_every_spelling(api, name):
    infotext(api, PAYLOAD | {"override_settings": {"samples_format": name}})


def test_an_infotext_with_words_for_numbers_is_read_as_far_as_it_goes(api):
    text = "hill\nSteps: Unknown, Sampler: Undefined, CFG scale: Unknown, Seed: 8, Size: 64x64"
    assert "Seed: 8" in infotext(api, {"infotext": text, "steps": 1})
