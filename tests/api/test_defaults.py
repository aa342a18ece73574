"""/v1/defaults and /v1/first-models."""

import json
import shutil

import pytest

from webui.api.sdapi.bodies import Txt2ImgBody
from webui.core.settings import Settings
from webui.library.fetch.first_models import FIRST_MODELS
from webui.library.fetch.links import HuggingFaceLink, parse_link
from webui.library.fetch.sites import Sites


@pytest.fixture
def checkpoint(library_services, golden_models):
    path = library_services.paths.models / "Stable-diffusion" / "tiny_turbo.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(golden_models / "tiny-sdxl.safetensors", path)
    library_services.catalog.scan()
    return path


def test_the_defaults_of_a_checkpoint_and_where_they_come_from(library_api, checkpoint):
    answer = library_api.get("/v1/defaults", params={"checkpoint": "tiny_turbo"}).json()
    assert (answer["values"]["width"], answer["values"]["steps"], answer["values"]["cfg_scale"]) == (
        1024,
        8,
        2,
    )
    assert set(answer["sources"].values()) == {"family"}
    assert answer["examples"] == []


def test_what_is_kept_counts_from_then_on_and_can_be_forgotten(library_api, checkpoint):
    card = checkpoint.with_suffix(".json")
    card.write_text(json.dumps({"notes": "mine", "another program's": 1}))
    body = {"checkpoint": "tiny_turbo", "values": {"steps": 5, "vae": "good.pt"}}
    kept = library_api.put("/v1/defaults", json=body).json()
    assert (kept["values"]["steps"], kept["values"]["vae"], kept["values"]["cfg_scale"]) == (5, "good.pt", 2)
    assert kept["sources"]["steps"] == "card"
    assert json.loads(card.read_text()) == {
        "notes": "mine",
        "another program's": 1,
        "defaults": {"steps": 5},
        "vae": "good.pt",
    }
    forgotten = library_api.delete("/v1/defaults", params={"checkpoint": "tiny_turbo"}).json()
    assert forgotten["values"]["steps"] == 8


@pytest.mark.parametrize(
    ("values", "status", "words"),
    [
        ({}, 400, "nothing to keep"),
        ({"sampler": "Eulr"}, 400, "Euler"),
        ({"steps": 0}, 422, "steps"),
        ({"width": 513}, 422, "width"),
        ({"prompt": "a"}, 422, "prompt"),
    ],
)
def test_what_cannot_be_kept_is_refused_in_a_sentence(library_api, checkpoint, values, status, words):
    answer = library_api.put("/v1/defaults", json={"checkpoint": "tiny_turbo", "values": values})
    assert answer.status_code == status
    assert words in answer.json()["detail"]
    assert not checkpoint.with_suffix(".json").exists()


def test_a_checkpoint_that_is_not_there_is_refused(library_api, checkpoint):
    answer = library_api.get("/v1/defaults", params={"checkpoint": "nosuch"})
    assert answer.status_code == 404
    assert "nosuch" in answer.json()["detail"]


def test_a_damaged_yaml_beside_a_checkpoint_leaves_its_family(library_api, checkpoint):
    checkpoint.with_suffix(".yaml").write_text(": [")
    answer = library_api.get("/v1/defaults", params={"checkpoint": "tiny_turbo"})
    assert answer.json()["values"]["width"] == 1024


def test_defaults_of_a_checkpoint_change_nothing_for_the_api(library_api, library_services, checkpoint):
    body = {"checkpoint": "tiny_turbo", "values": {"steps": 5, "width": 640, "clip_skip": 2}}
    library_api.put("/v1/defaults", json=body)
    library_services.settings.change({"sd_model_checkpoint": "tiny_turbo.safetensors"})
    assert library_services.settings.current.image == Settings().image
    body = Txt2ImgBody()
    assert (body.width, body.height, body.steps, body.cfg_scale) == (512, 512, 50, 7)


def test_a_first_model_is_offered_until_one_is_here(library_api, library_services, fake, request):
    offered = library_api.get("/v1/first-models").json()
    assert offered["wanted"]
    assert len(offered["models"]) == 4
    request.getfixturevalue("checkpoint")
    assert not library_api.get("/v1/first-models").json()["wanted"]
    assert fake.seen == []


@pytest.mark.parametrize("model", FIRST_MODELS, ids=lambda model: model.name)
def test_the_links_of_first_models_are_files_that_downloads_take(model):
    link = parse_link(model.link, Sites())
    assert isinstance(link, HuggingFaceLink)
    assert model.page == f"https://huggingface.co/{link.repo}"
    assert link.path.endswith(".safetensors")
    assert 10**9 < model.size < 10**10
