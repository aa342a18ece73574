"""What real clients of A1111's API send, in their own shapes, is answered as they expect."""

import base64
import io
import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from tests.api.held_worker import HeldWorker, services_with
from tests.fake_sites import FakeSites
from webui.api.app import build_api
from webui.core.request import GenerationRequest
from webui.jobs.services import Services
from webui.main import running

SMALL = {"prompt": "a cat", "steps": 1, "width": 64, "height": 64, "seed": 7}
CONTROLNET_OFF = {"enabled": False, "module": "none", "model": "None", "image": "", "weight": 1.0}


def encoded(image: Image.Image) -> str:
    file = io.BytesIO()
    image.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


PICTURE = encoded(Image.new("RGB", (64, 64), "red"))


@pytest.fixture(scope="module")
def services(tmp_path_factory) -> Services:
    return services_with(HeldWorker(held=False), tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def api(services):
    with TestClient(
        build_api(services, lifespan=lambda _: running(services)), base_url="http://127.0.0.1"
    ) as client:
        yield client


@pytest.fixture
def requests(services, monkeypatch) -> list[GenerationRequest]:
    """The requests that were put in the queue."""
    found, submit = [], services.jobs.submit

    def note(request, *others):
        found.append(request)
        return submit(request, *others)

    monkeypatch.setattr(services.jobs, "submit", note)
    return found


def make(api, path="txt2img", **fields):
    answer = api.post(f"/sdapi/v1/{path}", json=SMALL | fields)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refuse(api, path="txt2img", **fields):
    answer = api.post(f"/sdapi/v1/{path}", json=SMALL | fields)
    assert 400 <= answer.status_code < 500, answer.text
    return answer


# SillyTavern sends every field, and sizes and steps as the sliders of its page stand.
SILLY_TAVERN = {
    "prompt": "a cat", "negative_prompt": "bad", "sampler_name": "Euler a", "scheduler": "Automatic",
    "steps": 200, "cfg_scale": 150, "width": 500, "height": 333, "restore_faces": False,
    "enable_hr": False, "hr_upscaler": "Latent", "hr_scale": 2, "hr_additional_modules": [],
    "denoising_strength": 0.7, "hr_second_pass_steps": 0, "seed": None,
    "override_settings": {"CLIP_stop_at_last_layers": 1, "sd_vae": None, "forge_additional_modules": []},
    "override_settings_restore_afterwards": True, "clip_skip": 1, "save_images": True, "send_images": True,
    "do_not_save_grid": False, "do_not_save_samples": False,
}  # fmt: skip
# aiyabot writes halves of steps, and passes styles that are None.
AIYABOT = {
    "prompt": "a cat", "negative_prompt": "", "steps": 30, "width": 64, "height": 64, "cfg_scale": "7.0",
    "sampler_index": "Euler a", "seed": 7, "seed_resize_from_h": -1, "seed_resize_from_w": -1,
    "denoising_strength": None, "n_iter": 1, "styles": None, "enable_hr": True, "hr_upscaler": "Latent",
    "hr_scale": 1.5, "hr_second_pass_steps": 2.5, "override_settings": {"CLIP_stop_at_last_layers": "1"},
    "alwayson_scripts": {},
}  # fmt: skip
# Auto-Photoshop names ControlNet in every call, and what its panel does not know as `null`.
AUTO_PHOTOSHOP = {
    "prompt": "a cat", "steps": 20, "width": 64, "height": 64, "mask_blur": None, "use_sharp_mask": False,
    "mask_expansion": 0, "seed": -1, "sampler_index": "Euler", "mask_content": None, "hr_sampler_name": None,
    "alwayson_scripts": {
        "ControlNet": {"args": [CONTROLNET_OFF, CONTROLNET_OFF]}, "Ultimate SD Upscale": {"args": []},
    },
}  # fmt: skip
# What browsers show of A1111's own page, copied out of it.
COPIED_FROM_A_PAGE = {
    "prompt": "a cat", "steps": 20, "width": 64, "height": 64, "script_name": None, "script_args": [],
    "alwayson_scripts": {
        "API payload": {"args": []}, "Comments": {"args": []}, "Extra options": {"args": []},
        "Hypertile": {"args": []}, "Refiner": {"args": [False, "", 0.8]},
        "Sampler": {"args": [20, "DPM++ 2M", "Automatic"]}, "Seed": {"args": [-1, False, -1, 0, 0, 0]},
        "ADetailer": {"args": [False, False, {"ad_model": "face_yolov8n.pt", "ad_tab_enable": True}]},
        "ControlNet": {"args": [CONTROLNET_OFF]}, "AnimateDiff": {"args": [{"enable": False}]},
        "Never OOM Integrated": {"args": [False, False]},
    },
}  # fmt: skip
PAYLOADS = {
    "SillyTavern": SILLY_TAVERN,
    "aiyabot": AIYABOT,
    "Auto-Photoshop": AUTO_PHOTOSHOP,
    "copied from a page": COPIED_FROM_A_PAGE,
    "LibreChat": {"prompt": "a cat", "negative_prompt": "", "cfg_scale": 4.5, "steps": 22, "width": 64},
    "open-webui": {"prompt": "a cat", "batch_size": 1, "width": 64, "height": 64, "negative_prompt": None},
}


@pytest.mark.parametrize("name", PAYLOADS)
def test_the_payload_of_a_client_gives_a_picture(name, api):
    answer = api.post("/sdapi/v1/txt2img", json=PAYLOADS[name])
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["images"]) == 1
    assert isinstance(json.loads(answer.json()["info"]), dict)


