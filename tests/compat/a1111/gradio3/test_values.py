"""Values as lenient as Gradio 3's."""

from types import SimpleNamespace

import pytest
from gradio.utils import NamedString
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from webui.compat.a1111.gradio3.making import Made
from webui.compat.a1111.gradio3.values import (
    GalleryItem,
    as_files,
    choose,
    clamp,
    read_file,
    write_html,
    write_pictures,
)

NUMBERS = st.floats(-1e6, 1e6) | st.integers(-1000, 1000)


@given(NUMBERS, NUMBERS, NUMBERS)
def test_a_number_is_moved_into_its_bounds_and_no_further(value, one, other):
    low, high = sorted((one, other))
    moved = clamp(SimpleNamespace(minimum=low, maximum=high), value)
    assert low <= moved <= high
    assert moved == value or moved in (low, high)
    assert clamp(SimpleNamespace(minimum=None, maximum=None), value) == value


def test_text_is_a_number_where_it_can_be():
    bounds = SimpleNamespace(minimum=0, maximum=9)
    assert clamp(bounds, "4") == 4
    assert clamp(bounds, "many") is None


@given(st.lists(st.text(max_size=3), unique=True, max_size=4), st.text(max_size=3))
def test_a_stale_choice_is_passed_on_and_its_index_is_none(choices, value):
    pairs = [(each, each) for each in choices]
    assert choose(SimpleNamespace(type="value", choices=pairs), value) == value
    index = choose(SimpleNamespace(type="index", choices=pairs), value)
    assert index == (choices.index(value) if value in choices else None)
    several = choose(SimpleNamespace(type="index", choices=pairs), [*choices, value])
    assert several == [*range(len(choices)), *([index] if index is not None else [])]


def test_a_picture_of_a_gallery_is_a_pair_and_a_dictionary():
    item = GalleryItem(("/folder/a.png", "caption"))
    path, caption = item
    assert (path, caption) == ("/folder/a.png", "caption")
    assert item["name"] == item[0] == path
    assert item["is_file"]
    assert "name" in item and "other" not in item
    assert item.get("orig_name") == "a.png"
    assert item.get("other", 3) == 3
    with pytest.raises(KeyError):
        item["other"]


def test_a_saved_picture_is_shown_from_its_file(tmp_path):
    file = tmp_path / "a.png"
    picture = Image.new("RGB", (4, 4))
    picture.save(file)
    assert as_files(picture) is picture
    picture.already_saved_as = f"{file}?123"
    assert as_files([picture, (picture, "caption")]) == [str(file), (str(file), "caption")]
    picture.already_saved_as = str(tmp_path / "gone.png")
    assert as_files(picture) is picture
    assert as_files({"name": str(file), "is_file": True, "data": None}) == str(file)


def test_an_empty_text_is_a_gallery_of_nothing():
    gallery = SimpleNamespace(_gradio3_made=Made(by_host=False))
    written = write_pictures(lambda _, value: value)
    assert written(gallery, "") is None
    assert written(gallery, "picture.png") == "picture.png"
    assert written(SimpleNamespace(_gradio3_made=Made(by_host=True)), "") == ""


def test_a_file_that_was_put_in_is_its_path_and_says_what_it_was_called():
    """A field of an extension's; files of the program's own fields stay what Gradio makes of them."""
    read = read_file(lambda component, value: value)
    one, several = NamedString("/folder/a.csv"), [NamedString("/folder/b.txt"), b"bytes"]
    theirs, own = (SimpleNamespace(_gradio3_made=Made(by_host=each)) for each in (False, True))
    given = read(theirs, one)
    assert (given, given.name, given.orig_name) == ("/folder/a.csv", "/folder/a.csv", "a.csv")
    first, second = read(theirs, several)
    assert (first.orig_name, second) == ("b.txt", b"bytes")
    assert read(theirs, None) is None
    assert read(own, several) is several


def test_several_texts_for_html_stand_one_after_another():
    """An event with one output may give a list: Gradio 3's page turned it into text itself."""
    write = write_html(lambda component, value: value)
    theirs, own = (SimpleNamespace(_gradio3_made=Made(by_host=each)) for each in (False, True))
    assert write(theirs, ["<b>a</b>", None, 3]) == "<b>a</b>,,3"
    assert (write(theirs, 4), write(theirs, None)) == ("4", None)
    assert write(own, [1]) == [1]
