"""Links, downloads and keys, over HTTP."""

import json
import time

import pytest

from tests.arriving_files import lora
from tests.fake_sites import KEY, FakeFile, FakeVersion
from webui.api.downloads import changes_of
from webui.api.server_events import stream_events


@pytest.fixture
def cat(fake):
    """A LoRA on Civitai."""
    return fake.add(FakeVersion(5, 1, [FakeFile("cat.safetensors", lora())]))


def until(api, identity, *states):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        download = api.get(f"/v1/downloads/{identity}").json()
        if download["state"] in states:
            return download
        time.sleep(0.02)
    raise TimeoutError(download)


def test_a_link_offers_files_and_one_is_fetched_and_filed(library_api, cat):
    offer = library_api.post("/v1/links", json={"text": "https://civitai.com/models/1"}).json()
    assert (offer["title"], offer["kind"], offer["base_model"]) == ("Cat v1.0", "LORA", "SD 1.5")
    (file,) = offer["files"]
    assert (file["name"], file["primary"], file["card"]) == ("cat.safetensors", True, None)
    begun = library_api.post("/v1/downloads", json={"link": offer["link"], "file": file["id"]})
    assert begun.status_code == 202
    done = until(library_api, begun.json()["id"], "done", "failed")
    assert done["arrivals"][0]["card"]["insert"] == "<lora:cat:1> catword"
    assert [download["id"] for download in library_api.get("/v1/downloads").json()] == [done["id"]]
    offer = library_api.post("/v1/links", json={"text": "https://civitai.com/models/1"}).json()
    assert offer["files"][0]["card"]["stem"] == "cat"


@pytest.mark.parametrize("route", ["/v1/links", "/v1/downloads"])
def test_a_text_that_is_no_link_is_refused_with_its_cause(library_api, fake, route):
    body = {"text": "hello"} if route == "/v1/links" else {"link": "hello"}
    answer = library_api.post(route, json=body)
    assert (answer.status_code, answer.json()["cause"]) == (422, "not a link")
    assert fake.seen == []


@pytest.mark.parametrize("host", ["127.0.0.1:9", "localhost:9", "10.0.0.1", "[::1]:9", "169.254.169.254"])
def test_a_link_into_a_private_network_is_not_asked(library_api, host):
    begun = library_api.post("/v1/downloads", json={"link": f"https://{host}/a.safetensors"}).json()
    assert until(library_api, begun["id"], "failed")["cause"] == "private address"


def test_a_download_is_paused_resumed_and_cancelled(library_api, fake, cat):
    fake.slowness_s = 2
    identity = library_api.post("/v1/downloads", json={"link": "civitai:1@5"}).json()["id"]
    assert library_api.post(f"/v1/downloads/{identity}/pause").json()["state"] == "paused"
    fake.slowness_s = 0
    assert library_api.post(f"/v1/downloads/{identity}/resume").json()["state"] == "waiting"
    assert until(library_api, identity, "done", "failed")["state"] == "done"
    assert library_api.delete(f"/v1/downloads/{identity}").status_code == 204
    assert library_api.get("/v1/downloads").json() == []


def test_a_finished_download_is_still_told_when_its_model_was_deleted(library_api, cat):
    begun = library_api.post("/v1/downloads", json={"link": "civitai:1@5"}).json()
    done = until(library_api, begun["id"], "done", "failed")
    library_api.delete(f"/v1/cards/{done['arrivals'][0]['card']['id']}").raise_for_status()
    (told_now,) = library_api.get("/v1/downloads").json()
    assert (told_now["state"], told_now["arrivals"][0]["card"]) == ("done", None)


class Watcher:
    """A page that goes away after some looks."""

    def __init__(self, looks):
        self.looks = looks

    async def is_disconnected(self):
        self.looks -= 1
        return self.looks < 0


@pytest.mark.anyio
async def test_a_page_is_told_of_all_downloads_and_then_of_changes(library_services, library_api, cat):
    begun = library_api.post("/v1/downloads", json={"link": "civitai:1@5"}).json()
    until(library_api, begun["id"], "done")
    news = changes_of(library_services)
    events = [event async for event in stream_events(Watcher(3), 0.01, news, lambda: False)]
    assert len(events) == 1
    (download,) = json.loads(events[0].strip().removeprefix("data: "))
    assert (download["id"], download["state"]) == (begun["id"], "done")


@pytest.fixture
def anyio_backend():
    return "asyncio"


def test_a_key_is_kept_used_and_never_shown(library_api, fake, cat, tmp_path):
    cat.needs_key = True
    assert library_api.get("/v1/keys").json() == {"civitai": False, "huggingface": False}
    told_keys = library_api.put("/v1/keys", json={"civitai": KEY})
    assert told_keys.json() == {"civitai": True, "huggingface": False}
    begun = library_api.post("/v1/downloads", json={"link": "civitai:1@5"}).json()
    assert until(library_api, begun["id"], "done", "failed")["state"] == "done"
    shown = library_api.get("/sdapi/v1/options").text + library_api.get("/v1/downloads").text + told_keys.text
    assert KEY not in shown
    assert [path.name for path in tmp_path.rglob("*.json") if KEY in path.read_text()] == ["keys.json"]
    assert library_api.put("/v1/keys", json={"civitai": ""}).json()["civitai"] is False


@pytest.mark.parametrize("key", ["a b", "a\nb", "x" * 501])
def test_what_can_be_no_key_is_refused(library_api, key):
    assert library_api.put("/v1/keys", json={"civitai": key}).status_code in (400, 422)
    assert library_api.get("/v1/keys").json()["civitai"] is False
