"""The API while a server looks at thousands of new files."""

import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.many_files import make_loras
from webui.api.app import build_api
from webui.api.cards import changes_of
from webui.api.server_events import stream_events
from webui.core.flags import read_flags
from webui.jobs.services import Services
from webui.main import build_services

LORAS = 1500


@pytest.fixture
def services(tmp_path: Path) -> Services:
    make_loras(tmp_path / "models" / "Lora", LORAS)
    return build_services(read_flags(["--data-dir", str(tmp_path), "--nowebui"])[0], tmp_path)


@pytest.fixture
def api(services: Services) -> TestClient:
    return TestClient(build_api(services), base_url="http://127.0.0.1")


def test_cards_tell_how_many_files_are_still_to_be_looked_at(services: Services, api: TestClient) -> None:
    page = api.get("/v1/cards?kind=lora").json()
    assert page["total"] + page["unread"] == LORAS
    assert page["unread"] > 0
    services.catalog.scan()
    page = api.get("/v1/cards?kind=lora").json()
    assert (page["total"], page["unread"]) == (LORAS, 0)


def test_the_lists_of_a1111_are_whole_from_the_first_answer(api: TestClient) -> None:
    assert len(api.get("/sdapi/v1/loras").json()) == LORAS


def test_a_started_server_looks_at_them_by_itself(services: Services) -> None:
    services.library.start()
    services.catalog.settle()
    services.library.close()
    assert len(services.library.cards.index.entries()) == LORAS


class Open:
    """A page that stays."""

    async def is_disconnected(self) -> bool:
        return False


@pytest.mark.anyio
async def test_a_page_is_told_what_is_new_until_all_is_known(services: Services) -> None:
    looks = []

    def is_over() -> bool:
        if looks:
            services.catalog.scan()
        looks.append(services.catalog.unread)
        return not services.catalog.unread

    events = [event async for event in stream_events(Open(), 0.01, changes_of(services), is_over)]
    first, last = (json.loads(event.removeprefix("data: ")) for event in events)
    assert first["unread"] > 0
    assert first["lists"]
    assert last == {"unread": 0, "lists": True}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
