"""PyPI's `webuiapi`, the client that most scripts use, runs its whole surface against a real server."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import uvicorn
import webuiapi
from PIL import Image

from webui.api.app import build_api
from webui.core.flags import read_flags
from webui.main import build_services, running

ROOT = Path(__file__).resolve().parents[2]
# What A1111 1.10 answers with 404 too, each of an extension that is not installed or of earlier versions.
ABSENT = ("get_artists", "get_artist_categories", "controlnet_version", "controlnet_model_list")


def small():
    """A small picture. The client writes into its own default of the scripts, and keeps that for ever."""
    return {
        "prompt": "a cat", "steps": 1, "width": 64, "height": 64, "seed": 7, "alwayson_scripts": {},
    }  # fmt: skip


@pytest.fixture(scope="module")
def client(tmp_path_factory) -> Iterator[webuiapi.WebUIApi]:
    """A client of a server with the bundled checkpoint."""
    flags = read_flags(["--data-dir", str(tmp_path_factory.mktemp("home")), "--nowebui"])[0]
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
    assert not (client.has_controlnet or client.has_adetailer or client.has_animatediff)


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
    client.has_adetailer = client.has_controlnet = client.has_animatediff = True
    try:
        assert client.txt2img(**small()).image.size == (64, 64)
    finally:
        client.has_adetailer = client.has_controlnet = client.has_animatediff = False


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


def ask_controlnet(client, picture):
    client.txt2img(**small(), controlnet_units=[webuiapi.ControlNetUnit(image=picture)])


def ask_adetailer(client, picture):
    client.txt2img(**small(), adetailer=[webuiapi.ADetailer(ad_model="face_yolov8n.pt")])


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


REFUSED = {
    # Without its models A1111 would ask the internet for them; here the refusal says what to fetch.
    ask_interrogate: 404,
    # A1111 without these extensions says 422 too.
    ask_controlnet: 422, ask_adetailer: 422, ask_animatediff: 422, ask_reactor: 422, ask_roop: 422,
    ask_sag: 422, ask_script: 422, ask_sampler: 400,
}  # fmt: skip


@pytest.mark.parametrize("ask", REFUSED, ids=lambda ask: ask.__name__)
def test_what_a1111_refuses_is_refused_with_a_sentence(ask, client, picture):
    with pytest.raises(RuntimeError) as refusal:
        ask(client, picture)
    status, text = refusal.value.args
    assert status == REFUSED[ask]
    assert "detail" in text


@pytest.mark.parametrize("name", ABSENT)
def test_what_is_gone_in_a1111_is_not_there(name, client):
    try:
        answer = getattr(client, name)()
    except KeyError:
        return
    assert "detail" in answer
