import gzip
import hashlib
import random
import threading
import time

import pytest

from tests.fake_sites import LOGIN_PAGE, FakeFile, FakeVersion
from webui.core.errors import StorageError
from webui.library.fetch import slow_transfer, transfer
from webui.library.fetch.refusals import FetchRefused, Stopped
from webui.library.fetch.transfer import RemoteFile, Transfer
from webui.library.fetch.web import Web
from webui.store.files import staging

DATA = random.Random(1).randbytes(1_000_000)
SHA256 = hashlib.sha256(DATA).hexdigest()
ETAG = f'"{hashlib.md5(DATA, usedforsecurity=False).hexdigest()}"'
CHANGED = "Wed, 21 Oct 2025 07:28:00 GMT"


@pytest.fixture
def served(fake):
    fake.add(FakeVersion(5, 1, [FakeFile("cat.safetensors", DATA)]))
    return fake


class Fetching:
    """A transfer of the file, with what it told."""

    def __init__(self, fake, path, etag=None, stop_at=None, sha256=SHA256):
        self.moments, self.pauses, self.stop = [], [], threading.Event()
        self.etag = None

        def told(moment, etag):
            self.moments.append(moment)
            self.etag = etag
            if stop_at is not None and moment.received >= stop_at:
                self.stop.set()

        source = RemoteFile(f"{fake.url}/api/download/models/5", "cat.safetensors", len(DATA), etag, sha256)
        pause = lambda stop, seconds: self.pauses.append(seconds)  # noqa: E731 - notes in place of waiting
        web = Web(fake.sites, lambda _: None, pause)
        self.transfer = Transfer(web, source, path, self.stop, told, pause)

    def run(self):
        return self.transfer.run()


def ranges(fake):
    return [seen.headers.get("range") for seen in fake.seen if "/storage" in seen.path]


def is_whole(path, sha256):
    return path.read_bytes() == DATA and sha256 == hashlib.sha256(DATA).hexdigest()


def test_a_file_comes_whole_with_its_hash(served, tmp_path):
    fetching = Fetching(served, tmp_path / "cat")
    assert is_whole(tmp_path / "cat", fetching.run())
    assert fetching.moments[-1].received == fetching.moments[-1].size == len(DATA)
    received = [moment.received for moment in fetching.moments]
    assert received == sorted(received)


def test_a_broken_connection_is_taken_up_where_it_broke(served, tmp_path):
    for cut in (300_000, 200_000):
        served.behave("/storage", lambda handler, cut=cut: handler.send_file(DATA, cut=cut))
    fetching = Fetching(served, tmp_path / "cat")
    assert is_whole(tmp_path / "cat", fetching.run())
    assert ranges(served) == [None, "bytes=300000-", "bytes=500000-"]


def test_a_part_of_an_earlier_time_is_not_fetched_again(served, tmp_path):
    (tmp_path / "cat").write_bytes(DATA[:700_001])
    assert is_whole(tmp_path / "cat", Fetching(served, tmp_path / "cat").run())
    assert ranges(served) == ["bytes=700001-"]


def test_a_file_that_is_another_now_is_fetched_from_its_beginning(served, tmp_path):
    (tmp_path / "cat").write_bytes(b"x" * 700_001)
    fetching = Fetching(served, tmp_path / "cat", etag='"of the old file"')
    assert is_whole(tmp_path / "cat", fetching.run())


def test_a_part_of_which_nothing_tells_the_version_is_fetched_anew(served, tmp_path):
    (tmp_path / "cat").write_bytes(b"x" * 700_001)
    assert is_whole(tmp_path / "cat", Fetching(served, tmp_path / "cat", sha256=None).run())
    assert ranges(served) == [None]


def test_the_time_of_the_last_change_tells_the_version_where_there_is_no_etag(served, tmp_path):
    served.etags = False

    def cut_short(handler):
        handler.send_response(200)
        handler.send_header("Last-Modified", CHANGED)
        handler.send_header("Content-Length", str(len(DATA)))
        handler.end_headers()
        handler.wfile.write(DATA[:300_000])
        handler.close_connection = True

    served.behave("/storage", cut_short)
    Fetching(served, tmp_path / "cat", sha256=None).run()
    assert [seen.headers.get("if-range") for seen in served.seen if "/storage" in seen.path] == [
        None,
        CHANGED,
    ]


@pytest.mark.parametrize(("etag", "sha256"), [(ETAG, None), (None, SHA256)])
def test_a_file_that_had_come_whole_is_not_fetched_again(served, tmp_path, etag, sha256):
    (tmp_path / "cat").write_bytes(DATA)
    fetching = Fetching(served, tmp_path / "cat", etag=etag, sha256=sha256)
    assert is_whole(tmp_path / "cat", fetching.run())
    assert ranges(served) == [f"bytes={len(DATA)}-"]
    assert fetching.moments[-1].received == len(DATA)


def test_a_site_that_packs_the_file_is_refused(served, tmp_path):
    packed = gzip.compress(DATA)
    answer = lambda handler: handler.reply(200, packed, "application/x", Content_Encoding="gzip")  # noqa: E731
    served.behave("/storage", answer)
    with pytest.raises(FetchRefused, match="packed"):
        Fetching(served, tmp_path / "cat").run()
    assert (tmp_path / "cat").read_bytes() == b""


