"""The pictures the Starter checkpoint learns from."""

from dataclasses import replace

import numpy as np
import pytest

from models.starter.draw import draw_scene
from models.starter.objects import DRAWINGS
from models.starter.scene import COLOURS, KINDS, LOOKS, PLACES, SIDES, TIMES, WEATHERS, Scene, Thing

SIZE = 96
PLAIN = Scene("meadow", "day", "clear", "flat", (Thing("balloon", "red", "big", "middle"),))


def changed(first: Scene, second: Scene) -> np.ndarray:
    """Where two scenes of the same seed differ clearly, (SIZE, SIZE)."""
    pictures = [draw_scene(scene, 5, SIZE).astype(int) for scene in (first, second)]
    return (np.abs(pictures[0] - pictures[1]) > 16).any(-1)


@pytest.mark.parametrize("look", LOOKS)
def test_a_scene_and_a_seed_always_give_the_same_pixels(look: str) -> None:
    scene = replace(PLAIN, look=look, weather="snow")
    assert np.array_equal(draw_scene(scene, 3, SIZE), draw_scene(scene, 3, SIZE))
    assert not np.array_equal(draw_scene(scene, 3, SIZE), draw_scene(scene, 4, SIZE))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_thing_stands_on_its_side(kind: str) -> None:
    empty = replace(PLAIN, things=())
    for side, middle in zip(SIDES, (0.22, 0.5, 0.78), strict=True):
        columns = changed(empty, replace(PLAIN, things=(Thing(kind, "purple", "small", side),))).nonzero()[1]
        assert len(columns) > 40
        assert abs(columns.mean() / SIZE - middle) < 0.09


def test_every_kind_has_a_drawing() -> None:
    assert set(DRAWINGS) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_big_thing_covers_more_than_twice_a_small_one(kind: str) -> None:
    empty = replace(PLAIN, things=())
    areas = [
        changed(empty, replace(PLAIN, things=(Thing(kind, "purple", size, "middle"),))).sum()
        for size in ("small", "big")
    ]
    assert areas[1] > 2 * areas[0]


def test_every_colour_is_nearest_to_itself_on_the_picture() -> None:
    for colour in COLOURS:
        scene = replace(PLAIN, things=(Thing("star", colour, "big", "middle"),))
        window = draw_scene(scene, 5, SIZE)[changed(replace(PLAIN, things=()), scene)]
        distances = {name: np.median(np.abs(window - np.array(rgb)).sum(1)) for name, rgb in COLOURS.items()}
        assert min(distances, key=lambda name: distances[name]) == colour


def test_places_times_weathers_and_looks_all_change_the_picture() -> None:
    scenes = [replace(PLAIN, place=word) for word in PLACES]
    scenes += [replace(PLAIN, time=word) for word in TIMES[:1] + TIMES[2:]]
    scenes += [replace(PLAIN, weather=word) for word in WEATHERS[1:]]
    scenes += [replace(PLAIN, look=word) for word in LOOKS[1:]]
    pictures = {draw_scene(scene, 5, SIZE).tobytes() for scene in scenes}
    assert len(pictures) == len(scenes)


def test_pixel_art_is_made_of_square_pixels() -> None:
    picture = draw_scene(replace(PLAIN, look="pixel art"), 1, 256)
    blocks = picture.reshape(64, 4, 64, 4, 3)
    assert (blocks == blocks[:, :1, :, :1]).all()
