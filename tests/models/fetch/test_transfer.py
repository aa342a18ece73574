import hashlib
import random
import threading

import pytest

from tests.fake_sites import LOGIN_PAGE, FakeFile, FakeVersion
from webui.core.errors import StorageError
from webui.models.fetch.refusals import FetchRefused, Stopped
from webui.models.fetch.transfer import Source, Transfer
from webui.models.fetch.web import Web
from webui.store import staging

DATA = random.Random(1).randbytes(1_000_000)


@pytest.fixture
def served(fake):
    fake.add(FakeVersion(5, 1, [FakeFile("cat.safetensors", DATA)]))
    return fake


class Fetching:
    """A transfer of the file, with what it told."""

    def __init__(self, fake, path, etag=None, stop_at=None):
        self.moments, self.pauses, self.stop = [], [], threading.Event()
        self.etag = None

        def told(moment, etag):
            self.moments.append(moment)
            self.etag = etag
            if stop_at is not None and moment.received >= stop_at:
                self.stop.set()

        source = Source(f"{fake.url}/api/download/models/5", "cat.safetensors", len(DATA), etag)
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
