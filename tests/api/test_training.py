"""/v1/training and A1111's routes that make and train embeddings and hypernetworks."""

import time
from pathlib import Path

import pytest
import torch
from fastapi.testclient import TestClient
from PIL import Image

from tests.training.runs import draw_pictures
from webui.api.app import build_api
from webui.core.flags import read_flags
from webui.main import build_services, running
from webui.models.files.embedding_files import read_embedding

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def services(golden_models, tmp_path_factory):
    """With folders of its own: what is trained here is in nobody's lists."""
    home = tmp_path_factory.mktemp("training")
    arguments = ["--precision", "full", "--use-cpu", "all", "--data-dir", str(home)]
    return build_services(read_flags([*arguments, "--ckpt-dir", str(golden_models)])[0], ROOT)


@pytest.fixture(scope="module")
def data(services):
    return draw_pictures(Path(services.paths.root) / "outputs" / "training-things")


@pytest.fixture(scope="module")
def api(services):
    app = build_api(services, lifespan=lambda _: running(services))
    with TestClient(app, base_url="http://127.0.0.1") as client:
        client.post("/sdapi/v1/options", json={"sd_model_checkpoint": "tiny-sd15"}).raise_for_status()
        yield client


def wait_until(api, name, state, seconds=120):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = api.get(f"/v1/training/{name}").json()
        if found["state"] == state:
            return found
        time.sleep(0.1)
    raise AssertionError(found)


RUN = {
    "method": "lora", "checkpoint": "tiny-sd15", "data": "outputs/training-things", "resolution": 64,
    "rank": 2, "batch_size": 1, "steps": 200, "sample_every": 0, "save_every": 2, "state_every": 50,
}  # fmt: skip


