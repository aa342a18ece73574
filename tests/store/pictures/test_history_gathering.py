"""The history of a server whose database was deleted."""

import time
from pathlib import Path

import pytest
from PIL import Image

from webui.core.flags import read_flags
from webui.jobs.services import Services
from webui.main import build_services
from webui.store.pictures.history_gathering import HistoryGathering, output_folders
from webui.store.texts.encoding import PictureNotes, encode

INFOTEXT = "a red fox <lora:ink:1>\nSteps: 20, Seed: 7, Model: dream"
PATIENCE_S = 20.0


def started(home: Path) -> Services:
    return build_services(read_flags(["--data-dir", str(home)])[0], home)


def gathered(services: Services, after_s: float = 0.0) -> HistoryGathering:
    folders = services.settings.current.folders
    gathering = HistoryGathering(
        services.history, lambda: output_folders(services.files, folders), after_s=after_s
    )
    gathering.start()
    return gathering


def wait_until_whole(services: Services) -> None:
    end = time.monotonic() + PATIENCE_S
    while not services.history.is_whole and time.monotonic() < end:
        time.sleep(0.01)
    assert services.history.is_whole


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "outputs" / "txt2img-images" / "2026-01-01"
    folder.mkdir(parents=True)
    for number in range(3):
        data = encode(Image.new("RGB", (8, 8)), "png", PictureNotes(INFOTEXT))
        (folder / f"{number:05}-7.png").write_bytes(data)
    return tmp_path


def test_a_deleted_database_brings_the_history_back(home: Path) -> None:
    for _ in range(2):
        services = started(home)
        gathering = gathered(services)
        wait_until_whole(services)
        gathering.close()
        found = services.history.search("fox")
        assert [entry.path.name for entry in found] == ["00002-7.png", "00001-7.png", "00000-7.png"]
        assert services.history.mentioning(["<lora:ink:"], 1)[0] == 3
        for path in (home / "data").glob("webui.db*"):
            path.unlink()


def test_a_database_that_went_through_is_not_gathered_again(home: Path) -> None:
    services = started(home)
    gathering = gathered(services)
    wait_until_whole(services)
    gathering.close()
    services.history.delete(services.history.search("fox")[0].path)
    gathering = gathered(services)
    gathering.close()
    assert services.history.count() == 2


def test_a_server_that_ends_at_once_does_not_wait_for_it(home: Path) -> None:
    services = started(home)
    gathering = gathered(services, after_s=60.0)
    began = time.monotonic()
    gathering.close()
    assert time.monotonic() - began < 2
    assert not services.history.is_whole
