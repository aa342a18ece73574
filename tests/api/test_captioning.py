"""Captions over HTTP: /v1/captioning, data sets, and A1111's interrogate, with tiny networks of the tests."""

import base64
import io
import shutil
import time

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from tests.captioners import SIDE, TAGS, make_blip, make_tagger
from tests.fake_sites import FakeSites
from webui.api.app import build_api
from webui.core.flags import read_flags
from webui.core.work.extras_request import make_extras_request
from webui.jobs.job import Delivery
from webui.main import build_services, running

SCORES = (0.99, 0.7, 0.9, 0.8, 0.6, 0.95, 0.2)


def weights_of(scores=SCORES):
    """A tagger that finds the same in every picture that is white in its first corner."""
    weights = np.zeros((SIDE * SIDE * 3, len(TAGS)), np.float32)
    for column, score in enumerate(scores):
        weights[0, column] = np.log(score / (1 - score))
    return weights


def png(colour="white", size=(12, 9)):
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


PICTURE = base64.b64encode(png()).decode()


@pytest.fixture(scope="module")
def fake():
    with FakeSites() as sites:
        yield sites


@pytest.fixture(scope="module")
def services(tmp_path_factory, fake):
    home = tmp_path_factory.mktemp("home")
    return build_services(read_flags(["--data-dir", str(home), "--use-cpu", "all"])[0], home, fake.sites)


@pytest.fixture(scope="module")
def api(services):
    app = build_api(services, lifespan=lambda _: running(services))
    with TestClient(app, base_url="http://127.0.0.1") as client:
        yield client


@pytest.fixture
def models(services):
    """The folder of models; what tests put there goes with them."""
    yield services.paths.models
    for root in ("BLIP", "Captioners", "WD", "torch_deepdanbooru"):
        shutil.rmtree(services.paths.models / root, ignore_errors=True)


@pytest.fixture
def tagger(models):
    return make_tagger(models / "WD" / "wd-tiny", weights_of())


def interrogate(api, model="deepdanbooru", image=PICTURE):
    return api.post("/sdapi/v1/interrogate", json={"image": image, "model": model})


def add_picture(api, data=None):
    return api.post("/v1/inputs", content=data or png()).json()["reference"]


def test_without_a_captioner_the_refusal_says_what_to_fetch(api, models):
    for model, repo in (("clip", "Florence-2-base"), ("deepdanbooru", "wd-vit-tagger-v3")):
        answer = interrogate(api, model)
        assert answer.status_code == 404
        assert repo in answer.json()["detail"]
        assert "POST /v1/captioning/fetch" in answer.json()["detail"]


def test_a1111s_refusals(api, tagger):
    assert interrogate(api, image="").status_code == 404
    assert interrogate(api, image="").json()["detail"].startswith("Image not found")
    assert api.post("/sdapi/v1/interrogate", json={"image": None}).status_code == 404
    assert interrogate(api, "gpt").status_code == 404
    assert interrogate(api, "gpt").json()["detail"].startswith("Model not found")
    assert interrogate(api, image="not base64!").status_code == 400
    assert interrogate(api, image=base64.b64encode(b"no picture").decode()).status_code == 422


@pytest.mark.parametrize("model", ["deepdanbooru", "deepbooru"])
def test_tags_are_written_as_a1111s_options_say(api, tagger, model):
    assert interrogate(api, model).json() == {
        "caption": r"1girl, ^_^, hat \(red\), long hair, miku \(append\)"
    }
    changes = {
        "deepbooru_sort_alpha": False,
        "deepbooru_use_spaces": False,
        "deepbooru_escape": False,
        "interrogate_return_ranks": True,
        "interrogate_deepbooru_score_threshold": 0.65,
        "deepbooru_filter_tags": "long hair, sky",
    }
    before = api.get("/sdapi/v1/options").json()
    api.post("/sdapi/v1/options", json=changes).raise_for_status()
    try:
        caption = interrogate(api, model).json()["caption"]
        assert caption == "(miku_(append):0.950), (^_^:0.800), (1girl:0.700)"
    finally:
        api.post("/sdapi/v1/options", json={key: before[key] for key in changes}).raise_for_status()