def test_a_run_is_checked_started_paused_resumed_used_and_deleted(api, data, services):
    run = RUN | {"name": "routes"}
    checked = api.post("/v1/training/check", json=run).json()
    assert (checked["pictures"], checked["steps"]) == (3, 200)
    assert "rate" in checked["chosen"]
    assert "steps" not in checked["chosen"]
    assert api.post("/v1/training", json=run).status_code == 202
    assert api.post("/v1/training", json=run).status_code == 409
    # A picture does not wait for the end of the run.
    picture = {"prompt": "a cat", "steps": 1, "width": 64, "height": 64}
    assert api.post("/sdapi/v1/txt2img", json=picture).status_code == 200
    assert api.get("/v1/training/routes").json()["state"] == "running"
    while api.get("/v1/training/routes").json()["step"] < 3:
        time.sleep(0.05)
    api.post("/v1/training/routes/pause").raise_for_status()
    paused = wait_until(api, "routes", "paused")
    assert 3 <= paused["step"] < 200
    assert paused["checkpoints"][0]["step"] == 2
    used = api.post("/v1/training/routes/use", json={"step": 2}).json()
    assert used["prompt"] == "<lora:routes:1>"
    assert services.catalog.find("lora", "routes").path.is_file()
    again = api.post("/v1/training/routes/use", json={"step": 2}).json()
    assert again == used
    assert api.post("/v1/training/routes/sample", json={"prompt": "a dog", "seed": 3, "checkpoint": 2}).json()
    until = time.monotonic() + 60
    while not (samples := api.get("/v1/training/routes").json()["samples"]) and time.monotonic() < until:
        time.sleep(0.1)
    assert samples[-1]["text"] == "a dog"
    shown = api.get(f"/{samples[-1]['url']}")
    assert shown.headers["content-type"] == "image/webp"
    api.post("/v1/training/routes/resume").raise_for_status()
    while api.get("/v1/training/routes").json()["step"] <= paused["step"]:
        time.sleep(0.05)
    api.post("/v1/training/routes/stop").raise_for_status()
    wait_until(api, "routes", "stopped")
    assert api.delete("/v1/training/routes").status_code == 204
    assert api.get("/v1/training/routes").status_code == 404


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "../x"}, "cannot be that of a file"),
        ({"data": "/etc"}, "data folder"),
        ({"data": "outputs/nothing-there"}, "not there"),
        ({"checkpoint": "no-such"}, "No checkpoint"),
        ({"start_from": "/etc/passwd"}, "data folder"),
        ({"regularisation": "/etc"}, "data folder"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_a_sentence(api, data, change, words):
    refused = api.post("/v1/training", json=RUN | {"name": "refused"} | change)
    assert 400 <= refused.status_code < 500
    assert words in refused.json()["detail"]


def test_every_method_names_its_fields(api):
    found = api.get("/v1/training/methods").json()
    fields = {each["name"]: each["fields"] for each in found["methods"]}
    assert "rank" in fields["lora"]
    assert "vectors" in fields["textual_inversion"]
    assert "rank" not in fields["textual_inversion"]
    assert [name for name, each in fields.items() if "sample_embedding" in each] == ["textual_inversion"]
    assert [name for name, each in fields.items() if "class_prompt" in each] == ["dreambooth"]
    assert set(fields["lora"]) <= set(found["schema"]["properties"])


@pytest.mark.parametrize(
    ("kind", "create", "train"),
    [
        ("embedding", {"num_vectors_per_token": 2, "init_text": "a cat"}, {"embedding_name": "made-word"}),
        (
            "hypernetwork",
            {"layer_structure": "1, 2, 2, 1", "activation_func": "relu", "use_dropout": True},
            {"hypernetwork_name": "made-word"},
        ),
    ],
)
def test_a1111s_calls_make_and_train_a_file(api, data, services, kind, create, train):
    made = api.post(f"/sdapi/v1/create/{kind}", json={"name": "made-word"} | create)
    assert made.json()["info"].startswith(f"create {kind} filename: ")
    path = Path(made.json()["info"].partition("filename: ")[2])
    before = path.read_bytes()
    refused = api.post(f"/sdapi/v1/create/{kind}", json={"name": "made-word"} | create)
    assert "overwrite" in refused.json()["detail"]
    arguments = {
        "learn_rate": "0.005:1, 1e-3", "steps": 2, "data_root": "outputs/training-things",
        "training_width": 128, "training_height": 64, "latent_sampling_method": "random",
        "template_filename": "subject_filewords.txt", "create_image_every": 2, "preview_from_txt2img": True,
        "preview_prompt": "a cat", "preview_width": 64, "preview_height": 128, "preview_steps": 2,
        "preview_cfg_scale": 3.5, "preview_seed": 7, "save_image_with_stored_embedding": True,
    }  # fmt: skip
    for wrong, words in (
        ({"clip_grad_mode": "norm", "clip_grad_value": "much"}, "clip_grad"),
        ({"clip_grad_mode": "value"}, "clip_grad"),
        ({"template_filename": "../secret.txt"}, "template_filename '../secret.txt'"),
        ({"latent_sampling_method": "twice"}, "latent_sampling_method"),
    ):
        sentence = api.post(f"/sdapi/v1/train/{kind}", json=arguments | train | wrong)
        assert sentence.status_code in {400, 422}
        assert words in str(sentence.json()["detail"])
    trained = api.post(f"/sdapi/v1/train/{kind}", json=arguments | train)
    assert trained.json()["info"] == f"train {kind} complete: filename: {path} error: None"
    assert path.read_bytes() != before
    run = api.get("/v1/training/made-word").json()
    filled = run["filled"]
    assert (filled["resolution"], filled["height"], filled["bucketing"]) == (128, 64, False)
    assert filled["latents"] == "random"
    assert "a picture of [name], [filewords]" in filled["templates"]
    if kind == "hypernetwork":
        assert (filled["layers"], filled["activation"], filled["dropout"]) == ([1, 2, 2, 1], "relu", 0.3)
    folder = Path(services.paths.data) / "training" / "made-word"
    with Image.open(sorted((folder / "samples").glob("*.webp"))[-1]) as sample:
        assert sample.size == (64, 128)
    carriers = sorted((folder / "image_embeddings").glob("*.png"))
    assert [each.stem for each in carriers] == (["made-word-0", "made-word-2"] if kind == "embedding" else [])
    for picture, file in zip(carriers[-1:], (path,), strict=False):
        ours, kept = read_embedding(picture), read_embedding(file)
        assert ours is not None and kept is not None
        for name, vectors in kept.vectors.items():
            torch.testing.assert_close(ours.vectors[name], vectors)
