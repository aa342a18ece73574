import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from webui.core.errors import NotFound
from webui.store.database import IN_MEMORY, Database
from webui.store.pictures.history import History
from webui.store.pictures.served_pictures import ANY_FILE, ServedPictures, media_type_of, open_served
from webui.store.texts.encoding import encode

FORMATS = {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp", "avif": "image/avif"}


@pytest.fixture
def history():
    database = Database(IN_MEMORY)
    yield History(database)
    database.close()


@pytest.fixture
def pictures(history):
    return ServedPictures(history)


def write(path):
    path.write_bytes(encode(Image.new("RGB", (8, 8)), "png"))
    return path


def test_a_written_picture_is_served_and_its_neighbours_are_not(pictures, tmp_path):
    own, other = write(tmp_path / "own.png"), write(tmp_path / "other.png")
    pictures.add(own)
    assert pictures.may_serve(str(own)) == own
    assert pictures.may_serve(str(other)) is None
    assert pictures.may_serve(str(tmp_path)) is None
    with pytest.raises(NotFound):
        pictures.find(other)


def test_pictures_of_the_history_are_served_after_a_restart(history, tmp_path):
    kept = write(tmp_path / "kept.png")
    history.add(kept, "a fox")
    assert ServedPictures(history).may_serve(str(kept)) == kept


def test_other_spellings_of_a_path_name_nothing(pictures, history, tmp_path, monkeypatch):
    own = write(tmp_path / "own.png")
    pictures.add(own)
    history.add(own, "a fox")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "inner").mkdir()
    spellings = (
        "own.png",
        f"{tmp_path}/inner/../own.png",
        f"file://{own}",
        f"{own}\0",
        f"{own}/",
        "",
        ".",
        "\ud800",
    )
    assert [pictures.may_serve(spelling) for spelling in spellings] == [None] * len(spellings)


@pytest.mark.parametrize("kind", ["link", "fifo", "folder", "gone"])
def test_what_took_the_place_of_a_picture_is_not_served(pictures, tmp_path, kind):
    path, secret = tmp_path / "own.png", write(tmp_path / "secret.png")
    pictures.add(path)
    if kind == "link":
        path.symlink_to(secret)
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    assert pictures.may_serve(path) is None
    with pytest.raises(NotFound):
        open_served(path)


def test_a_device_and_a_fifo_hold_nobody(tmp_path):
    os.mkfifo(tmp_path / "fifo")

    def try_to_open():
        for path in (tmp_path / "fifo", "/dev/zero", "/dev/tty"):
            with pytest.raises(NotFound):
                open_served(path)

    thread = threading.Thread(target=try_to_open, daemon=True)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_picture_is_what_its_bytes_say(tmp_path, suffix):
    path = tmp_path / "picture.html"
    path.write_bytes(encode(Image.new("RGB", (8, 8)), suffix))
    served = open_served(path)
    with served.file as file:
        assert served.media_type == FORMATS[suffix]
        assert served.is_picture
        assert file.read() == path.read_bytes()
        assert served.size == path.stat().st_size


@pytest.mark.parametrize(
    "text", ["<html><script>", "<svg xmlns='http://www.w3.org/2000/svg'/>", "", "PK\3\4"]
)
def test_what_is_no_picture_is_only_for_download_whatever_it_is_called(tmp_path, text):
    path = tmp_path / "picture.png"
    path.write_text(text)
    served = open_served(path)
    served.file.close()
    assert (served.media_type, served.is_picture) == (ANY_FILE, False)


@given(st.binary(max_size=64))
def test_any_bytes_have_a_type_that_runs_no_script(head):
    assert media_type_of(head) == ANY_FILE or media_type_of(head).startswith("image/")
    assert "svg" not in media_type_of(head)
