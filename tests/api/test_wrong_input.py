"""Wrong files and wrong requests: a sentence each, the loaded model stays, the next picture works."""

import json
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from safetensors.numpy import save_file

SMALL = {"prompt": "a cat", "steps": 2, "width": 64, "height": 64, "sampler_name": "Euler", "seed": 1}


class Code:
    """Unpickling this would make a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def write_zero(path: Path, sound: Path) -> None:
    path.write_bytes(b"")


def write_truncated(path: Path, sound: Path) -> None:
    path.write_bytes(sound.read_bytes()[:-100_000])


def write_cut_header(path: Path, sound: Path) -> None:
    path.write_bytes(sound.read_bytes()[:1000])


def write_html(path: Path, sound: Path) -> None:
    path.write_text("<!DOCTYPE html><html><body>Please log in</body></html>")


def write_lora(path: Path, sound: Path) -> None:
    name = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q"
    up, down = np.zeros((320, 4), np.float16), np.zeros((4, 320), np.float16)
    save_file({f"{name}.lora_up.weight": up, f"{name}.lora_down.weight": down}, path)


def write_huge_claim(path: Path, sound: Path) -> None:
    path.write_bytes(struct.pack("<Q", 2**62) + b"{}")


def write_bad_offsets(path: Path, sound: Path) -> None:
    header = json.dumps({"a": {"dtype": "F16", "shape": [2, 2], "data_offsets": [0, 2**40]}}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header)


WRONG_FILES = [
    ("zero.safetensors", write_zero),
    ("truncated.safetensors", write_truncated),
    ("cut.safetensors", write_cut_header),
    ("page.safetensors", write_html),
    ("lora.safetensors", write_lora),
    ("huge.safetensors", write_huge_claim),
    ("offsets.safetensors", write_bad_offsets),
]


@pytest.fixture
def folder(exact_services) -> Path:
    """A folder of checkpoints of this server."""
    folder = exact_services.paths.models / "Stable-diffusion"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def make(api: TestClient, **changes: object):
    return api.post("/sdapi/v1/txt2img", json=SMALL | changes)


def is_a_sentence(answer) -> bool:
    detail = answer.json()["detail"]
    return 400 <= answer.status_code < 500 and 10 < len(detail) < 400 and "\n" not in detail


def picture(api: TestClient) -> str:
    answer = make(api)
    assert answer.status_code == 200, answer.text
    return answer.json()["images"][0]


def use_sound_model(api: TestClient) -> None:
    api.post("/sdapi/v1/options", json={"sd_model_checkpoint": "tiny-sd15"}).raise_for_status()


@pytest.mark.parametrize(("name", "write"), WRONG_FILES, ids=[name for name, _ in WRONG_FILES])
def test_a_wrong_checkpoint_is_refused_and_the_loaded_one_goes_on(
    name, write, folder, golden_models, exact_api
):
    use_sound_model(exact_api)
    before = picture(exact_api)
    path = folder / name
    try:
        write(path, golden_models / "tiny-b.safetensors")
        exact_api.post("/sdapi/v1/refresh-checkpoints").raise_for_status()
        answer = make(exact_api, override_settings={"sd_model_checkpoint": name})
        assert is_a_sentence(answer), answer.text
        assert name.split(".")[0] in answer.json()["detail"]
        assert picture(exact_api) == before
    finally:
        path.unlink()
        exact_api.post("/sdapi/v1/refresh-checkpoints")


def test_a_pickle_with_code_in_it_is_refused_and_runs_nothing(folder, tmp_path, exact_api):
    use_sound_model(exact_api)
    path, trace = folder / "trap.ckpt", tmp_path / "ran"
    try:
        path.write_bytes(pickle.dumps({"state_dict": Code(trace)}))
        exact_api.post("/sdapi/v1/refresh-checkpoints").raise_for_status()
        answer = make(exact_api, override_settings={"sd_model_checkpoint": "trap.ckpt"})
        assert is_a_sentence(answer), answer.text
        assert not trace.exists()
        picture(exact_api)
    finally:
        path.unlink()
        exact_api.post("/sdapi/v1/refresh-checkpoints")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"width": 7}, ["7", "width"]),
        ({"sampler_name": "Eulerr"}, ["Eulerr", "Euler"]),
        ({"scheduler": "Karass"}, ["Karass", "Karras"]),
        ({"steps": 0}, ["steps"]),
        ({"steps": "many"}, ["steps"]),
        ({"cfg_scale": -1}, ["cfg scale"]),
        ({"batch_size": 0}, ["batch size"]),
        ({"override_settings": {"sd_model_checkpoint": "nothing-like-this"}}, ["nothing-like-this"]),
        ({"override_settings": {"randn_source": "TPU"}}, ["TPU"]),
        ({"width": 10**9}, ["width"]),
    ],
)
def test_a_wrong_request_is_refused_in_a_sentence(changes, words, exact_api):
    use_sound_model(exact_api)
    answer = make(exact_api, **changes)
    assert is_a_sentence(answer), answer.text
    assert all(word in answer.json()["detail"] for word in words), answer.text
    picture(exact_api)


@pytest.mark.parametrize("prompt", ["(" * 10_000, "[" * 10_000, "[(" * 5_000 + "])" * 5_000, "[a:" * 3_333])
def test_ten_thousand_brackets_are_a_picture_or_a_sentence(prompt, exact_api):
    use_sound_model(exact_api)
    answer = make(exact_api, prompt=prompt)
    assert answer.status_code == 200 or is_a_sentence(answer), answer.text
    picture(exact_api)


def test_options_that_do_not_exist_are_refused(exact_api):
    answer = exact_api.post("/sdapi/v1/options", json={"randn_sauce": "GPU"})
    assert is_a_sentence(answer)
    assert "randn_source" in answer.json()["detail"]


def test_a_picture_that_is_none_is_refused(exact_api):
    for image in ("!!!", "aGVsbG8="):
        assert is_a_sentence(exact_api.post("/sdapi/v1/png-info", json={"image": image}))