@pytest.mark.parametrize("path", ["txt2img", "img2img"])
def test_null_for_any_field_is_as_if_it_were_not_said(path, api, requests):
    names = api.get("/openapi.json").json()["components"]["schemas"]
    body = names["Txt2ImgBody" if path == "txt2img" else "Img2ImgBody"]["properties"]
    needed = SMALL | ({"init_images": [PICTURE]} if path == "img2img" else {})
    make(api, path, **needed)
    answer = api.post(f"/sdapi/v1/{path}", json=dict.fromkeys(body) | needed)
    assert answer.status_code == 200, answer.text
    first, second = (each.model_copy(update={"variation_seed": 0}) for each in requests)
    assert first == second


def test_sizes_are_cut_to_cells_and_the_answer_says_so(api):
    answer = make(api, width=100, height=77)
    assert Image.open(io.BytesIO(base64.b64decode(answer["images"][0]))).size == (96, 72)
    info = json.loads(answer["info"])
    assert (info["width"], info["height"]) == (96, 72)
    assert "100 is not a multiple of 8" in info["messages"][0]
    assert "77 is not a multiple of 8" in info["messages"][1]


def test_steps_and_cfg_have_no_cap(api, requests):
    make(api, steps=5000, cfg_scale=1000)
    assert (requests[0].steps, requests[0].cfg_scale) == (5000, 1000)


@pytest.mark.parametrize("value", ["12", "12.7", 12.7, 12.0, " 12 "])
def test_whole_numbers_may_have_a_point_or_quotes(value, api, requests):
    make(api, steps=value, hr_second_pass_steps=value, enable_hr=True)
    assert (requests[0].steps, requests[0].hires.steps) == (12, 12)