def test_a_body_without_an_end_is_given_up_and_leaves_nothing(served, tmp_path):
    def endless(handler):
        handler.send_response(200)
        handler.send_header("Content-Type", "application/octet-stream")
        handler.end_headers()
        handler.close_connection = True
        while True:
            handler.wfile.write(bytes(100_000))

    served.behave("/storage", endless)
    with pytest.raises(FetchRefused, match="without an end"):
        Fetching(served, tmp_path / "cat").run()
    assert (tmp_path / "cat").read_bytes() == b""


def test_a_disk_that_fills_up_meanwhile_is_told_and_the_part_is_kept(served, tmp_path, monkeypatch):
    monkeypatch.setattr(transfer, "SYNC_BYTES", 200_000)
    fetching = Fetching(served, tmp_path / "cat")
    free = lambda _: staging.RESERVE_BYTES + (10**9 if len(fetching.moments) < 3 else 0)  # noqa: E731
    monkeypatch.setattr(staging, "free_bytes", free)
    with pytest.raises(StorageError, match="Free some space"):
        fetching.run()
    part = (tmp_path / "cat").read_bytes()
    assert 0 < len(part) < len(DATA)
    assert part == DATA[: len(part)]


def test_a_site_that_sends_next_to_nothing_is_given_up(served, tmp_path, monkeypatch):
    monkeypatch.setattr(slow_transfer, "SLOW_S", 0.3)

    def dripping(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(DATA)))
        handler.end_headers()
        handler.close_connection = True
        for place in range(len(DATA)):
            handler.wfile.write(DATA[place : place + 1])
            time.sleep(0.02)

    served.behave("/storage", dripping)
    with pytest.raises(FetchRefused, match="next to nothing") as caught:
        Fetching(served, tmp_path / "cat").run()
    assert caught.value.cause == "unexpected"
    assert len((tmp_path / "cat").read_bytes()) > 1


def test_a_site_without_ranges_sends_all_again(served, tmp_path):
    (tmp_path / "cat").write_bytes(DATA[:700_001])
    served.behave("/storage", lambda handler: handler.reply(200, DATA, "application/octet-stream"))
    assert is_whole(tmp_path / "cat", Fetching(served, tmp_path / "cat").run())


def test_a_part_longer_than_the_file_is_fetched_anew(served, tmp_path):
    (tmp_path / "cat").write_bytes(DATA + b"more")
    assert is_whole(tmp_path / "cat", Fetching(served, tmp_path / "cat").run())


def test_another_part_than_asked_is_not_taken(served, tmp_path):
    (tmp_path / "cat").write_bytes(DATA[:1000])

    def wrong(handler):
        handler.reply(
            206, DATA[500:], "application/octet-stream", Content_Range=f"bytes 500-999999/{len(DATA)}"
        )

    served.behave("/storage", wrong)
    assert is_whole(tmp_path / "cat", Fetching(served, tmp_path / "cat").run())


def test_a_connection_that_breaks_for_ever_is_given_up_and_keeps_its_part(served, tmp_path):
    served.behave("/storage", lambda handler: handler.send_file(DATA, cut=400_000))
    served.behave("/storage", lambda handler: handler.send_file(DATA, cut=0), times=100)
    with pytest.raises(FetchRefused) as caught:
        Fetching(served, tmp_path / "cat").run()
    assert caught.value.cause == "truncated"
    assert (tmp_path / "cat").read_bytes() == DATA[:400_000]


def test_a_login_page_is_never_written(served, tmp_path):
    served.behave("/storage", lambda handler: handler.reply(200, LOGIN_PAGE, "text/html; charset=utf-8"))
    with pytest.raises(FetchRefused) as caught:
        Fetching(served, tmp_path / "cat").run()
    assert caught.value.cause == "login page"
    assert (tmp_path / "cat").read_bytes() == b""


def test_a_login_page_that_says_it_is_a_file_is_never_written(served, tmp_path):
    served.behave(
        "/storage", lambda handler: handler.reply(200, b"\n" + LOGIN_PAGE, "application/octet-stream")
    )
    with pytest.raises(FetchRefused) as caught:
        Fetching(served, tmp_path / "cat").run()
    assert caught.value.cause == "login page"
    assert (tmp_path / "cat").read_bytes() == b""


@pytest.mark.parametrize(
    ("told", "cause"), [({"error": "Unauthorized"}, "key needed"), ({"error": "Maintenance"}, "unexpected")]
)
def test_a_message_in_place_of_the_file_is_told_by_its_cause(served, tmp_path, told, cause):
    served.behave("/storage", lambda handler: handler.reply(200, told))
    with pytest.raises(FetchRefused) as caught:
        Fetching(served, tmp_path / "cat").run()
    assert caught.value.cause == cause


def test_whoever_stops_it_keeps_the_part(served, tmp_path):
    fetching = Fetching(served, tmp_path / "cat", stop_at=300_000)
    with pytest.raises(Stopped):
        fetching.run()
    part = (tmp_path / "cat").read_bytes()
    assert 300_000 <= len(part) < len(DATA)
    assert part == DATA[: len(part)]


def test_a_disk_without_room_is_told_before_a_byte_comes(served, tmp_path, monkeypatch):
    monkeypatch.setattr(staging, "free_bytes", lambda _: staging.RESERVE_BYTES + 1000)
    with pytest.raises(StorageError, match="Free some space"):
        Fetching(served, tmp_path / "cat").run()
    assert (tmp_path / "cat").read_bytes() == b""
