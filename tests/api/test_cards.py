"""Cards, previews and the trash, over HTTP."""

import base64
import hashlib
import io
import json
import shutil

import pytest
from PIL import Image

from tests.arriving_files import INFOTEXT, embedding, lora, picture


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "models" / "Lora"
    (folder / "sub").mkdir(parents=True)
    return folder


@pytest.fixture
def api(library_api, folder):
    """With a cat for SD1 and, in a folder, a dog for SDXL."""
    (folder / "cat.safetensors").write_bytes(lora(1))
    (folder / "cat.json").write_text(json.dumps({"activation text": "meow", "preferred weight": 0.7, "x": 1}))
    (folder / "cat.png").write_bytes(picture())
    (folder / "sub" / "dog.safetensors").write_bytes(lora(2, "SDXL"))
    library_api.post("/v1/cards/scan").raise_for_status()
    return library_api


def cards(api, query=""):
    return api.get(f"/v1/cards?kind=lora{query}").raise_for_status().json()


def stems(api, query=""):
    return [card["stem"] for card in cards(api, query)["cards"]]


def identity(api, stem):
    return next(card["id"] for card in cards(api)["cards"] if card["stem"] == stem)


def test_a_card_tells_what_is_written_beside_the_model(api):
    cat = cards(api)["cards"][0]
    assert cat["insert"] == "<lora:cat:0.7> meow"
    assert (cat["family"], cat["preferred_weight"], cat["folder"]) == ("SD1", 0.7, "")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["cat", "dog"]),
        ("&q=MEOW", ["cat"]),
        ("&q=sub", ["dog"]),
        ("&q=meow dog", []),
        ("&folder=sub", ["dog"]),
        ("&family=SD1", ["cat"]),
        ("&descending=1", ["dog", "cat"]),
        ("&sort=size", ["cat", "dog"]),
        ("&limit=1", ["cat"]),
        ("&offset=1", ["dog"]),
        ("&favourites=1", []),
    ],
)
def test_cards_are_searched_filtered_sorted_and_paged(api, query, expected):
    assert stems(api, query) == expected


def test_what_is_for_another_family_is_hidden_and_counted(api):
    page = cards(api, "&family=SDXL")
    assert (page["total"], page["hidden"]) == (1, 1)


def test_folders_are_told_with_their_counts(api):
    assert cards(api)["folders"] == [{"path": "sub", "count": 1}]


@pytest.mark.parametrize("query", ["&sort=x", "&limit=5000", "&offset=-1", "&family=x"])
def test_a_question_that_makes_no_sense_is_refused(api, query):
    assert api.get(f"/v1/cards?kind=lora{query}").status_code == 422


def test_an_edit_is_written_beside_the_model_and_keeps_the_rest(api, folder):
    cat = identity(api, "cat")
    version = cards(api)["version"]
    edited = api.patch(f"/v1/cards/{cat}", json={"notes": "mine", "favourite": True}).json()
    assert (edited["notes"], edited["favourite"], edited["writes_to"]) == ("mine", True, "cat.json")
    assert json.loads((folder / "cat.json").read_text())["x"] == 1
    assert stems(api, "&favourites=1") == ["cat"]
    assert cards(api)["version"] != version


@pytest.mark.parametrize("body", [{"preferred_weight": "much"}, {"path": "/x"}, {"notes": "x" * 30_000}])
def test_an_edit_that_makes_no_sense_is_refused(api, body):
    assert api.patch(f"/v1/cards/{identity(api, 'cat')}", json=body).status_code == 422


def test_the_thumbnail_is_small_and_kept_by_browsers(api):
    cat = cards(api)["cards"][0]
    answer = api.get(f"/{cat['thumbnail']}")
    assert answer.headers["content-type"] == "image/webp"
    assert "immutable" in answer.headers["cache-control"]
    with Image.open(io.BytesIO(answer.content)) as image:
        assert image.size == (64, 48)
    assert cards(api)["cards"][1]["thumbnail"] is None


def test_a_picture_of_the_history_becomes_the_preview(api, library_services, folder, tmp_path):
    output = tmp_path / "output.png"
    output.write_bytes(picture(INFOTEXT, (90, 60)))
    dog = identity(api, "dog")
    refused = api.put(f"/v1/cards/{dog}/preview", params={"output": str(output)})
    assert refused.status_code == 404
    library_services.history.add(output, INFOTEXT)
    detail = api.put(f"/v1/cards/{dog}/preview", params={"output": str(output)}).json()
    assert detail["sidecars"] == ["dog.png"]
    assert (folder / "sub" / "dog.png").read_bytes() == output.read_bytes()
    assert api.get(f"/v1/cards/{dog}/preview").content == output.read_bytes()