@pytest.mark.parametrize("value", ["many", "", [], {}, "1e999", "9" * 400, 1e300, "nan", "12 steps"])
def test_what_is_no_number_is_refused(value, api):
    assert "steps" in refuse(api, steps=value).json()["detail"]


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"enable_hr": True, "hr_upscaler": "R-ESRGAN 9x"}, "upscaler"),
        ({"enable_hr": True, "hr_checkpoint_name": "nothing-like-this"}, "checkpoint"),
        ({"enable_hr": True, "hr_sampler_name": "Eulerr"}, "sampler"),
        ({"enable_hr": True, "hr_scheduler": "Karass"}, "schedule"),
        ({"restore_faces": True}, "CodeFormer"),
        ({"restore_faces": True, "override_settings": {"face_restoration_model": "Facer"}}, "face restorer"),
        ({"refiner_checkpoint": "nothing-like-this"}, "checkpoint"),
        ({"alwayson_scripts": {"Refiner": {"args": [True, "nothing-like-this", 0.5]}}}, "checkpoint"),
        ({"alwayson_scripts": {"Sampler": {"args": [20, "Eulerr", "Automatic"]}}}, "sampler"),
        ({"override_settings": {"sd_vae": "nothing.vae.pt"}}, "VAE"),
        ({"override_settings": {"sd_model_checkpoint": "nothing-like-this"}}, "checkpoint"),
        ({"sampler_name": "Eulerr"}, "sampler"),
        ({"scheduler": "Karass"}, "schedule"),
    ],
)
def test_names_that_do_not_exist_are_refused_before_the_queue(fields, word, api, requests):
    assert word in refuse(api, **fields).json()["detail"]
    assert requests == []


def test_an_upscaler_for_img2img_that_does_not_exist_is_refused_too(api, requests):
    settings = {"override_settings": {"upscaler_for_img2img": "nothing"}}
    assert "upscaler" in refuse(api, "img2img", init_images=[PICTURE], **settings).json()["detail"]
    assert requests == []


def test_a1111s_own_scripts_mean_what_they_mean_there(api, requests):
    scripts = {
        "Sampler": {"args": [33, "DPM++ 2M Karras"]},
        "SEED": {"args": [123, True, 45, 0.5, 128, 256]},
        "refiner": {"args": [True, "starter", 0.6]},
    }
    make(api, alwayson_scripts=scripts)
    (request,) = requests
    assert (request.steps, request.sampler, request.schedule) == (33, "DPM++ 2M", "Karras")
    assert (request.seed, request.variation_seed, request.variation_strength) == (123, 45, 0.5)
    assert (request.seed_resize_width, request.seed_resize_height) == (128, 256)
    assert (request.refiner.model, request.refiner.switch_at) == ("starter", 0.6)


IDLE = [
    {}, None, {"args": []}, {"args": None}, {"args": [False]}, {"args": [False, 5, "x"]},
    {"args": [CONTROLNET_OFF]},
    {"args": [{"is_enabled": False, "image": PICTURE}]}, {"args": [True, {"ad_model": "None"}]},
    {"args": [PICTURE, False, "0", "model.onnx"]}, {"args": [None, "", 0, []]}, {"args": [{}]},
]  # fmt: skip
ACTIVE = [
    {"args": [True]}, {"args": [True, 0.75, 1.0]},
    {"args": [CONTROLNET_OFF, CONTROLNET_OFF | {"enabled": True}]},
    {"args": [True, False, {"ad_model": "face_yolov8n.pt"}]}, {"args": [{"ad_model": "face_yolov8n.pt"}]},
    {"args": [PICTURE, True, "0"]}, {"args": ["something"]}, {"args": [{"module": "canny"}]},
]  # fmt: skip


@pytest.mark.parametrize("entry", IDLE)
def test_an_absent_extension_that_is_switched_off_is_passed_over(entry, api):
    make(api, alwayson_scripts={"Somebody's": entry})


@pytest.mark.parametrize("entry", ACTIVE)
def test_an_absent_extension_that_is_asked_for_something_is_named(entry, api, requests):
    answer = refuse(api, alwayson_scripts={"Somebody's": entry})
    assert answer.status_code == 422
    assert "Somebody's" in answer.json()["detail"]
    assert requests == []


@pytest.mark.parametrize("entry", [{"args": 5}, {"args": "x"}, {"args": {"a": 1}}, 5, "x", [1]])
def test_an_entry_of_another_shape_is_refused(entry, api):
    assert "args" in refuse(api, alwayson_scripts={"Somebody's": entry}).json()["detail"]


@pytest.mark.parametrize("name", ["latent_mask", "firstpass_image"])
def test_what_img2img_cannot_use_is_refused_by_name(name, api, requests):
    assert name in refuse(api, "img2img", init_images=[PICTURE], **{name: PICTURE}).json()["detail"]
    assert requests == []


