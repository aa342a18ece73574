"""Files that are dropped, over HTTP."""

import time

import pytest
from starlette.requests import Request

from tests.arriving_files import INFOTEXT, archive, lora, picture, unknown_tensors
from tests.fake_sites import FakeFile, FakeVersion
from webui.api import uploads
from webui.core.errors import InvalidRequest
from webui.store.files.uploads import Uploads


def begin(api, name, size, **more):
    return api.post("/v1/uploads", json={"name": name, "size": size, **more})


def drop(api, name, data, chunk=1500):
    """Upload a file in pieces, as a page does; what became of it."""
    upload = begin(api, name, len(data)).json()
    for start in range(0, len(data), chunk):
        url = f"/v1/uploads/{upload['id']}?offset={start}"
        upload = api.put(url, content=data[start : start + chunk]).raise_for_status().json()
    assert upload["offset"] == len(data)
    return api.post(f"/v1/uploads/{upload['id']}/finish").raise_for_status().json()["arrivals"]


def files_below(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and "data" not in path.parts)


def test_a_dropped_lora_comes_back_with_its_card(library_api, tmp_path):
    (arrival,) = drop(library_api, "cat.safetensors", lora())
    assert (arrival["outcome"], arrival["kind"], arrival["family"]) == ("filed", "lora", "SD1")
    assert arrival["card"]["insert"] == "<lora:cat:1>"
    assert library_api.get("/v1/cards?kind=lora").json()["cards"] == [arrival["card"]]
    assert files_below(tmp_path) == ["cat.safetensors"]
    assert library_api.get("/v1/uploads").json() == []


def test_a_duplicate_shows_the_card_that_is_there(library_api):
    (first,) = drop(library_api, "cat.safetensors", lora())
    (second,) = drop(library_api, "dog.safetensors", lora())
    assert (second["outcome"], second["card"]) == ("duplicate", first["card"])


def test_several_come_in_a_zip(library_api):
    arrivals = drop(library_api, "pack.zip", archive({"a.safetensors": lora(1), "b.safetensors": lora(2)}))
    assert [arrival["card"]["stem"] for arrival in arrivals] == ["a", "b"]


def test_a_dropped_model_is_looked_up_only_if_the_artist_wants_that(library_api, library_services, fake):
    for seed, version in ((1, 5), (2, 6)):
        fake.add(FakeVersion(version, 1, [FakeFile("x.safetensors", lora(seed))]))
    (arrival,) = drop(library_api, "first.safetensors", lora(1))
    time.sleep(0.1)
    assert fake.seen == []
    library_services.settings.change({"civitai_describes_new_models": True})
    (arrival,) = drop(library_api, "second.safetensors", lora(2))
    end = time.monotonic() + 20
    while time.monotonic() < end:
        detail = library_api.get(f"/v1/cards/{arrival['card']['id']}").json()
        if detail["civitai"]:
            break
        time.sleep(0.02)
    assert detail["civitai"]["version_id"] == 6
    assert detail["activation_text"] == "catword"


def test_a_refused_file_leaves_nothing(library_api, tmp_path):
    (arrival,) = drop(library_api, "x.safetensors", unknown_tensors())
    assert arrival["outcome"] == "refused"
    assert arrival["card"] is None
    assert files_below(tmp_path) == []


def test_a_picture_fills_the_tab_and_lists_what_is_missing(library_api):
    (arrival,) = drop(library_api, "p.png", picture())
    assert arrival["infotext"] == INFOTEXT
    assert library_api.head(f"/v1/inputs/{arrival['reference']}").status_code == 200
    assert [(model["kind"], model["name"], model["state"]) for model in arrival["missing"]] == [
        ("lora", "meow", "missing")
    ]


def test_missing_models_are_found_by_asking_nobody(library_api, fake):
    drop(library_api, "meow.safetensors", lora())
    (model,) = library_api.post("/v1/missing", json={"infotext": INFOTEXT}).json()
    assert (model["state"], model["card"]["stem"]) == ("here", "meow")
    assert fake.seen == []


def test_a_break_is_taken_up_where_the_server_says(library_api):
    data = lora()
    upload = begin(library_api, "cat.safetensors", len(data)).json()
    url = f"/v1/uploads/{upload['id']}"
    library_api.put(f"{url}?offset=0", content=data[:1000])
    answer = library_api.put(f"{url}?offset=500", content=data[500:])
    assert (answer.status_code, answer.json()["offset"]) == (409, 1000)
    assert library_api.get(url).json()["offset"] == 1000
    assert library_api.get("/v1/uploads").json()[0]["name"] == "cat.safetensors"
    library_api.put(f"{url}?offset=1000", content=data[1000:])
    arrivals = library_api.post(f"{url}/finish").json()["arrivals"]
    assert arrivals[0]["outcome"] == "filed"


