"""Networks through the API: A1111's lists, and what is told of networks in prompts."""

import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.golden_cases import FAMILIES, GOLDENS

BODY = {"prompt": "a cat", "steps": 2, "width": 64, "height": 64, "seed": 1, "sampler_name": "Euler"}


@pytest.fixture
def sd15(exact_api: TestClient) -> TestClient:
    exact_api.post("/sdapi/v1/options", json={"sd_model_checkpoint": FAMILIES["sd15"]}).raise_for_status()
    return exact_api


def golden(name: str):
    return json.loads((GOLDENS / "api" / f"{name}.json").read_text("utf-8"))


def test_loras_are_listed_as_a1111_lists_them(sd15):
    expected = {entry["name"]: entry for entry in golden("loras")}
    listed = {entry["name"]: entry for entry in sd15.get("/sdapi/v1/loras").json()}
    assert expected.keys() <= listed.keys()
    for name, entry in expected.items():
        assert Path(listed[name].pop("path")).name == Path(entry.pop("path")).name
        assert listed[name] == entry


def test_embeddings_are_listed_as_a1111_lists_them(sd15):
    listed = sd15.get("/sdapi/v1/embeddings").json()
    assert listed["loaded"] == golden("embeddings")["loaded"]
    assert listed["skipped"]["ti-xl"]["shape"] == 160


def test_which_embeddings_fit_depends_on_the_checkpoint(exact_api):
    exact_api.post("/sdapi/v1/options", json={"sd_model_checkpoint": FAMILIES["sdxl"]}).raise_for_status()
    assert list(exact_api.get("/sdapi/v1/embeddings").json()["loaded"]) == ["ti-xl"]


def test_hypernetworks_are_listed(sd15):
    listed = sd15.get("/sdapi/v1/hypernetworks").json()
    assert [entry["name"] for entry in listed] == ["hn-a", "hn-b"]
    assert all(Path(entry["path"]).is_file() for entry in listed)


@pytest.mark.parametrize("name", ["refresh-loras", "refresh-embeddings"])
def test_lists_can_be_refreshed(sd15, name):
    assert sd15.post(f"/sdapi/v1/{name}").status_code == 200


def made(api: TestClient, **changes: object) -> dict:
    answer = api.post("/sdapi/v1/txt2img", json=BODY | changes)
    assert answer.status_code == 200, answer.text
    return answer.json() | {"info": json.loads(answer.json()["info"])}


def test_a_lora_for_another_kind_of_checkpoint_is_told_with_its_kind(sd15):
    messages = made(sd15, prompt="a cat <lora:lora-xl:1>")["info"]["messages"]
    assert any("'lora-xl'" in text and "SDXL" in text for text in messages)


@pytest.mark.parametrize("kind", ["lora", "hypernet"])
def test_a_network_that_is_not_there_is_told_and_changes_nothing(sd15, kind):
    plain, answer = made(sd15), made(sd15, prompt=f"a cat<{kind}:missing:1>")
    assert any("'missing'" in text for text in answer["info"]["messages"])
    assert answer["images"][0] != ""
    assert picture(answer) == picture(plain)


def test_a_network_in_the_negative_prompt_is_told(sd15):
    messages = made(sd15, negative_prompt="<lora:lora-a:1>")["info"]["messages"]
    assert any("negative prompt" in text for text in messages)


def test_the_alias_finds_a_lora_and_is_what_the_hash_stands_under(sd15):
    by_alias, by_name = (made(sd15, prompt=f"a cat <lora:{name}:1>") for name in ("my-alias", "lora-file"))
    assert picture(by_alias) == picture(by_name)
    assert 'Lora hashes: "my-alias: ' in by_alias["info"]["infotexts"][0]
    assert 'Lora hashes: "lora-file: ' in by_name["info"]["infotexts"][0]


def test_extra_networks_can_be_switched_off_for_a_request(sd15):
    plain = made(sd15, prompt="a cat ")
    off = made(sd15, prompt="a cat <lora:lora-a:1><hypernet:hn-a:1>", disable_extra_networks=True)
    assert picture(off) == picture(plain)


def test_the_second_pass_has_loras_of_its_own(sd15):
    second = {"enable_hr": True, "hr_scale": 2, "hr_upscaler": "Latent", "denoising_strength": 0.7}
    prompt = "a cat <lora:lora-a:0.5>"
    same = made(sd15, prompt=prompt, **second)
    other = made(sd15, prompt=prompt, hr_prompt="a cat <lora:lora-unet:1>", n_iter=2, **second)
    again = made(sd15, prompt=prompt, n_iter=2, hr_prompt="a cat <lora:lora-unet:1>", **second)
    assert 'Lora hashes: "lora-a: 5a92c5cb64c6"' in same["info"]["infotexts"][0]
    assert "lora-a: 5a92c5cb64c6, lora-unet: 3ee975b66765" in other["info"]["infotexts"][0]
    assert picture(other) != picture(same)
    assert [pixels_of(each) for each in again["images"]] == [pixels_of(each) for each in other["images"]]


def test_an_embedding_inside_a_lora_is_used_and_told_by_the_loras_name(sd15):
    with_it = made(sd15, prompt="a bundledti <lora:lora-bundle:1>")
    without = made(sd15, prompt="a bundledti")
    assert 'TI hashes: "bundledti: lora-bundle"' in with_it["info"]["infotexts"][0]
    assert "TI hashes" not in without["info"]["infotexts"][0]
    assert picture(with_it) != picture(without)


def test_embeddings_are_told_once_for_each_text_they_were_read_in(sd15):
    text = made(sd15, prompt="ti-pt AND ti-st", negative_prompt="ti-pt")["info"]["infotexts"][0]
    assert 'TI hashes: "ti-st: 12f36081c650, ti-pt: 2975bfa6ab4c, ti-pt: 2975bfa6ab4c"' in text


def picture(answer: dict) -> bytes:
    return pixels_of(answer["images"][0])


def pixels_of(image: str) -> bytes:
    from tests.golden_cases import decoded

    return decoded(image).tobytes()


def test_a_tiny_vae_that_is_not_there_is_told_and_the_full_one_used(sd15):
    plain, answer = made(sd15), made(sd15, override_settings={"sd_vae_decode_method": "TAESD"})
    assert picture(answer) == picture(plain)
    assert any("TAESD" in text for text in answer["info"]["messages"])
    assert answer["info"]["infotexts"][0].split(", Version")[0].endswith("VAE Decoder: TAESD")