@pytest.mark.parametrize("output", ["/etc/passwd", "../../etc/passwd", "x\0y"])
def test_no_other_file_becomes_a_preview(api, output):
    answer = api.put(f"/v1/cards/{identity(api, 'dog')}/preview", params={"output": output})
    assert answer.status_code in (400, 404)


def test_a_new_preview_shows_at_once(api, folder):
    before = cards(api)["cards"][0]["thumbnail"]
    file = io.BytesIO()
    Image.new("RGB", (10, 10), "blue").save(file, "JPEG")
    after = api.put(f"/v1/cards/{identity(api, 'cat')}/preview", content=file.getvalue()).json()["thumbnail"]
    assert after != before
    with Image.open(folder / "cat.png") as image:
        assert (image.format, image.size) == ("PNG", (10, 10))


def test_a_preview_that_is_no_picture_is_refused_and_the_old_one_stays(api, folder):
    before = (folder / "cat.png").read_bytes()
    assert api.put(f"/v1/cards/{identity(api, 'cat')}/preview", content=b"<html>").status_code == 422
    assert (folder / "cat.png").read_bytes() == before


def test_a_removed_preview_lies_in_the_trash(api, folder):
    cat = identity(api, "cat")
    assert api.delete(f"/v1/cards/{cat}/preview").json()["thumbnail"] is None
    (trashed,) = api.get("/v1/trash").json()
    assert trashed["label"] == "preview"
    assert api.post(f"/v1/trash/{trashed['id']}/restore").json() is None
    assert (folder / "cat.png").is_file()
    assert cards(api)["cards"][0]["thumbnail"] is not None


def test_a_deleted_model_leaves_the_list_and_comes_back_with_its_card(api, folder):
    cat = cards(api)["cards"][0]
    trashed = api.delete(f"/v1/cards/{cat['id']}").json()
    assert trashed["label"] == "LoRA"
    assert stems(api) == ["dog"]
    assert sorted(path.name for path in folder.iterdir() if path.is_file()) == []
    api.post("/v1/cards/scan")
    assert stems(api) == ["dog"]
    restored = api.post(f"/v1/trash/{trashed['id']}/restore").json()
    assert restored == cat
    assert api.get("/v1/trash").json() == []


def test_two_models_that_share_a_card_do_not_lose_it_together(api, folder):
    (folder / "cat.pt").write_bytes((folder / "cat.safetensors").read_bytes())
    api.post("/v1/cards/scan")
    api.delete(f"/v1/cards/{identity(api, 'cat')}")
    assert (folder / "cat.json").is_file()


def test_the_trash_is_emptied_for_good(api, tmp_path):
    api.delete(f"/v1/cards/{identity(api, 'dog')}")
    assert api.delete("/v1/trash").json()["count"] == 1
    assert list(tmp_path.rglob("dog*")) == []


def test_what_would_break_is_told_before(api, library_services, tmp_path):
    cat = identity(api, "cat")
    assert api.get(f"/v1/cards/{cat}/use").json()["sentence"] == "Nothing here names it."
    library_services.history.add(tmp_path / "a.png", "x <lora:cat:1>\nSteps: 1")
    library_services.history.add(tmp_path / "b.png", "x <lora:catfish:1>\nSteps: 1")
    library_services.paths.styles[0].write_text("name,prompt,negative_prompt\nhouse,<lora:cat:0.5>,\n")
    use = api.get(f"/v1/cards/{cat}/use").json()
    assert (use["pictures"], use["styles"], use["selected"]) == (1, ["house"], False)
    assert use["latest"] == [str(tmp_path / "a.png")]


def test_whether_a_model_fits_the_selected_checkpoint_is_told_in_a_sentence(
    api, library_services, tmp_path, golden_models
):
    cat, dog = identity(api, "cat"), identity(api, "dog")
    assert api.get(f"/v1/cards/{dog}/fit").json() == {"fits": True, "sentence": ""}, "none is selected"
    checkpoints = tmp_path / "models" / "Stable-diffusion"
    checkpoints.mkdir(exist_ok=True)
    shutil.copy(golden_models / "tiny-sd15.safetensors", checkpoints)
    api.post("/v1/cards/scan")
    library_services.settings.change({"sd_model_checkpoint": "tiny-sd15.safetensors"})
    assert api.get(f"/v1/cards/{cat}/fit").json() == {"fits": True, "sentence": ""}
    sentence = "It is for SDXL, but the selected checkpoint, tiny-sd15.safetensors, is SD1."
    assert api.get(f"/v1/cards/{dog}/fit").json() == {"fits": False, "sentence": sentence}


