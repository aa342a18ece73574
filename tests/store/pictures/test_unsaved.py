"""Pictures that are only to be shown, and which of them go."""

import os
import time

import pytest
from PIL import Image

from webui.store.pictures.unsaved import STALE_S, UnsavedPictures
from webui.store.reading import open_picture, read_infotext

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


def test_pictures_of_jobs_that_are_shown_stay_however_many_they_are(unsaved):
    for age, job in enumerate(JOBS):
        write(unsaved, job, age_s=age)
    unsaved.trim(keep=set(JOBS[1:]), most_bytes=0)
    assert [unsaved.path(job, 0).exists() for job in JOBS] == [False, True, True, True]


def test_at_the_start_only_old_pictures_go(unsaved):
    for job, age_s in zip(JOBS, (STALE_S + 600, STALE_S - 600), strict=False):
        write(unsaved, job)
        since = time.time() - age_s
        os.utime(unsaved.path(job, 0).parent, (since, since))
    unsaved.remove_older()
    assert [unsaved.path(job, 0).exists() for job in JOBS[:2]] == [False, True]


def test_a_link_among_the_folders_is_not_followed(unsaved, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "0.png").write_bytes(bytes(1000))
    unsaved.folder.mkdir()
    (unsaved.folder / JOBS[0]).symlink_to(outside)
    unsaved.trim(most_bytes=0)
    unsaved.remove_older(-1)
    assert (outside / "0.png").exists()


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
