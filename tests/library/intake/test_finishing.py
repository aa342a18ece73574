"""What a server was filing when it was killed is filed by the next, or leaves nothing."""

import hashlib
import time
from pathlib import Path

import pytest

from tests.arriving_files import archive, files_in, lora
from webui.core.errors import NotFound
from webui.core.flags import read_flags
from webui.jobs.services import Services
from webui.main import build_services
from webui.store.files.uploads import Upload


def services_on(home: Path) -> Services:
    return build_services(read_flags(["--data-dir", str(home)])[0], home)


def uploaded(services: Services, name: str, data: bytes) -> Upload:
    upload = services.library.uploads.create(name, len(data))
    return services.library.uploads.write(upload.id, 0, data)


def restarted(home: Path) -> Services:
    """The next server, once it went through what the killed one left."""
    services = services_on(home)
    services.library.start()
    end = time.monotonic() + 20
    while arriving(home) and time.monotonic() < end:
        time.sleep(0.01)
    services.library.close()
    return services


def arriving(home: Path) -> list[Path]:
    return files_in(home / "models" / ".incoming")


def loras(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "models" / "Lora").glob("*"))


def test_killed_while_it_hashed(tmp_path):
    killed = services_on(tmp_path)
    upload = uploaded(killed, "cat.safetensors", lora())
    killed.library.uploads.finished(upload.id)
    services = restarted(tmp_path)
    assert (loras(tmp_path), arriving(tmp_path)) == (["cat.safetensors"], [])
    # The page asks again, as its question was never answered.
    (arrival,) = services.library.finish_upload(upload.id)
    assert (arrival.outcome, arrival.file.name) == ("filed", "cat.safetensors")


def test_killed_just_after_it_was_moved(tmp_path):
    killed = services_on(tmp_path)
    upload = uploaded(killed, "cat.safetensors", lora())
    staged, sha256 = killed.library.uploads.finished(upload.id)
    killed.library.intake.take(staged.content, sha256)
    services = restarted(tmp_path)
    assert (loras(tmp_path), arriving(tmp_path)) == (["cat.safetensors"], [])
    (arrival,) = services.library.finish_upload(upload.id)
    assert (arrival.outcome, arrival.file.sha256) == ("filed", hashlib.sha256(lora()).hexdigest())


def test_killed_while_it_unpacked(tmp_path):
    killed = services_on(tmp_path)
    data = archive({"a.safetensors": lora(1), "b.safetensors": lora(2)})
    upload = uploaded(killed, "pack.zip", data)
    staged, _ = killed.library.uploads.finished(upload.id)
    unpacked = staged.content.parent / "unpacked"
    unpacked.mkdir()
    (unpacked / "a.safetensors").write_bytes(lora(1)[:100])
    services = restarted(tmp_path)
    assert (loras(tmp_path), arriving(tmp_path)) == (["a.safetensors", "b.safetensors"], [])
    arrivals = services.library.finish_upload(upload.id)
    assert [arrival.outcome for arrival in arrivals] == ["filed", "filed"]


def test_a_file_that_is_whole_but_was_not_asked_for_waits_for_its_page(tmp_path):
    killed = services_on(tmp_path)
    upload = uploaded(killed, "cat.safetensors", lora())
    services = services_on(tmp_path)
    services.library.finishing.resume()
    assert services.library.uploads.find(upload.id).offset == len(lora())
    (arrival,) = services.library.finish_upload(upload.id)
    assert arrival.outcome == "filed"


def test_the_answer_is_given_again_to_who_did_not_hear_it(tmp_path):
    services = services_on(tmp_path)
    upload = uploaded(services, "cat.safetensors", lora())
    first = services.library.finish_upload(upload.id)
    assert services.library.finish_upload(upload.id) == first
    assert loras(tmp_path) == ["cat.safetensors"]
    with pytest.raises(NotFound):
        services.library.finish_upload("0" * 16)