def test_results_of_extras_get_a_caption_beside_them_that_replaces_none(api, services, tagger, tmp_path):
    reference = add_picture(api, png(size=(24, 16)))
    (tmp_path / "fox-2.txt").write_text("by hand", encoding="utf-8")
    request = make_extras_request(
        images=[{"image": reference, "name": name} for name in ("fox.png", "fox-2.png")],
        output_folder=str(tmp_path),
        flipped_copies=("Horizontal",),
        captions={"captioners": [tagger.name], "options": {"prefix": "photo"}},
        keep_names=True,
    )
    finished = services.submit(request, Delivery(tab="extras")).wait(60)
    assert finished is not None
    assert finished.outcome == "done", finished
    pictures = sorted(tmp_path.glob("*.png"))
    assert len(pictures) == 4
    texts = {path.stem: path.read_text(encoding="utf-8").strip() for path in tmp_path.glob("*.txt")}
    assert texts.pop("fox-2") == "by hand"
    assert set(texts) == {path.stem for path in pictures} - {"fox-2"}
    said = api.post("/v1/captioning", json={"image": reference, "captioner": tagger.name}).json()["caption"]
    assert "long hair" in said
    assert set(texts.values()) == {f"photo, {said}"}


def test_a_sentence_comes_from_blip_with_the_lengths_of_the_settings(api, models):
    make_blip(models / "BLIP" / "blip-tiny", seed=4)
    short = {"interrogate_clip_min_length": 3, "interrogate_clip_max_length": 6}
    api.post("/sdapi/v1/options", json=short).raise_for_status()
    first = interrogate(api, "clip")
    assert first.status_code == 200, first.text
    assert 1 <= len(first.json()["caption"].split()) <= 6
    longer = {"interrogate_clip_min_length": 10, "interrogate_clip_max_length": 20}
    api.post("/sdapi/v1/options", json=longer).raise_for_status()
    assert len(interrogate(api, "clip").json()["caption"].split()) > 6


def test_the_list_tells_what_is_here_and_what_could_be_fetched(api, fake, tagger, models):
    (models / "BLIP").mkdir()
    (models / "BLIP" / "model_base_caption_capfilt_large.pth").write_bytes(b"\x80\x02.")
    before = len(fake.seen)
    told = api.get("/v1/captioning").json()
    by_name = {each["name"]: each for each in told["captioners"]}
    own = by_name["wd-tiny"]
    assert (own["id"], own["present"], own["is_tagger"], own["reason"]) == ("WD/wd-tiny", True, True, None)
    assert own["size"] > 1000
    old = by_name["BLIP"]
    assert "A1111's own layout" in old["reason"]
    offers = [each for each in told["captioners"] if each["fetch"]]
    assert {each["sort"] for each in offers} == {"BLIP", "Florence-2", "WD tagger"}
    assert all(not each["present"] and each["licence"] and each["size"] > 1e8 for each in offers)
    assert all(each["fetch"]["page"].startswith("https://huggingface.co/") for each in offers)
    assert told["interrogators"] == {"clip": None, "deepbooru": "WD/wd-tiny"}
    assert told["can_tag"] is True
    assert "general_threshold" in told["options"]["properties"]
    # Nobody was asked.
    assert len(fake.seen) == before


def test_one_picture_is_described_with_options_of_its_own(api, tagger):
    body = {"image": add_picture(api), "captioner": "wd-tiny", "options": {"general_threshold": 0.85}}
    answer = api.post("/v1/captioning", json=body).json()
    assert answer["caption"] == "miku (append), long hair"
    assert answer["captioner"] == "WD/wd-tiny"
    assert [(tag["tag"], tag["category"]) for tag in answer["tags"]] == [
        ("miku_(append)", "character"),
        ("long_hair", "general"),
    ]


