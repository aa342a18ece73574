"""Uploads of the page go a day after they were used last, and nothing else does."""

import os
import time

import pytest

from webui.store.database import IN_MEMORY, Database
from webui.store.pictures.history import History
from webui.store.pictures.served_pictures import ServedPictures
from webui.ui.doors.page_files import PageFiles
from webui.ui.doors.upload_sweep import KEPT_S, UploadSweeping

LONG_AGO = time.time() - KEPT_S - 3600


@pytest.fixture
def uploads(tmp_path):
    folder = tmp_path / "data" / "page-uploads"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def files(uploads):
    return PageFiles(ServedPictures(History(Database(IN_MEMORY))), uploads)


def upload(folder, name, *, is_old=True):
    path = folder / f"{name}-hash" / f"{name}.png"
    path.parent.mkdir()
    path.write_bytes(b"picture")
    if is_old:
        os.utime(path, (LONG_AGO, LONG_AGO))
    return path


def test_what_nobody_used_for_a_day_goes_with_its_folder(files, uploads, tmp_path):
    old, new, used, public = (upload(uploads, name) for name in ("old", "new", "used", "public"))
    os.utime(new)
    files.note("ann", [str(old), str(used)])
    files.publish([str(public)])
    changed = used.stat().st_mtime_ns
    assert files.may_use("ann", str(used)) == used
    # Browsers know by this what they have of it.
    assert used.stat().st_mtime_ns == changed
    assert UploadSweeping(files, tmp_path / "data").sweep() == 1
    assert sorted(path.name for path in uploads.iterdir()) == ["new-hash", "public-hash", "used-hash"]
    assert files.known_paths() == {str(used)}
    assert files.may_use("ann", str(old)) is None
    assert files.may_use("bob", str(public)) == public


def test_in_a_folder_that_others_use_only_what_this_server_took_goes(files, uploads, tmp_path):
    ours, theirs = upload(uploads, "ours"), upload(uploads, "theirs")
    files.note("ann", [str(ours)])
    assert UploadSweeping(files, tmp_path / "elsewhere").sweep() == 1
    assert not ours.exists() and theirs.exists()


def test_links_are_not_followed_and_a_folder_that_is_missing_is_no_error(files, uploads, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    kept = upload(outside, "kept")
    (uploads / "link").symlink_to(outside)
    (uploads / "file.png").symlink_to(kept)
    sweeping = UploadSweeping(files, tmp_path / "data")
    assert sweeping.sweep() == 0
    assert kept.exists() and (uploads / "file.png").is_symlink()
    for path in uploads.iterdir():
        path.unlink()
    uploads.rmdir()
    assert sweeping.sweep() == 0


def test_it_sweeps_at_the_start_and_again(files, uploads, tmp_path):
    upload(uploads, "first")
    sweeping = UploadSweeping(files, tmp_path / "data", pause_s=0.01)
    sweeping.start()
    try:
        wait_until(lambda: not list(uploads.iterdir()))
        upload(uploads, "second")
        wait_until(lambda: not list(uploads.iterdir()))
    finally:
        sweeping.close()


def wait_until(holds):
    until = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.01)
