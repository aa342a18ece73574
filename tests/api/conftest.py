"""A server with an empty library, whose device thread does not run, and sites for it on this machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.fake_sites import FakeSites
from webui.api.app import build_api
from webui.core.flags import read_flags
from webui.jobs.services import Services
from webui.main import build_services


@pytest.fixture
def fake() -> Iterator[FakeSites]:
    """Civitai and Hugging Face, empty."""
    with FakeSites() as sites:
        yield sites


@pytest.fixture
def library_services(tmp_path: Path, fake: FakeSites) -> Iterator[Services]:
    """Services on an empty folder."""
    services = build_services(read_flags(["--data-dir", str(tmp_path)])[0], tmp_path, fake.sites)
    services.library.start()
    yield services
    services.library.close()


@pytest.fixture
def library_api(library_services: Services) -> TestClient:
    """The API on them."""
    return TestClient(build_api(library_services), base_url="http://127.0.0.1")