@pytest.mark.parametrize(
    ("change", "status", "sentence"),
    [
        ({"captioner": "nobody"}, 404, "No captioner is named 'nobody'. Those here: 'wd-tiny'."),
        ({"captioner": "../../etc"}, 404, "No captioner is named"),
        ({"image": "0" * 64}, 404, "no longer on the server"),
        ({"image": "../x"}, 404, "no reference to a picture"),
        ({"options": {"general_threshold": 2}}, 422, "general_threshold"),
        ({"options": {"min_length": 90, "max_length": 20}}, 400, "above the most"),
    ],
)
def test_wrong_questions_are_refused_at_once(api, tagger, change, status, sentence):
    body = {"image": add_picture(api), "captioner": "wd-tiny"} | change
    answer = api.post("/v1/captioning", json=body)
    assert answer.status_code == status
    assert sentence in answer.json()["detail"]


def test_a_captioner_that_cannot_be_used_says_why(api, models, tagger):
    (tagger / "selected_tags.csv").write_bytes("name,category\ncaf\u00e9,0\n".encode("latin-1"))
    answer = interrogate(api)
    assert answer.status_code == 422
    assert "not in UTF-8" in answer.json()["detail"]


def until_done(api, job):
    end = time.monotonic() + 120
    while time.monotonic() < end:
        status = api.get(f"/v1/captioning/jobs/{job}").json()
        if status["state"] not in ("queued", "running"):
            return status
        time.sleep(0.02)
    raise TimeoutError(status)


@pytest.fixture
def dataset(api, services):
    """A data set of three pictures; the second has a caption, the last is damaged once it is in."""
    api.post("/v1/datasets", json={"name": "cats"}).raise_for_status()
    folder = services.datasets.find("cats")
    for name in ("one", "two", "three"):
        (folder / f"{name}.png").write_bytes(png(size=(64, 64)))
    (folder / "two.txt").write_text("a cat", encoding="utf-8")
    yield folder
    api.delete("/v1/datasets/cats").raise_for_status()


def captions(folder):
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.txt"))}


def caption_cats(api, **body):
    answer = api.post("/v1/datasets/cats/caption", json={"captioner": "wd-tiny"} | body)
    assert answer.status_code == 202, answer.text
    return until_done(api, answer.json()["job"])


SAID = "miku (append), long hair, ^_^, 1girl, hat (red)"


def test_a_data_set_is_captioned_where_captions_are_missing_and_undone_at_once(api, tagger, dataset):
    status = caption_cats(api)
    assert (status["state"], status["error"], status["done"]) == ("done", None, 2)
    assert status["captions"] == {"one.png": SAID, "three.png": SAID}
    assert captions(dataset) == {"one": SAID, "three": SAID, "two": "a cat"}
    undone = api.post("/v1/datasets/cats/undo").json()
    assert sorted(undone["restored"]) == ["one.txt", "three.txt"]
    assert captions(dataset) == {"two": "a cat"}


@pytest.mark.parametrize(
    ("mode", "two"), [("write", f"mytrigger, {SAID}"), ("append", f"a cat, mytrigger, {SAID}")]
)
def test_captions_that_are_there_are_replaced_or_added_to(api, tagger, dataset, mode, two):
    caption_cats(api, mode=mode, files=["two.png"], options={"prefix": "mytrigger"})
    assert captions(dataset) == {"two": two}
    api.post("/v1/datasets/cats/undo").raise_for_status()
    assert captions(dataset) == {"two": "a cat"}


