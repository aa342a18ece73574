import json

import pytest

from webui.core.errors import UnusableFile
from webui.store.sidecars import (
    CardText,
    card_text_of,
    find_preview,
    read_card,
    sidecars_of,
    write_card,
    written_path,
)

A1111 = {
    "description": "a cat",
    "sd version": "SD1",
    "activation text": "catword",
    "preferred weight": 0.7,
    "negative text": "dog",
    "notes": "n",
    "extra of another program": [1],
}
SDNEXT = {
    "id": 12,
    "name": "Cat",
    "modelVersions": [{"id": 34, "baseModel": "SD 1.5", "trainedWords": ["meow", "purr"]}],
}
HELPER = {"id": 56, "modelId": 78, "baseModel": "SDXL 1.0", "trainedWords": ["woof, "], "files": []}


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "cat v1.5.safetensors"
    path.write_bytes(b"x")
    return path


def put(model, end, content):
    path = model.with_name("cat v1.5" + end)
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_card_of_a1111_is_read(model):
    put(model, ".json", A1111)
    assert read_card(model) == CardText("a cat", "SD1", "catword", 0.7, "dog", "", "n")


def test_an_edit_keeps_what_another_program_wrote(model):
    path = put(model, ".json", A1111)
    write_card(model, {"activation_text": "new", "favourite": True})
    assert json.loads(path.read_text()) == A1111 | {"activation text": "new", "favourite": True}
    assert read_card(model).favourite


def test_a_new_card_has_the_keys_of_a1111(model):
    write_card(model, {"preferred_weight": 0.8, "sd_version": "SDXL", "vae": "v.pt"})
    assert json.loads(model.with_suffix(".json").read_text()) == {
        "preferred weight": 0.8,
        "sd version": "SDXL",
        "vae": "v.pt",
    }


def test_the_file_of_sdnext_is_read_and_never_written(model):
    path = put(model, ".json", SDNEXT)
    before = path.read_bytes()
    card = read_card(model)
    assert (card.model_id, card.version_id, card.trained_words) == (12, 34, ("meow", "purr"))
    assert written_path(model).name == "cat v1.5.card.json"
    write_card(model, {"notes": "mine"})
    assert path.read_bytes() == before
    assert read_card(model).notes == "mine"


def test_the_file_of_civitai_helper_is_read_and_never_written(model):
    path = put(model, ".civitai.info", HELPER)
    before = path.read_bytes()
    card = read_card(model)
    assert (card.model_id, card.version_id, card.base_model) == (78, 56, "SDXL 1.0")
    assert card.activation_text == "woof"
    write_card(model, {"activation_text": "mine"})
    assert path.read_bytes() == before
    assert read_card(model).activation_text == "mine"


def test_a_text_file_is_the_description_of_a_card_without_one(model):
    put(model, ".txt", "from the text")
    assert read_card(model).description == "from the text"
    put(model, ".json", A1111)
    assert read_card(model).description == "a cat"


@pytest.mark.parametrize("text", ["{", "[1]", "nul", "[" * 100_000])
def test_a_damaged_card_counts_as_empty_and_is_not_overwritten(model, text):
    path = put(model, ".json", text)
    assert read_card(model) == CardText()
    with pytest.raises(UnusableFile, match="left alone"):
        write_card(model, {"notes": "mine"})
    assert path.read_text() == text


def test_values_of_the_wrong_type_are_left_out(model):
    put(model, ".json", {"description": 3, "preferred weight": "0.5", "notes": None, "favourite": "yes"})
    assert read_card(model) == CardText(preferred_weight=0.5)


def test_a_card_goes_through_the_cache_unchanged(model):
    put(model, ".civitai.info", HELPER)
    put(model, ".json", {"defaults": {"steps": 9, "width": 640}})
    put(model, ".defaults.json", {"examples": ["a fox", "a hill"]})
    card = read_card(model)
    assert (card.defaults.height, card.examples) == (640, ("a fox", "a hill"))
    assert card_text_of(json.loads(json.dumps(card.as_row()))) == card


def test_previews_are_looked_for_in_the_order_of_a1111(model):
    for end in (".preview.jpg", ".jpg", ".preview.png", ".png"):
        picture = put(model, end, "")
        assert find_preview(model) == picture


def test_a_model_that_is_a_picture_is_not_its_own_preview(tmp_path):
    embedding = tmp_path / "cat.png"
    embedding.write_bytes(b"x")
    assert find_preview(embedding) is None
    (tmp_path / "cat.preview.png").write_bytes(b"y")
    assert find_preview(embedding) == tmp_path / "cat.preview.png"


def test_sidecars_of_a_longer_name_belong_to_another_model(model):
    own = put(model, ".json", {})
    put(model, ".v2.json", {})
    put(model, " b.json", {})
    assert sidecars_of(model) == [own]