def test_an_embedding_puts_its_name_into_the_prompt_and_has_its_own_preview_name(library_api, tmp_path):
    folder = tmp_path / "embeddings"
    folder.mkdir()
    (folder / "word.safetensors").write_bytes(embedding())
    library_api.post("/v1/cards/scan")
    (card,) = library_api.get("/v1/cards?kind=embedding").json()["cards"]
    assert card["insert"] == "word"
    library_api.put(f"/v1/cards/{card['id']}/preview", content=picture()).raise_for_status()
    assert (folder / "word.preview.png").is_file()


def test_metadata_and_tags_are_read_when_a_card_is_opened(library_api, tmp_path):
    folder = tmp_path / "models" / "Lora"
    folder.mkdir(parents=True)
    tags = json.dumps({"10_a": {"cat": 5, " dog ": 1}, "20_b": {"cat": 2}})
    (folder / "a.safetensors").write_bytes(lora(metadata={"ss_tag_frequency": tags, "ss_steps": "7"}))
    library_api.post("/v1/cards/scan")
    (card,) = library_api.get("/v1/cards?kind=lora").json()["cards"]
    detail = library_api.get(f"/v1/cards/{card['id']}").json()
    assert detail["tags"] == [["cat", 7], ["dog", 1]]
    assert detail["metadata"]["ss_steps"] == "7"


def test_a_click_writes_the_name_and_weight_that_the_settings_say(library_api, library_services, tmp_path):
    folder = tmp_path / "models" / "Lora"
    folder.mkdir(parents=True)
    (folder / "file.safetensors").write_bytes(lora(metadata={"ss_output_name": "trained"}))
    library_api.post("/v1/cards/scan")

    def insert():
        return library_api.get("/v1/cards?kind=lora").json()["cards"][0]["insert"]

    assert insert() == "<lora:trained:1>"
    library_services.settings.change(
        {"lora_preferred_name": "Filename", "extra_networks_default_multiplier": 0.6}
    )
    assert insert() == "<lora:file:0.6>"


def with_cover(library_api, tmp_path, text):
    """The card of a LoRA with a picture in its metadata."""
    folder = tmp_path / "models" / "Lora"
    folder.mkdir(parents=True)
    (folder / "inside.safetensors").write_bytes(lora(metadata={"modelspec.thumbnail": text}))
    library_api.post("/v1/cards/scan")
    (card,) = library_api.get("/v1/cards?kind=lora").json()["cards"]
    return card


def data_uri(data):
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"


def test_a_picture_inside_the_file_is_shown_until_one_lies_beside_it(library_api, tmp_path):
    card = with_cover(library_api, tmp_path, data_uri(picture(size=(30, 20))))
    route = f"/v1/cards/{card['id']}"
    answer = library_api.get(f"/{card['thumbnail']}")
    with Image.open(io.BytesIO(answer.content)) as image:
        assert (image.format, image.size) == ("WEBP", (30, 20))
    whole = library_api.get(f"{route}/preview")
    assert (whole.headers["content-type"], whole.content) == ("image/png", picture(size=(30, 20)))
    refused = library_api.delete(f"{route}/preview")
    assert (refused.status_code, "inside the file" in refused.json()["detail"]) == (400, True)
    assert not library_api.get(route).json()["has_own_preview"]
    beside = library_api.put(f"{route}/preview", content=picture(size=(7, 9))).json()
    assert beside["thumbnail"] != card["thumbnail"]
    assert library_api.get(f"{route}/preview").content == picture(size=(7, 9))
    assert library_api.delete(f"{route}/preview").json()["thumbnail"] == card["thumbnail"]


def test_a_damaged_picture_inside_the_file_leaves_the_card_without_one(library_api, tmp_path):
    card = with_cover(library_api, tmp_path, data_uri(picture()[:40]))
    assert library_api.get(f"/{card['thumbnail']}").status_code == 404
    (after,) = library_api.get("/v1/cards?kind=lora").json()["cards"]
    assert after["thumbnail"] is None


def test_a_hash_is_computed_when_it_is_wanted_and_found_by_then(api, folder):
    cat = identity(api, "cat")
    assert api.get(f"/v1/cards/{cat}").json()["sha256"] is None
    detail = api.post(f"/v1/cards/{cat}/hash").json()
    assert detail["sha256"] == hashlib.sha256((folder / "cat.safetensors").read_bytes()).hexdigest()
    assert len(detail["short_hash"]) == 12
    assert detail["sort"] == "LoRA"
    assert stems(api, f"&q={detail['sha256'][:12]}") == ["cat"]


@pytest.mark.parametrize("path", ["0000000000000000", "..%2f..%2fetc", "x"])
def test_a_card_that_is_not_there_is_not_found(api, path):
    for method, url in (("get", ""), ("get", "/thumbnail"), ("delete", ""), ("get", "/use")):
        assert getattr(api, method)(f"/v1/cards/{path}{url}").status_code == 404
