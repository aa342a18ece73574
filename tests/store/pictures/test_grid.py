import pytest
from PIL import Image

from webui.store.pictures.grid import grid_rows, image_grid


@pytest.mark.parametrize(
    ("count", "n_rows", "batch_size", "expected"),
    [
        (1, -1, 1, 1),
        (4, -1, 1, 2),
        (6, -1, 1, 2),
        (7, -1, 1, 3),
        (6, 0, 3, 3),
        (6, 4, 3, 4),
        (2, 5, 1, 2),
        (2, 0, 8, 2),
    ],
)
def test_rows_are_chosen_as_in_A1111(count, n_rows, batch_size, expected):
    assert grid_rows(count, n_rows, batch_size) == expected


def test_pictures_stand_row_by_row_on_white():
    colours = ["red", "lime", "blue"]
    sheet = image_grid([Image.new("RGB", (4, 2), colour) for colour in colours], 2)
    assert sheet.size == (8, 4)
    corners = [sheet.getpixel(place) for place in ((0, 0), (7, 1), (3, 3), (4, 2))]
    assert corners == [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)]


def test_a_smaller_picture_stands_in_the_middle_of_its_cell():
    sheet = image_grid([Image.new("RGB", (6, 6), "red"), Image.new("RGB", (2, 4), "blue")], 1)
    assert sheet.size == (12, 6)
    assert sheet.crop((6, 0, 12, 6)).getcolors() == [(28, (255, 255, 255)), (8, (0, 0, 255))]
    assert sheet.getpixel((8, 1)) == sheet.getpixel((9, 4)) == (0, 0, 255)