def test_a_half_file_is_never_listed(library_api, library_services, tmp_path):
    data = lora()
    upload = begin(library_api, "cat.safetensors", len(data)).json()
    library_api.put(f"/v1/uploads/{upload['id']}?offset=0", content=data[:-1])
    library_services.catalog.scan()
    assert library_services.catalog.all_files() == []
    # What a server that starts after a crash sees is the same.
    again = Uploads(tmp_path / "models" / ".incoming" / "uploads")
    again.clean()
    assert again.find(upload["id"]).offset == len(data) - 1


def test_a_cancelled_upload_leaves_nothing(library_api, tmp_path):
    upload = begin(library_api, "cat.safetensors", 100).json()
    library_api.put(f"/v1/uploads/{upload['id']}?offset=0", content=b"x" * 50)
    assert library_api.delete(f"/v1/uploads/{upload['id']}").status_code == 204
    assert files_below(tmp_path) == []
    assert library_api.get(f"/v1/uploads/{upload['id']}").status_code == 404


WRONG = [{"name": "", "size": 1}, {"name": "x", "size": 0}, {"name": "x", "size": 2**60}, {"name": "x"},
         {"name": "x", "size": 1, "sha256": "zz"}]  # fmt: skip


@pytest.mark.parametrize("body", WRONG)
def test_what_can_be_no_file_is_refused_at_once(library_api, body):
    answer = library_api.post("/v1/uploads", json=body)
    assert answer.status_code in (400, 422)
    assert answer.json()["detail"].endswith(".")


def test_a_chunk_that_is_too_large_is_refused(library_api, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_CHUNK_BYTES", 1000)
    upload = begin(library_api, "cat.safetensors", 5000).json()
    answer = library_api.put(f"/v1/uploads/{upload['id']}?offset=0", content=bytes(2000))
    assert answer.status_code == 400
    assert library_api.get(f"/v1/uploads/{upload['id']}").json()["offset"] == 0


def test_another_web_site_cannot_upload(library_api):
    headers = {"origin": "http://elsewhere.example"}
    assert library_api.post("/v1/uploads", json={"name": "x", "size": 1}, headers=headers).status_code == 403


def test_two_windows_that_send_one_file_share_the_work_and_both_hear_what_became_of_it(library_api, tmp_path):
    data = lora()
    ids = {begin(library_api, "cat.safetensors", len(data), mark="monday").json()["id"] for _ in range(2)}
    (identity,) = ids
    url = f"/v1/uploads/{identity}"
    library_api.put(f"{url}?offset=0", content=data[:1000]).raise_for_status()
    behind = library_api.put(f"{url}?offset=0", content=data[:1000])
    assert (behind.status_code, behind.json()["offset"]) == (409, 1000)
    library_api.put(f"{url}?offset=1000", content=data[1000:]).raise_for_status()
    first, second = (library_api.post(f"{url}/finish").json() for _ in range(2))
    assert first == second
    assert first["arrivals"][0]["outcome"] == "filed"
    assert files_below(tmp_path) == ["cat.safetensors"]


def test_two_files_of_one_name_and_size_are_never_mixed(library_api, tmp_path):
    one, other = lora(1), lora(2)
    assert len(one) == len(other)
    begun = [
        begin(library_api, "last.safetensors", len(one), mark=mark).json()["id"]
        for mark in ("monday", "friday")
    ]
    for start in range(0, len(one), 3000):
        for identity, data in zip(begun, (one, other), strict=True):
            url = f"/v1/uploads/{identity}?offset={start}"
            library_api.put(url, content=data[start : start + 3000]).raise_for_status()
    for identity in begun:
        library_api.post(f"/v1/uploads/{identity}/finish").raise_for_status()
    folder = tmp_path / "models" / "Lora"
    assert (folder / "last.safetensors").read_bytes() == one
    assert (folder / "last-1.safetensors").read_bytes() == other


@pytest.mark.anyio
async def test_a_client_that_disappears_in_the_middle_of_a_piece_leaves_what_came_before():
    async def receive():
        return next(messages)

    messages = iter(
        [{"type": "http.request", "body": b"abc", "more_body": True}, {"type": "http.disconnect"}]
    )
    request = Request({"type": "http", "method": "PUT", "headers": []}, receive)
    with pytest.raises(InvalidRequest, match="connection broke"):
        await uploads.read_chunk(request)


@pytest.fixture
def anyio_backend():
    return "asyncio"
