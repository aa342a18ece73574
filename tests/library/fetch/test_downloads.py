"""Downloads from beginning to end: asked for, fetched, filed, described."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.arriving_files import archive, files_in, lora, picture, unknown_tensors
from tests.fake_sites import KEY, LOGIN_PAGE, FakeFile, FakeVersion
from webui.core.errors import NotFound
from webui.core.flags import read_flags
from webui.main import build_services
from webui.store.files import staging

ROOT = Path(__file__).parents[3]


def large(seed=0, size=3_000_000):
    """A LoRA that takes a while."""
    return lora(seed, metadata={"filler": random.Random(seed).randbytes(size // 2).hex()})


class Server:
    """Services on an empty folder, asking the sites of the test."""

    def __init__(self, folder, fake):
        self.folder, self.fake = folder, fake
        self.services = build_services(read_flags(["--data-dir", str(folder)])[0], folder, fake.sites)
        self.library = self.services.library
        self.downloads = self.library.downloads
        self.library.web._pause = self.downloads._pause = lambda stop, seconds: None
        self.library.start()

    def until(self, identity, *states):
        end = time.monotonic() + 30
        while time.monotonic() < end:
            download = self.downloads.find(identity)
            if download.state in states:
                return download
            time.sleep(0.01)
        raise TimeoutError(self.downloads.find(identity))

    def fetch(self, link, file=None):
        """The download once it ended."""
        return self.until(self.downloads.add(link, file).id, "done", "failed")

    def files(self):
        return files_below(self.folder)


def files_below(folder):
    models = folder / "models"
    return sorted(path.relative_to(models).as_posix() for path in files_in(models))


@pytest.fixture
def server(tmp_path, fake):
    server = Server(tmp_path, fake)
    yield server
    server.library.close()


def test_a_link_becomes_a_filed_model_with_its_card(server, fake):
    fake.pictures["p.png"] = picture()
    fake.add(FakeVersion(5, 1, [FakeFile("cat.safetensors", lora())], images=(("x.png", 16), ("p.png", 1))))
    done = server.fetch("https://civitai.com/models/1?modelVersionId=5")
    assert (done.state, done.message) == ("done", None)
    assert [arrival.outcome for arrival in done.arrivals] == ["filed"]
    assert server.files() == ["Lora/cat.json", "Lora/cat.png", "Lora/cat.safetensors"]
    assert json.loads((server.folder / "models/Lora/cat.json").read_text()) == {
        "activation text": "catword",
        "description": "A cat & more",
        "sd version": "SD1",
        "civitai": {"modelId": 1, "versionId": 5, "baseModel": "SD 1.5", "trainedWords": ["catword"]},
    }
    index = server.library.cards.index
    (card,) = [index.card(entry) for entry in index.entries()]
    assert card.insert == "<lora:cat:1> catword"
    assert card.thumbnail is not None


def test_a_key_stays_with_its_site(server, fake):
    server.library.keys.change("civitai", KEY)
    fake.add(FakeVersion(5, 1, [FakeFile("cat.safetensors", lora())], needs_key=True))
    assert server.fetch("civitai:1@5").state == "done"
    for seen in fake.seen:
        assert ("authorization" in seen.headers) == seen.host.startswith("127.0.0.1")
    assert KEY not in "".join(
        path.read_text("latin-1") for path in server.folder.rglob("*.json") if "keys" not in path.name
    )


@pytest.mark.parametrize("name", ["cat.safetensors", "sub/cat.safetensors"])
def test_a_file_of_hugging_face_is_fetched(server, fake, name):
    fake.repos["ann/cat"] = {name: lora(), "readme.md": b"x"}
    done = server.fetch(f"https://huggingface.co/ann/cat/blob/main/{name}")
    assert done.state == "done"
    assert server.files() == ["Lora/cat.safetensors"]


def test_of_a_repository_the_safe_file_at_the_top_is_taken(server, fake):
    fake.repos["ann/cat"] = {"cat.ckpt": b"x", "sub/dog.safetensors": lora(1), "cat.safetensors": lora(2)}
    offer = server.library.offers.find("https://huggingface.co/ann/cat")
    assert [(file.name, file.primary) for file in offer.files] == [
        ("cat.ckpt", False),
        ("dog.safetensors", False),
        ("cat.safetensors", True),
    ]
    assert server.fetch("https://huggingface.co/ann/cat", "sub/dog.safetensors").name == "dog.safetensors"


def test_a_folder_of_a_repository_offers_what_is_in_it(server, fake):
    fake.repos["ann/models"] = {"a.safetensors": lora(1), "sub/b.safetensors": lora(2), "sub/c.txt": b"x"}
    offer = server.library.offers.find("https://huggingface.co/ann/models/tree/main/sub")
    assert [file.id for file in offer.files] == ["sub/b.safetensors"]
    assert server.fetch("https://huggingface.co/ann/models/tree/main/sub").arrivals[0].outcome == "filed"
    assert server.files() == ["Lora/b.safetensors"]
    nothing = server.fetch("https://huggingface.co/ann/models/tree/main/none")
    assert (nothing.cause, nothing.message) == (
        "gone", "There is no model file at ann/models/none/. Check the link.",
    )  # fmt: skip


def test_a_gated_repository_wants_a_key_and_terms_accepted(server, fake):
    fake.repos["ann/gated"] = {"a.safetensors": lora()}
    fake.gated.add("ann/gated")
    link = "https://huggingface.co/ann/gated/blob/main/a.safetensors"
    without = server.fetch(link)
    assert (without.cause, "an account" in without.message) == ("key needed", True)
    # Here both sites have one address, and its key is Civitai's.
    server.library.keys.change("civitai", KEY)
    refusal = {"error": "Access to model ann/gated is restricted and you are not in the authorized list"}
    fake.behave("/api/models/", lambda handler: handler.reply(403, refusal))
    server.downloads.resume(without.id)
    unaccepted = server.until(without.id, "failed")
    assert (unaccepted.cause, "accept terms" in unaccepted.message) == ("not allowed", True)
    server.downloads.resume(without.id)
    assert server.until(without.id, "done", "failed").state == "done"


def test_a_version_that_was_removed_is_gone(server, fake):
    failed = server.fetch("https://civitai.com/models/1?modelVersionId=404")
    assert (failed.cause, server.files()) == ("gone", [])


def test_a_file_of_nothing_is_refused_and_leaves_nothing(server, fake):
    fake.add(FakeVersion(5, 1, [FakeFile("cat.safetensors", b"")]))
    failed = server.fetch("civitai:1@5")
    assert (failed.state, failed.cause, server.files()) == ("failed", "not a model", [])


def test_a_damaged_record_does_not_keep_the_next_server_from_its_start(tmp_path, fake):
    folder = tmp_path / "models" / ".incoming" / "downloads" / ("a" * 16)
    folder.mkdir(parents=True)
    record = {"name": "cat.safetensors", "link": 3, "size": "many", "cause": "none", "state": "paused"}
    (folder / "record.json").write_text(json.dumps(record))
    server = Server(tmp_path, fake)
    assert (server.downloads.all(), folder.exists()) == ([], False)
    server.library.close()


def test_a_zip_from_a_site_is_unpacked(server, fake):
    data = archive({"a.safetensors": lora(1), "b.safetensors": lora(2)})
    fake.add(FakeVersion(5, 1, [FakeFile("pack.zip", data, type="Archive", format="Other")]))
    assert len(server.fetch("civitai:1@5").arrivals) == 2


def test_what_is_here_already_is_not_fetched(server, fake):
    fake.add(FakeVersion(5, 1, [FakeFile("cat.safetensors", lora())]))
    server.fetch("civitai:1@5")
    again = server.fetch(f"hash:{fake.versions[5].files[0].sha256[:10]}")
    assert [arrival.outcome for arrival in again.arrivals] == ["duplicate"]
    assert sum("/api/download" in path for path in fake.paths()) == 1


def refusal(server, fake, **values):
    fake.add(FakeVersion(5, 1, [FakeFile("cat.safetensors", lora())], **values))
    failed = server.fetch("civitai:1@5")
    assert failed.state == "failed"
    assert failed.message.endswith(".")
    assert [name for name in server.files() if not name.endswith("record.json")] == []
    return failed.cause


def test_a_missing_key_is_told_and_nothing_is_left(server, fake):
    assert refusal(server, fake, needs_key=True) == "key needed"


def test_early_access_is_told_and_nothing_is_left(server, fake):
    assert refusal(server, fake, early_access=True) == "early access"


def test_a_login_page_never_becomes_a_model(server, fake):
    fake.behave("/storage", lambda handler: handler.reply(200, LOGIN_PAGE, "text/html"))
    assert refusal(server, fake) == "login page"


def test_an_error_message_never_becomes_a_model(server, fake):
    fake.behave("/storage", lambda handler: handler.reply(200, {"error": "Unauthorized"}))
    assert refusal(server, fake) == "key needed"


def test_a_site_that_is_busy_for_ever_is_told(server, fake):
    fake.behave("/api/download", lambda handler: handler.reply(429), times=100)
    assert refusal(server, fake) == "too many requests"


def test_a_full_disk_is_told_before_a_byte_comes(server, fake, monkeypatch):
    monkeypatch.setattr(staging, "free_bytes", lambda _: staging.RESERVE_BYTES + 100)
    assert refusal(server, fake) == "disk full"


def test_a_file_with_another_hash_than_announced_is_thrown_away(server, fake):
    fake.add(FakeVersion(5, 1, [FakeFile("cat.safetensors", lora(), said_sha256="ab" * 32)]))
    failed = server.fetch("civitai:1@5")
    assert (failed.cause, server.files()) == ("wrong hash", [])


def test_what_is_no_model_is_thrown_away(server, fake):
    fake.add(FakeVersion(5, 1, [FakeFile("cat.safetensors", unknown_tensors())]))
    failed = server.fetch("civitai:1@5")
    assert (failed.cause, server.files()) == ("not a model", [])


def test_a_failed_one_can_be_tried_again(server, fake):
    fake.add(FakeVersion(5, 1, [FakeFile("cat.safetensors", lora())], needs_key=True))
    failed = server.fetch("civitai:1@5")
    server.library.keys.change("civitai", KEY)
    server.downloads.resume(failed.id)
    assert server.until(failed.id, "done", "failed").state == "done"


def test_a_part_that_broke_off_is_gone_on_with(server, fake):
    data = large()
    fake.add(FakeVersion(5, 1, [FakeFile("cat.safetensors", data)]))
    fake.behave("/storage", lambda handler: handler.send_file(data, cut=1_000_000))
    fake.behave("/storage", lambda handler: handler.send_file(data, cut=0), times=20)
    failed = server.fetch("civitai:1@5")
    assert (failed.cause, failed.received) == ("truncated", 1_000_000)
    fake.once.clear()
    server.downloads.resume(failed.id)
    assert server.until(failed.id, "done").arrivals[0].outcome == "filed"
    assert fake.seen[-1].headers["range"] == "bytes=1000000-"


def test_a_paused_one_stays_so_until_somebody_goes_on(server, fake):
    fake.slowness_s = 0.02
    fake.add(FakeVersion(5, 1, [FakeFile("cat.safetensors", large())]))
    identity = server.downloads.add("civitai:1@5").id
    server.until(identity, "running")
    while not server.downloads.find(identity).received:
        time.sleep(0.01)
    server.downloads.pause(identity)
    time.sleep(0.2)
    paused = server.downloads.find(identity)
    assert paused.state == "paused"
    fake.slowness_s = 0
    server.downloads.resume(identity)
    assert server.until(identity, "done").received > paused.received


def test_a_cancelled_one_leaves_nothing(server, fake):
    fake.slowness_s = 0.02
    fake.add(FakeVersion(5, 1, [FakeFile("cat.safetensors", large())]))
    identity = server.downloads.add("civitai:1@5").id
    server.until(identity, "running")
    server.downloads.cancel(identity)
    time.sleep(0.2)
    assert server.files() == []
    with pytest.raises(NotFound):
        server.downloads.find(identity)


def test_the_same_link_twice_is_one_download(server, fake):
    fake.slowness_s = 0.02
    fake.add(FakeVersion(5, 1, [FakeFile("cat.safetensors", large())]))
    first = server.downloads.add("civitai:1@5")
    assert server.downloads.add("https://civitai.com/models/1?modelVersionId=5").id == first.id
    server.downloads.cancel(first.id)


def test_changes_are_told_once(server, fake):
    fake.add(FakeVersion(5, 1, [FakeFile("cat.safetensors", lora())]))
    revision, before = server.downloads.changed_since(-1)
    assert before == []
    done = server.fetch("civitai:1@5")
    revision, changed = server.downloads.changed_since(revision)
    assert [download.state for download in changed] == ["done"]
    assert changed[0] == done
    assert server.downloads.changed_since(revision) == (revision, [])


def test_a_preview_that_cannot_be_had_is_no_failure(server, fake):
    fake.add(FakeVersion(5, 1, [FakeFile("cat.safetensors", lora())], images=(("gone.png", 1),)))
    assert server.fetch("civitai:1@5").state == "done"
    assert server.files() == ["Lora/cat.json", "Lora/cat.safetensors"]


def test_nothing_is_asked_of_any_host_by_a_start(server, fake):
    server.services.catalog.scan()
    server.library.cards.index.entries()
    assert fake.seen == []


def process_on(folder, fake, *links):
    return subprocess.Popen(
        [sys.executable, "-m", "tests.library.fetch.downloading", str(folder), fake.url, *links],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def killed_half_way(tmp_path, fake, data):
    """Kills a server in the middle of a download; how much had come."""
    fake.add(FakeVersion(5, 1, [FakeFile("cat.safetensors", data)]))
    fake.slowness_s = 0.02
    first = process_on(tmp_path, fake, "civitai:1@5")
    for line in first.stdout:
        state, received, _ = line.split(" ", 2)
        assert state != "failed", line
        if int(received) > 1_000_000:
            break
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    (part,) = (tmp_path / "models" / ".incoming").rglob("cat.safetensors")
    half = part.stat().st_size
    assert 1_000_000 < half < len(data)
    fake.slowness_s = 0
    fake.seen.clear()
    return half


def assert_goes_on(tmp_path, fake, data):
    second = process_on(tmp_path, fake)
    told, _ = second.communicate(timeout=60)
    assert told.splitlines()[-1].startswith("done")
    assert (tmp_path / "models/Lora/cat.safetensors").read_bytes() == data
    assert files_in(tmp_path / "models" / ".incoming") == []


def ranges(fake):
    return [seen.headers.get("range") for seen in fake.seen if "/storage" in seen.path]


def test_a_download_goes_on_after_its_server_was_killed(tmp_path, fake):
    data = large(size=6_000_000)
    half = killed_half_way(tmp_path, fake, data)
    assert_goes_on(tmp_path, fake, data)
    assert ranges(fake) == [f"bytes={half}-"]


def test_after_a_kill_a_site_that_sends_no_parts_sends_all(tmp_path, fake):
    data = large(size=6_000_000)
    half = killed_half_way(tmp_path, fake, data)
    fake.behave("/storage", lambda handler: handler.reply(200, data, "application/octet-stream"))
    assert_goes_on(tmp_path, fake, data)
    assert ranges(fake) == [f"bytes={half}-"]


def test_after_a_kill_a_file_that_is_another_by_now_is_fetched_whole(tmp_path, fake):
    half = killed_half_way(tmp_path, fake, large(size=6_000_000))
    other = large(seed=1, size=6_000_000)
    fake.versions[5].files[0].data = other
    assert_goes_on(tmp_path, fake, other)
    assert ranges(fake) == [f"bytes={half}-"]


def test_after_a_kill_a_site_that_refuses_the_part_sends_all(tmp_path, fake):
    data = large(size=6_000_000)
    half = killed_half_way(tmp_path, fake, data)
    fake.behave("/storage", lambda handler: handler.reply(416, b"", Content_Range="bytes */7"))
    assert_goes_on(tmp_path, fake, data)
    assert ranges(fake) == [f"bytes={half}-", None]


@pytest.mark.parametrize("is_moved", [False, True], ids=["before it was moved", "after it was moved"])
def test_a_download_that_was_being_filed_is_filed_by_the_next_server(tmp_path, fake, is_moved):
    data = lora()
    fake.add(FakeVersion(5, 1, [FakeFile("cat.safetensors", data)]))
    killed = Server(tmp_path, fake)
    staged = killed.downloads._staging.make("cat.safetensors", {"link": "civitai:1@5", "site": "civitai"})
    sha256 = hashlib.sha256(data).hexdigest()
    record = {"name": "cat.safetensors", "link": "civitai:1@5", "site": "civitai", "state": "filing"}
    staged.write_record(record | {"size": len(data), "sha256": sha256})
    staged.content.parent.mkdir(parents=True)
    staged.content.write_bytes(data)
    if is_moved:
        killed.library.intake.take(staged.content, sha256)
    killed.library.close()
    server = Server(tmp_path, fake)
    assert server.until(staged.id, "done", "failed").state == "done"
    assert server.files()[-1:] == ["Lora/cat.safetensors"]
    assert not staged.folder.exists()
    server.library.close()