def test_what_changes_no_picture_in_a1111_is_passed_over(api):
    # The first is for checkpoints that edit pictures, the second what A1111 tells itself.
    make(api, "img2img", init_images=[PICTURE], image_cfg_scale=1.5, comments={"a": "b"})
    answer = make(api, firstpass_image=PICTURE)
    assert "firstpass_image" in json.loads(answer["info"])["messages"][0]


INFOTEXT = (
    "a dog\nSteps: 3, Sampler: Euler, CFG scale: 4, Seed: 8, Size: 128x64, Denoising strength: 0.5, "
    "Hires upscale: 1.5, Hires steps: 1, Hires upscaler: Latent (nearest), Refiner: starter, "
    "Refiner switch at: 0.4"
)


def test_a_field_of_the_body_wins_over_that_field_of_the_infotext_alone(api, requests):
    body = {"infotext": INFOTEXT, "enable_hr": True, "hr_second_pass_steps": 9, "refiner_switch_at": 0.9}
    assert api.post("/sdapi/v1/txt2img", json=body | {"width": 256}).status_code == 200
    (request,) = requests
    assert (request.prompt, request.steps, request.seed) == ("a dog", 3, 8)
    assert (request.width, request.height) == (256, 64)
    assert (request.hires.scale, request.hires.steps, request.hires.upscaler) == (1.5, 9, "Latent (nearest)")
    assert (request.refiner.model, request.refiner.switch_at) == ("starter", 0.9)


def test_an_infotext_needs_no_other_field_and_no_is_no(api, requests):
    for body in ({}, {"enable_hr": False}):
        assert api.post("/sdapi/v1/txt2img", json={"infotext": INFOTEXT} | body).status_code == 200
    assert requests[0].hires is not None
    assert requests[1].hires is None


def test_all_options_can_be_read_and_written_back(api):
    options = api.get("/sdapi/v1/options").json()
    assert api.post("/sdapi/v1/options", json=options).status_code == 200
    assert api.get("/sdapi/v1/options").json() == options


@pytest.mark.parametrize("name", ["jpeg", "JPG", "PNG", ".webp"])
def test_picture_formats_may_be_written_as_a1111_writes_them(name, api):
    make(api, override_settings={"samples_format": name})


@pytest.mark.parametrize("text", ["ünï", "data:image/png;base64,漢字", "!!!", "aGVsbG8=", "\0", "a" * 5])
@pytest.mark.parametrize("path", ["img2img", "png-info", "extra-single-image", "extra-batch-images"])
def test_what_is_no_picture_is_refused_with_a_sentence(path, text, api):
    fields = {
        "img2img": {"init_images": [text]},
        "png-info": {"image": text},
        "extra-single-image": {"image": text},
        "extra-batch-images": {"imageList": [{"data": text, "name": "a"}]},
    }
    assert len(refuse(api, path, **fields[path]).json()["detail"]) > 10


def test_base64_may_be_written_in_lines(api):
    lines = "\n".join(PICTURE[start : start + 76] for start in range(0, len(PICTURE), 76))
    make(api, "img2img", init_images=[f"data:image/png;base64,{lines}"])


def test_an_address_is_not_fetched_unless_the_owner_allows_it(api, requests):
    for address in ("http://127.0.0.1:1/a.png", "https://example.org/a.png"):
        answer = refuse(api, "img2img", init_images=[address])
        assert "address" in answer.json()["detail"]
        assert "address" in refuse(api, "extra-single-image", image=address).json()["detail"]
    assert requests == []


@pytest.mark.parametrize("where", ["options", "overrides"])
def test_a_call_cannot_allow_addresses_to_itself(where, api, services):
    changes = {"api_enable_requests": True}
    if where == "options":
        assert api.post("/sdapi/v1/options", json=changes).status_code == 400
    else:
        refuse(api, override_settings=changes, override_settings_restore_afterwards=False)
    assert services.settings.current.api.api_enable_requests is False


