"""Captions of a job are written now and then, and undone as one change."""

import itertools

import pytest
from PIL import Image

from webui.core.errors import InvalidRequest, StorageError
from webui.core.events import Captioned
from webui.core.work.caption_request import CaptionOptions, CaptionRequest
from webui.models.captioning.description import Description
from webui.training.captioning import WRITE_EACH_S, CaptionWriter, PictureToDescribe, captioned, pictures_of
from webui.training.data import edit_history
from webui.training.data.desk import Desk

FILES = ("a.png", "b.png", "c.png", "d.png")


@pytest.fixture
def desk(tmp_path):
    desk = Desk(tmp_path / "datasets", None)
    desk.create("cats")
    for name in FILES:
        Image.new("RGB", (64, 64)).save(desk.find("cats") / name)
    (desk.find("cats") / "b.txt").write_text("old", encoding="utf-8")
    return desk


def captions(desk):
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(desk.find("cats").glob("*.txt"))}


def said(file):
    return Captioned(index=0, file=file, caption=f"new {file[0]}")


def test_what_was_written_at_several_times_is_undone_at_once(desk):
    times = itertools.count(0, WRITE_EACH_S)
    writer = CaptionWriter(desk, "cats", lambda: float(next(times)))
    for file in FILES:
        writer.take(said(file))
    # Most are on disk before the end: a killed server loses only the last.
    assert len(captions(desk)) >= 3
    writer.write()
    assert captions(desk) == {name[0]: f"new {name[0]}" for name in FILES}
    assert sorted(desk.undo("cats").restored) == ["a.txt", "b.txt", "c.txt", "d.txt"]
    assert captions(desk) == {"b": "old"}
    with pytest.raises(InvalidRequest, match="nothing to undo"):
        desk.undo("cats")


def test_a_change_of_somebody_else_between_is_undone_by_itself(desk):
    desk.write_captions("cats", {"a.png": "one"}, "job")
    desk.write_captions("cats", {"c.png": "mine"})
    desk.write_captions("cats", {"d.png": "two"}, "job")
    assert desk.undo("cats").restored == ["d.txt"]
    assert desk.undo("cats").restored == ["c.txt"]
    assert desk.undo("cats").restored == ["a.txt"]


def test_a_full_disk_takes_back_only_what_was_not_written_whole(desk, monkeypatch):
    desk.write_captions("cats", {"a.png": "one", "b.png": "two"}, "job")
    write = edit_history.write_atomically

    def fill_up(path, data):
        if path.name == "d.txt":
            raise StorageError("The disk is full.")
        write(path, data)

    monkeypatch.setattr(edit_history, "write_atomically", fill_up)
    with pytest.raises(StorageError):
        desk.write_captions("cats", {"c.png": "three", "d.png": "four"}, "job")
    assert captions(desk) == {"a": "one", "b": "two"}
    assert sorted(desk.undo("cats").restored) == ["a.txt", "b.txt"]
    assert captions(desk) == {"b": "old"}


def test_a_picture_that_is_gone_meanwhile_is_passed_over(desk):
    writer = CaptionWriter(desk, "cats", lambda: 0.0)
    writer.take(said("a.png"))
    writer.take(said("c.png"))
    (desk.find("cats") / "a.png").unlink()
    writer.write()
    assert captions(desk) == {"b": "old", "c": "new c"}


def test_only_pictures_without_a_caption_are_described_where_that_is_wanted(desk):
    request = CaptionRequest(captioner="x", dataset="cats")
    pictures, kept = pictures_of(request, desk)
    assert ([each.file for each in pictures], kept) == (["a.png", "c.png", "d.png"], 1)
    pictures, kept = pictures_of(request.model_copy(update={"mode": "write"}), desk)
    assert ([each.caption for each in pictures], kept) == (["", "old", "", ""], 0)


@pytest.mark.parametrize(
    ("mode", "own", "prefix", "found", "whole"),
    [
        ("write", "old", "", "new", "new"),
        ("append", "old", "", "new", "old, new"),
        ("append", "", "zwx", "new", "zwx, new"),
        ("append", "old", "", "", "old"),
        ("missing", "", " zwx ", "new", "zwx, new"),
        ("write", "old", "zwx", "", "zwx"),
    ],
)
def test_a_caption_is_made_as_the_mode_says(mode, own, prefix, found, whole):
    request = CaptionRequest(captioner="x", dataset="y", mode=mode, options=CaptionOptions(prefix=prefix))
    picture = PictureToDescribe(lambda: Image.new("RGB", (1, 1)), "a.png", own)
    assert captioned(0, picture, request, Description(found)).caption == whole


def test_a_request_wants_pictures_or_a_data_set_and_not_both():
    for fields in ({}, {"images": ("0" * 64,), "dataset": "cats"}):
        with pytest.raises(InvalidRequest, match="one of the two"):
            CaptionRequest(captioner="x", **fields)
