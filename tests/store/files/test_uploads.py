import errno
import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from webui.core.errors import Busy, InvalidRequest, NotFound, StorageError
from webui.store.files import staging
from webui.store.files.uploads import KEPT_S, Uploads, WrongOffset

ROOT = Path(__file__).parents[3]


@pytest.fixture
def uploads(tmp_path):
    return Uploads(tmp_path / ".incoming")


def everything_in(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_file_in_pieces_is_the_file(uploads):
    data = bytes(range(256)) * 100
    upload = uploads.create("cat.safetensors", len(data))
    for start in range(0, len(data), 7000):
        upload = uploads.write(upload.id, start, data[start : start + 7000])
    staged, sha256 = uploads.finished(upload.id)
    assert staged.content.name == "cat.safetensors"
    assert staged.content.read_bytes() == data
    assert sha256 == hashlib.sha256(data).hexdigest()


def test_a_piece_that_does_not_fit_tells_where_to_go_on(uploads):
    upload = uploads.create("cat.pt", 10)
    uploads.write(upload.id, 0, b"abc")
    with pytest.raises(WrongOffset) as caught:
        uploads.write(upload.id, 0, b"abc")
    assert caught.value.offset == 3


def test_more_than_was_said_is_refused(uploads):
    upload = uploads.create("cat.pt", 3)
    with pytest.raises(InvalidRequest, match="more came"):
        uploads.write(upload.id, 0, b"abcd")
    assert uploads.find(upload.id).offset == 0


def test_a_file_that_is_not_whole_cannot_be_finished(uploads):
    upload = uploads.create("cat.pt", 3)
    uploads.write(upload.id, 0, b"ab")
    with pytest.raises(InvalidRequest, match="not whole: 1 bytes"):
        uploads.finished(upload.id)


def test_only_one_caller_gets_a_finished_file(uploads):
    upload = uploads.create("cat.pt", 1)
    uploads.write(upload.id, 0, b"a")
    uploads.finished(upload.id)
    with pytest.raises(Busy):
        uploads.finished(upload.id)


def test_a_file_that_changed_on_its_way_is_refused_and_gone(uploads, tmp_path):
    upload = uploads.create("cat.pt", 1, hashlib.sha256(b"b").hexdigest())
    uploads.write(upload.id, 0, b"a")
    with pytest.raises(InvalidRequest, match="SHA-256"):
        uploads.finished(upload.id)
    assert everything_in(tmp_path) == []


def test_a_cancelled_upload_leaves_nothing(uploads, tmp_path):
    upload = uploads.create("cat.pt", 3)
    uploads.write(upload.id, 0, b"ab")
    uploads.cancel(upload.id)
    assert everything_in(tmp_path) == []
    with pytest.raises(NotFound):
        uploads.find(upload.id)


@pytest.mark.parametrize("identity", ["0" * 16, "../..", "", "x"])
def test_an_unknown_id_is_not_found(uploads, identity):
    with pytest.raises(NotFound):
        uploads.find(identity)


@pytest.mark.parametrize(("name", "size"), [("", 3), ("cat.pt", 0), ("cat.pt", -1), ("cat.pt", 2**50)])
def test_what_can_be_no_file_is_refused_at_once(uploads, name, size):
    with pytest.raises(InvalidRequest):
        uploads.create(name, size)


def test_the_disk_must_have_room_for_all_that_was_begun(uploads, monkeypatch):
    monkeypatch.setattr(staging, "free_bytes", lambda _: staging.RESERVE_BYTES + 1000)
    uploads.create("first.pt", 600)
    with pytest.raises(StorageError, match="Free some space"):
        uploads.create("second.pt", 600)


def test_an_unfinished_upload_of_the_same_file_is_gone_on_with(uploads):
    first = uploads.create("a/ba?d.pt", 10, mark="monday")
    uploads.write(first.id, 0, b"abc")
    assert uploads.create("a/ba?d.pt", 10, mark="monday").offset == 3
    # What is another file, or may be one, gets a place of its own.
    others = [
        uploads.create("a/ba?d.pt", 10, mark="tuesday"),
        uploads.create("a/ba?d.pt", 11, mark="monday"),
        uploads.create("other.pt", 10, mark="monday"),
        uploads.create("a/ba?d.pt", 10),
        uploads.create("a/ba?d.pt", 10),
    ]
    assert [other.offset for other in others] == [0] * 5
    assert len({first.id, *(other.id for other in others)}) == 6


def test_a_disk_that_is_full_in_the_middle_of_a_piece_costs_nothing_that_came(uploads, monkeypatch):
    data = bytes(range(256)) * 40
    upload = uploads.create("cat.pt", len(data))
    uploads.write(upload.id, 0, data[:3000])
    real, calls = os.write, []

    def half_then_full(descriptor, rest):
        calls.append(len(rest))
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(descriptor, bytes(rest)[: len(rest) // 2])

    with monkeypatch.context() as full:
        full.setattr(staging.os, "write", half_then_full)
        with pytest.raises(StorageError, match="the disk is full"):
            uploads.write(upload.id, 3000, data[3000:7000])
    stands = uploads.find(upload.id).offset
    assert stands == 5000
    uploads.write(upload.id, stands, data[stands:])
    staged, sha256 = uploads.finished(upload.id)
    assert staged.content.read_bytes() == data
    assert sha256 == hashlib.sha256(data).hexdigest()


def test_a_damaged_record_is_cleaned_away(uploads, tmp_path):
    folder = tmp_path / ".incoming" / ("b" * 16)
    folder.mkdir(parents=True)
    (folder / "record.json").write_text('{"name": "cat.pt", "size": "large"}')
    uploads.clean()
    assert uploads.unfinished() == []
    assert not folder.exists()


def test_old_uploads_and_half_made_places_are_cleaned_away(uploads, tmp_path):
    upload = uploads.create("cat.pt", 3)
    (tmp_path / ".incoming" / ("a" * 16)).mkdir()
    uploads.clean(now=uploads.find(upload.id).created + KEPT_S - 1)
    assert [path.name for path in (tmp_path / ".incoming").iterdir()] == [upload.id]
    uploads.clean(now=uploads.find(upload.id).created + KEPT_S + 1)
    assert list((tmp_path / ".incoming").iterdir()) == []


KILLED = """
import sys
from pathlib import Path
from webui.store.files.uploads import Uploads

uploads = Uploads(Path(sys.argv[1]))
upload = uploads.create("cat.safetensors", 10_000_000)
for start in range(0, 10_000_000, 100_000):
    uploads.write(upload.id, start, bytes([start // 100_000]) * 100_000)
    print(upload.id, flush=True)
    if start == 3_000_000:
        sys.stdin.read()
"""


def test_an_upload_goes_on_after_its_server_was_killed(tmp_path):
    folder = tmp_path / ".incoming"
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(folder)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(31)]
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    uploads = Uploads(folder)
    uploads.clean()
    (upload,) = uploads.unfinished()
    assert (upload.id, upload.name, upload.offset) == (lines[0].strip(), "cat.safetensors", 3_100_000)
    rest = b"".join(bytes([number]) * 100_000 for number in range(31, 100))
    uploads.write(upload.id, upload.offset, rest)
    whole = b"".join(bytes([number]) * 100_000 for number in range(100))
    staged, sha256 = uploads.finished(upload.id)
    assert staged.content.read_bytes() == whole
    assert sha256 == hashlib.sha256(whole).hexdigest()
