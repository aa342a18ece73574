"""PyPI's `webuiapi`, the client that most scripts use, runs its whole surface against a real server."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import uvicorn
import webuiapi
from PIL import Image, ImageDraw

from tests.extensions.detailer.detector_file import bright_squares
from webui.api.app import build_api
from webui.core.flags import read_flags
from webui.main import build_services, running

ROOT = Path(__file__).resolve().parents[2]
# What A1111 1.10 answers with 404 too: of earlier versions.
ABSENT = ("get_artists", "get_artist_categories")


def small():
    """A small picture. The client writes into its own default of the scripts, and keeps that for ever."""
    return {
        "prompt": "a cat", "steps": 1, "width": 64, "height": 64, "seed": 7, "alwayson_scripts": {},
    }  # fmt: skip


@pytest.fixture(scope="module")
def client(tmp_path_factory) -> Iterator[webuiapi.WebUIApi]:
    """A client of a server with the bundled checkpoint."""
    home = tmp_path_factory.mktemp("home")
    (home / "models" / "adetailer").mkdir(parents=True)
    (home / "models" / "adetailer" / "squares.onnx").write_bytes(bright_squares())
    flags = read_flags(["--data-dir", str(home), "--nowebui"])[0]
    services = build_services(flags, ROOT)
    app = build_api(services, lifespan=lambda _: running(services))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", timeout_graceful_shutdown=3))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield webuiapi.WebUIApi(host="127.0.0.1", port=port, sampler="Euler", scheduler="automatic", steps=1)
    server.should_exit = True
    thread.join(60)


@pytest.fixture(scope="module")
def picture(client) -> Image.Image:
    return client.txt2img(**small()).image


LISTS = [
    name
    for name in dir(webuiapi.WebUIApi)
    if name.startswith("get_") and name not in (*ABSENT, "get_endpoint")
] + ["util_get_model_names", "util_get_sampler_names", "util_get_scheduler_names", "util_get_current_model"]


@pytest.mark.parametrize("name", LISTS)
def test_lists_are_read(name, client):
    found = getattr(client, name)()
    assert found is not None
    assert not (isinstance(found, dict) and "detail" in found)


def test_commands_are_taken(client):
    assert client.interrupt() == {}
    assert client.skip() is None
    client.refresh_checkpoints()
    client.set_options({"samples_format": "png"})
    client.util_set_model("starter")
    client.util_wait_for_ready(check_interval=0.1)


@pytest.mark.parametrize("path", ["unload-checkpoint", "reload-checkpoint"])
def test_models_leave_and_come_back(path, client):
    assert client.custom_post(path, baseurl=True).json == {}


def test_extensions_are_looked_for(client):
    assert client.has_controlnet
    assert client.has_adetailer
    assert not client.has_animatediff


def test_controlnet_tells_its_version_models_and_modules(client):
    assert client.controlnet_version() == 2
    assert any("starter_canny" in name for name in client.controlnet_model_list())
    assert {"none", "canny"} <= set(client.controlnet_module_list())
    assert client.controlnet_model_list() == webuiapi.ControlNetInterface(client).model_list()


@pytest.mark.parametrize("make", ["txt2img", "img2img"])
def test_a_unit_of_controlnet_guides(make, client, picture):
    drawing = Image.new("RGB", (64, 64), "white")
    ImageDraw.Draw(drawing).ellipse((12, 12, 52, 52), outline="black", width=4)
    unit = webuiapi.ControlNetUnit(image=drawing, module="canny", model="starter_canny", weight=2)
    given = {"images": [picture]} if make == "img2img" else {}
    ask = getattr(client, make)
    plain, guided = ask(**given, **small()), ask(**given, **small(), controlnet_units=[unit])
    assert 'ControlNet 0: "Module: canny, Model: starter_canny' in guided.info["infotexts"][0]
    assert "ControlNet" not in plain.info["infotexts"][0]
    assert guided.image.tobytes() != plain.image.tobytes()


def test_adetailer_looks_for_what_its_detector_knows(client):
    unit = webuiapi.ADetailer(ad_model="squares.onnx", ad_inpaint_width=64, ad_inpaint_height=64)
    result = client.txt2img(**small(), adetailer=[unit])
    assert "ADetailer model: squares.onnx" in result.info["infotexts"][0]
    off = client.txt2img(**small(), adetailer=[webuiapi.ADetailer()])
    assert "ADetailer" not in off.info["infotexts"][0]


def test_txt2img_with_every_field(client):
    result = client.txt2img(
        **small(), negative_prompt="bad", styles=[], subseed=3, subseed_strength=0.2, batch_size=2,
        cfg_scale=7, eta=1.0, s_churn=0, s_tmax=0, s_tmin=0, s_noise=1, enable_hr=True, hr_scale=1.5,
        hr_upscaler=webuiapi.HiResUpscaler.Latent, hr_second_pass_steps=1, denoising_strength=0.5,
        override_settings={"CLIP_stop_at_last_layers": 1}, save_images=False, tiling=False,
    )  # fmt: skip
    assert [image.size for image in result.images] == [(96, 96)] * 2
    assert result.info["seed"] == 7
    assert result.parameters["prompt"] == "a cat"


@pytest.mark.parametrize("upscaler", [webuiapi.HiResUpscaler.Lanczos, webuiapi.HiResUpscaler.none])
def test_hires_with_upscalers_of_pictures(upscaler, client):
    result = client.txt2img(**small(), enable_hr=True, hr_scale=1.5, hr_upscaler=upscaler)
    assert result.image.size == (96, 96)


def test_img2img_and_inpainting(client, picture):
    assert client.img2img(images=[picture], **small()).image.size == (64, 64)
    mask = Image.new("L", picture.size, 0)
    mask.paste(255, (16, 16, 48, 48))
    result = client.img2img(
        images=[picture], mask_image=mask, inpainting_fill=1, inpaint_full_res=False, **small()
    )
    assert result.image.getpixel((2, 2)) == picture.getpixel((2, 2))


def test_loopback_and_switched_off_extensions(client, picture):
    result = client.img2img(
        images=[picture], script_name="Loopback", script_args=[2, 0.5, "Linear", "None"], **small()
    )
    assert len(result.images) == 3
    # The client sends each that it knows to be there a unit that is off.
    client.has_animatediff = True
    try:
        assert client.txt2img(**small()).image.size == (64, 64)
    finally:
        client.has_animatediff = False


def test_several_calls_at_once(client):
    with ThreadPoolExecutor() as threads:
        results = list(threads.map(lambda seed: client.txt2img(**small() | {"seed": seed}), range(5)))
    assert [result.info["seed"] for result in results] == list(range(5))


def test_extras_and_png_info(client, picture):
    single = client.extra_single_image(picture, upscaler_1=webuiapi.Upscaler.Lanczos, upscaling_resize=2)
    assert single.image.size == (128, 128)
    batch = client.extra_batch_images([picture, picture], upscaler_1="Nearest", upscaling_resize=1.5)
    assert [image.size for image in batch.images] == [(96, 96)] * 2
    assert "Steps: 1" in client.png_info(picture).info


def ask_interrogate(client, picture):
    client.interrogate(picture)


def ask_controlnet_without_model(client, picture):
    client.txt2img(**small(), controlnet_units=[webuiapi.ControlNetUnit(image=picture)])


def ask_absent_network(client, picture):
    unit = webuiapi.ControlNetUnit(image=picture, model="control_v11p_sd15_canny [d14c016b]")
    client.txt2img(**small(), controlnet_units=[unit])


def ask_absent_detector(client, picture):
    client.txt2img(**small(), adetailer=[webuiapi.ADetailer(ad_model="face_yolov8n.pt")])


def ask_wrong_confidence(client, picture):
    client.txt2img(**small(), adetailer=[webuiapi.ADetailer(ad_model="squares.onnx", ad_confidence=7)])


def ask_film(client, picture):
    client.txt2img(**small(), script_name="controlnet m2m")


def ask_animatediff(client, picture):
    client.txt2img(**small(), animatediff=webuiapi.AnimateDiff())


def ask_reactor(client, picture):
    client.txt2img(**small(), reactor=webuiapi.ReActor(picture))


def ask_roop(client, picture):
    client.img2img(images=[picture], **small(), roop=webuiapi.Roop(picture))


def ask_sag(client, picture):
    client.txt2img(**small(), sag=webuiapi.Sag())


def ask_sampler(client, picture):
    client.txt2img(**small(), sampler_name="Eulerr")


def ask_script(client, picture):
    client.txt2img(**small(), script_name="nobody's")


# The status, and a word that the sentence has.
REFUSED = {
    # Without its models A1111 would ask the internet for them; here the refusal says what to fetch.
    ask_interrogate: (404, "no captioner yet"),
    # A1111 without these extensions says 422 too.
    ask_animatediff: (422, "animatediff"), ask_reactor: (422, "reactor"), ask_roop: (422, "roop"),
    ask_sag: (422, "Self Attention Guidance"), ask_script: (422, "nobody's"), ask_film: (422, "m2m"),
    ask_sampler: (400, "Eulerr"),
    # In A1111 these extensions log the fault and answer 200 with a picture that they did not change, which
    # nobody wants without a word: what is wrong in itself is 400, a name of a file that is not here 404.
    ask_controlnet_without_model: (400, "ControlNet"), ask_wrong_confidence: (400, "confidence"),
    ask_absent_network: (404, "control_v11p_sd15_canny"), ask_absent_detector: (404, "face_yolov8n"),
}  # fmt: skip


@pytest.mark.parametrize("ask", REFUSED, ids=lambda ask: ask.__name__)
def test_what_a1111_refuses_is_refused_with_a_sentence(ask, client, picture):
    with pytest.raises(RuntimeError) as refusal:
        ask(client, picture)
    status, text = refusal.value.args
    expected, word = REFUSED[ask]
    assert status == expected
    assert word.lower() in json.loads(text)["detail"].lower()


@pytest.mark.parametrize("name", ABSENT)
def test_what_is_gone_in_a1111_is_not_there(name, client):
    try:
        answer = getattr(client, name)()
    except KeyError:
        return
    assert "detail" in answer
