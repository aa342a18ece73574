"""How read pixels are held against what was asked."""

import torch

from models.starter.reader import NOTHING, UNKNOWN, Reader, Reading, judge, labels_of, total
from models.starter.scene import Scene, Thing

SCENE = Scene(
    "sea",
    "night",
    "rain",
    "pencil",
    (Thing("cat", "red", "big", "left"), Thing("cup", "blue", "small", "right")),
)
WORDS = {"place": "sea", "time": "night", "weather": "rain", "look": "pencil"}


def test_a_picture_read_as_asked_has_every_mark() -> None:
    reading = Reading(
        WORDS, {"left": ("cat", "red", "big"), "middle": None, "right": ("cup", "blue", "small")}
    )
    assert set(total([judge(SCENE, reading)]).values()) == {100.0}


def test_a_missing_thing_loses_all_its_attributes() -> None:
    marks = judge(SCENE, Reading(WORDS, {"left": ("cat", "red", "big"), "middle": None, "right": None}))
    assert {name: marks[name] for name in ("object", "colour", "size", "side")} == dict.fromkeys(
        ("object", "colour", "size", "side"), (1, 2)
    )
    assert marks["count"] == (0, 1)


def test_a_thing_on_the_wrong_side_keeps_its_other_marks() -> None:
    seen = {"left": None, "middle": ("cat", "green", "big"), "right": ("cup", "blue", "small")}
    marks = judge(SCENE, Reading({**WORDS, "time": "day"}, seen))
    assert (marks["object"], marks["size"], marks["colour"], marks["side"]) == (
        (2, 2),
        (2, 2),
        (1, 2),
        (1, 2),
    )
    assert marks["time"] == (0, 1)


def test_labels_name_an_empty_side() -> None:
    assert labels_of(SCENE)[4:] == [4, 0, 1, NOTHING, UNKNOWN, UNKNOWN, 13, 4, 0]


def test_the_reader_scores_every_word_of_every_side() -> None:
    scene, slots = Reader()(torch.zeros(2, 3, 128, 128))
    assert [part.shape for part in scene] == [(2, 6), (2, 4), (2, 5), (2, 4)]
    assert [part.shape for part in slots] == [(2, 3, 17), (2, 3, 10), (2, 3, 2)]
