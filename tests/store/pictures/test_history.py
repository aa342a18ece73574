from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from webui.core.request import MAX_SEED, GenerationRequest
from webui.store.database import IN_MEMORY, Database
from webui.store.pictures.history import GATHERED_AT_ONCE, REQUEST_ITEM, History
from webui.store.texts.encoding import PictureNotes, encode

FOX = "a red fox <lora:Watercolour:1>\nSteps: 20, Seed: 7, Model: dream-v2"
DOG = "ein schöner Hund, 赤い狐\nSteps: 20, Seed: 8, Model: other"


@pytest.fixture
def history():
    database = Database(IN_MEMORY)
    yield History(database)
    database.close()


@pytest.fixture
def filled(history):
    history.add(
        Path("/o/fox.png"), FOX, request=GenerationRequest(prompt="a red fox", seed=7), seed=7, created=10
    )
    history.add(Path("/o/dog.png"), DOG, seed=MAX_SEED, created=20)
    return history


def names(entries):
    return [entry.path.name for entry in entries]


def save(path, infotext):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(Image.new("RGB", (8, 8)), "png", PictureNotes(infotext)))


def test_an_entry_comes_back_whole(filled):
    fox = filled.find(Path("/o/fox.png"))
    assert fox.request == GenerationRequest(prompt="a red fox", seed=7)
    assert (fox.infotext, fox.seed, fox.created) == (FOX, 7, 10)
    dog = filled.find(Path("/o/dog.png"))
    assert (dog.request, dog.seed) == (None, MAX_SEED)
    assert filled.find(Path("/o/none.png")) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["dog.png", "fox.png"]),
        ("fox", ["fox.png"]),
        ("FOX red", ["fox.png"]),
        ("fox dog", []),
        ("water", ["fox.png"]),
        ("colour", []),
        ("dream-v2", ["fox.png"]),
        ("schoner hund", ["dog.png"]),
        ("狐", ["dog.png"]),
        ("赤い hund", ["dog.png"]),
        ("Steps", ["dog.png", "fox.png"]),
        ("<lora:watercolour", ["fox.png"]),
        ('"', []),
        ('fox" OR "hund', []),
        ("NOT", []),
    ],
)
def test_a_search_finds_what_has_all_the_words(filled, text, expected):
    assert names(filled.search(text)) == expected


@given(text=st.text(max_size=30))
def test_no_search_is_an_error(text):
    database = Database(IN_MEMORY)
    history = History(database)
    history.add(Path("/a.png"), f"fox {text}")
    assert len(history.search(text)) <= 1
    assert len(history.search("fox")) == 1
    database.close()


def test_a_long_list_is_read_in_parts(filled):
    assert names(filled.search(limit=1)) == ["dog.png"]
    assert names(filled.search(limit=1, offset=1)) == ["fox.png"]


def test_a_path_is_listed_once_with_what_was_said_last(filled):
    filled.add(Path("/o/fox.png"), DOG, created=30)
    assert filled.count() == 2
    assert names(filled.search("fox")) == []
    assert names(filled.search("hund")) == ["fox.png", "dog.png"]


def test_a_deleted_picture_is_not_found_any_more(filled):
    assert filled.delete(Path("/o/fox.png"))
    assert not filled.delete(Path("/o/fox.png"))
    assert names(filled.search("fox")) == []
    assert filled.count() == 1


def test_a_request_of_another_version_does_not_hide_the_picture():
    database = Database(IN_MEMORY)
    history = History(database)
    history.add(Path("/a.png"), FOX, request=GenerationRequest())
    with database.writing() as connection:
        connection.execute("""UPDATE images SET request = '{"from": "the future"}'""")
    assert history.search()[0].request is None
    database.close()


def test_the_history_comes_back_from_files(history, tmp_path):
    save(tmp_path / "2024" / "00000-7.png", FOX)
    save(tmp_path / "2025" / "00000-8.png", DOG)
    save(tmp_path / "2025" / "bare.png", None)
    (tmp_path / "2025" / "broken.png").write_bytes(b"no picture")
    (tmp_path / "notes.txt").write_text("fox", encoding="utf-8")
    assert not history.is_whole
    assert sum(history.gather([tmp_path, tmp_path, tmp_path / "missing"])) == 2
    assert history.is_whole
    assert names(history.search("fox")) == ["00000-7.png"]
    fox = history.find(tmp_path / "2024" / "00000-7.png")
    assert fox.seed == 7
    assert fox.created == pytest.approx(fox.path.stat().st_mtime)


def test_gathering_leaves_what_is_known_as_it_is(history, tmp_path):
    kept = tmp_path / "kept.png"
    request = GenerationRequest(seed=7)
    save(kept, FOX)
    history.add(kept, FOX, request=request, seed=7, created=5)
    assert sum(history.gather([tmp_path])) == 0
    assert (history.find(kept).request, history.find(kept).created) == (request, 5)


def test_gathering_goes_in_small_steps_and_begins_again_where_it_was_stopped(history, tmp_path):
    for number in range(GATHERED_AT_ONCE + 3):
        save(tmp_path / f"{number:05}.png", FOX)
    assert next(history.gather([tmp_path])) == GATHERED_AT_ONCE
    assert not history.is_whole
    assert list(history.gather([tmp_path])) == [0, 3]
    assert history.is_whole


def test_a_picture_brings_its_whole_request_back(history, tmp_path):
    request = GenerationRequest(prompt="a red fox", seed=7, steps=3)
    notes = PictureNotes(FOX, {REQUEST_ITEM: request.model_dump_json()})
    (tmp_path / "fox.png").write_bytes(encode(Image.new("RGB", (8, 8)), "png", notes))
    assert sum(history.gather([tmp_path])) == 1
    assert history.find(tmp_path / "fox.png").request == request
