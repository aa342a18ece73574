"""Pictures that are only to be shown, and which of them go."""

import os

import pytest
from PIL import Image

from webui.store.reading import open_picture, read_infotext
from webui.store.unsaved import UnsavedPictures

JOBS = [f"{number:032x}" for number in range(4)]


@pytest.fixture
def unsaved(tmp_path):
    return UnsavedPictures(tmp_path / "unsaved")


def write(unsaved: UnsavedPictures, job: str, age_s: float = 0) -> None:
    path = unsaved.write(job, 0, "", Image.effect_noise((64, 64), 50).convert("RGB"), "a fox")
    os.utime(path.parent, (1e9 - age_s, 1e9 - age_s))


def test_a_picture_and_its_infotext_come_back(unsaved):
    given = Image.effect_noise((16, 8), 50).convert("RGBA")
    path = unsaved.write(JOBS[0], 3, "-mask", given, "a fox")
    assert path == unsaved.path(JOBS[0], 3, "-mask")
    assert open_picture(path).tobytes() == given.tobytes()
    assert read_infotext(path).infotext == "a fox"


def test_the_oldest_jobs_go_where_there_is_too_much(unsaved):
    for age, job in enumerate(JOBS):
        write(unsaved, job, age_s=age)
    size = unsaved.path(JOBS[0], 0).stat().st_size
    unsaved.trim(keep=JOBS[3], most_bytes=size * 5 // 2)
    # The oldest is the one to keep.
    assert [unsaved.path(job, 0).exists() for job in JOBS] == [True, False, False, True]


def test_what_is_not_ours_stays(unsaved):
    write(unsaved, JOBS[0])
    own = unsaved.folder / "my own" / "0.png"
    own.parent.mkdir()
    own.write_bytes(bytes(10_000))
    unsaved.trim(most_bytes=0)
    assert own.exists()
    assert not unsaved.path(JOBS[0], 0).exists()


def test_there_is_nothing_to_trim_before_the_first_picture(unsaved):
    unsaved.trim()
    assert not unsaved.folder.exists()
