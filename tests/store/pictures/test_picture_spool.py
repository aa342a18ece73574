"""Pictures that wait in a file for their grid."""

import errno
import os

import pytest
from PIL import Image

from webui.core.errors import StorageError
from webui.store.pictures.picture_spool import PictureSpool


def noise(mode: str, size: tuple[int, int], seed: int) -> Image.Image:
    return Image.effect_noise(size, 40 + seed).convert(mode)


def test_pictures_come_back_as_they_were_in_any_order(tmp_path):
    given = [noise("RGB", (7, 3), 1), noise("RGBA", (5, 9), 2), noise("L", (1, 1), 3)]
    with PictureSpool(tmp_path / "new") as spool:
        for picture in given:
            spool.add(picture)
        back = [spool.get(number) for number in (2, 0, 1)]
        assert spool.pixels == 7 * 3 + 5 * 9 + 1
    for picture, expected in zip(back, (given[2], given[0], given[1]), strict=True):
        assert (picture.mode, picture.size, picture.tobytes()) == (
            expected.mode,
            expected.size,
            expected.tobytes(),
        )


def test_no_file_is_left_and_none_is_made_before_it_is_needed(tmp_path):
    with PictureSpool(tmp_path) as spool:
        assert len(spool) == 0
        spool.add(noise("RGB", (4, 4), 1))
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_a_sentence(tmp_path):
    spool = PictureSpool(tmp_path)
    spool.add(noise("RGB", (4, 4), 1))

    class Full:
        def seek(self, *place: int) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    spool._file = Full()
    with pytest.raises(StorageError, match="the disk is full"):
        spool.add(noise("RGB", (4, 4), 2))
    assert len(spool) == 1