def test_a_damaged_file_is_named_and_the_others_are_captioned(api, tagger, dataset):
    (dataset / "one.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    status = caption_cats(api, mode="write", files=["one.png", "two.png", "three.png"])
    assert status["state"] == "done"
    assert any("one.png is left out" in text for text in status["messages"])
    assert captions(dataset) == {"two": SAID, "three": SAID}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("nobody", {}, 404),
        ("cats", {"captioner": "nobody"}, 404),
        ("cats", {"files": ["four.png"]}, 404),
        ("cats", {"files": ["../two.txt"]}, 404),
        ("cats", {"mode": "scribble"}, 422),
    ],
)
def test_wrong_wishes_for_a_data_set_are_refused_at_once(api, tagger, dataset, path, body, status):
    answer = api.post(f"/v1/datasets/{path}/caption", json={"captioner": "wd-tiny"} | body)
    assert answer.status_code == status
    assert answer.json()["detail"].endswith(".")


def test_settings_are_drawn_from_a_schema_and_kept(api):
    told = api.get("/v1/captioning/settings").json()
    assert told["schema"]["properties"]["interrogate_clip_num_beams"]["maximum"] == 16
    assert told["settings"]["interrogate_clip_num_beams"] == 1
    changed = api.put("/v1/captioning/settings", json={"interrogate_clip_num_beams": 3}).json()
    assert changed["settings"]["interrogate_clip_num_beams"] == 3
    assert api.get("/sdapi/v1/options").json()["interrogate_clip_num_beams"] == 3
    api.put("/v1/captioning/settings", json={"interrogate_clip_num_beams": 1}).raise_for_status()
    assert api.put("/v1/captioning/settings", json={"interrogate_clip_num_beams": 99}).status_code == 400
    assert api.put("/v1/captioning/settings", json={"sd_vae": "x"}).status_code == 400


REPO = "SmilingWolf/wd-vit-tagger-v3"


@pytest.fixture
def repo(fake, models, tmp_path):
    folder = make_tagger(tmp_path / "made", weights_of())
    fake.repos[REPO] = {each.name: each.read_bytes() for each in folder.iterdir()}
    fake.repos[REPO] |= {"README.md": b"hello", "run.py": b"import os", "model.msgpack": b"x"}
    yield fake.repos[REPO]
    del fake.repos[REPO]


def until_fetched(api, downloads):
    end = time.monotonic() + 30
    while time.monotonic() < end:
        told = [api.get(f"/v1/downloads/{each['id']}").json() for each in downloads]
        if all(each["state"] in ("done", "failed") for each in told):
            return told
        time.sleep(0.02)
    raise TimeoutError(told)


def test_a_published_captioner_is_fetched_file_by_file_and_answers(api, models, repo):
    begun = api.post("/v1/captioning/fetch", json={"repo": REPO})
    assert begun.status_code == 202, begun.text
    told = until_fetched(api, begun.json()["downloads"])
    assert [each["state"] for each in told] == ["done", "done"], told
    folder = models / "WD" / "wd-vit-tagger-v3"
    assert sorted(path.name for path in folder.iterdir()) == ["model.onnx", "selected_tags.csv"]
    (own,) = [each for each in api.get("/v1/captioning").json()["captioners"] if each["present"]]
    assert (own["name"], own["licence"], own["reason"]) == ("wd-vit-tagger-v3", "Apache-2.0", None)
    assert interrogate(api).status_code == 200
    # What is here is not fetched again.
    assert api.post("/v1/captioning/fetch", json={"repo": REPO}).json() == {"downloads": []}


def test_what_cannot_be_fetched_is_said(api, fake, models):
    assert api.post("/v1/captioning/fetch", json={"repo": "evil/repo"}).status_code == 404
    answer = api.post("/v1/captioning/fetch", json={"repo": "SmilingWolf/wd-swinv2-tagger-v3"})
    assert answer.status_code == 502
    assert answer.json()["detail"].endswith(".")


def test_a_download_cannot_name_a_captioner_for_itself(api, fake, models, repo):
    """Only what the list of published ones names goes past the reader of models."""
    link = f"https://huggingface.co/{REPO}/resolve/main/run.py"
    begun = api.post("/v1/downloads", json={"link": link, "part_of": REPO}).json()
    (told,) = until_fetched(api, [begun])
    assert told["state"] == "failed"
    assert not (models / "WD").exists()