def test_an_address_is_fetched_where_the_owner_allows_it(tmp_path):
    with FakeSites() as fake:
        fake.pictures["a.png"] = base64.b64decode(PICTURE)
        services = services_with(HeldWorker(held=False), tmp_path, sites=fake.sites)
        services.settings.change({"api_enable_requests": True})
        app = build_api(services, lifespan=lambda _: running(services))
        with TestClient(app, base_url="http://127.0.0.1") as api:
            address = f"{fake.url}/images/x/a.png"
            make(api, "img2img", init_images=[address], mask=address)
            body = SMALL | {"init_images": ["https://127.0.0.1:1/a.png"]}
            answer = api.post("/sdapi/v1/img2img", json=body)
            assert answer.status_code == 502
            assert "private network" in answer.json()["detail"]


def test_flags_hold_no_secrets(tmp_path):
    secrets = ["--api-auth", "ann:hidden", "--gradio-auth", "bob:hidden"]
    services = services_with(HeldWorker(), tmp_path, *secrets, "--port", "7999")
    api = TestClient(build_api(services), base_url="http://127.0.0.1")
    for path in ("/sdapi/v1/cmd-flags", "/internal/sysinfo", "/internal/sysinfo-download"):
        answer = api.get(path, auth=("ann", "hidden"))
        assert answer.status_code == 200, answer.text
        assert "hidden" not in answer.text
        assert str(Path.home()) not in answer.text or str(Path.home()) == "/"
    flags = api.get("/sdapi/v1/cmd-flags", auth=("ann", "hidden")).json()
    assert flags["port"] == "7999"
    assert flags["api"] is True


def test_the_end_of_the_server_is_offered_only_with_the_flag(api, tmp_path):
    assert api.post("/sdapi/v1/server-stop").status_code in (404, 405)
    services = services_with(HeldWorker(), tmp_path, "--api-server-stop")
    paths = build_api(services).openapi()["paths"]
    assert {"/sdapi/v1/server-stop", "/sdapi/v1/server-kill", "/sdapi/v1/server-restart"} <= set(paths)


def test_internal_progress_knows_a_job_by_the_clients_id(api):
    make(api, force_task_id="task(abc)")
    told = api.post("/internal/progress", json={"id_task": "task(abc)", "id_live_preview": -1}).json()
    assert (told["active"], told["queued"], told["completed"]) == (False, False, True)
    unknown = api.post("/internal/progress", json={"id_task": "task(other)"}).json()
    assert (unknown["active"], unknown["queued"], unknown["completed"]) == (False, False, False)
    assert api.get("/internal/pending-tasks").json() == {"size": 0, "tasks": []}


def test_a_written_picture_is_given_out_and_no_other_file(api, services, tmp_path):
    before = set(services.paths.root.rglob("*.png"))
    make(api, save_images=True)
    (saved,) = set(services.paths.root.rglob("*.png")) - before
    answer = api.get(f"/file={saved}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    assert answer.content == saved.read_bytes()
    other = tmp_path / "other.png"
    other.write_bytes(saved.read_bytes())
    for path in (other, "/etc/passwd", saved.parent):
        assert api.get(f"/file={path}").status_code == 404


def test_cards_answer_as_in_a1111(api, services):
    (file,) = services.catalog.files()[:1]
    query = {"page": "checkpoints", "item": file.stem}
    metadata = api.get("/sd_extra_networks/metadata", params=query).json()["metadata"]
    assert isinstance(json.loads(metadata), dict)
    card = api.get("/sd_extra_networks/get-single-card", params={"page": "checkpoints", "name": "<b>"})
    assert card.status_code == 404
    named = {"page": "checkpoints", "name": file.stem}
    assert file.stem in api.get("/sd_extra_networks/get-single-card", params=named).json()["html"]
    assert api.get("/sd_extra_networks/cover-images", params=query | {"index": 99}).status_code == 404
    for name in ("/etc/passwd", str(file.path), "", "\0", "../x.png"):
        assert api.get("/sd_extra_networks/thumb", params={"filename": name}).status_code == 404
