"""What is asked of Civitai for the page: searches, metadata, updates."""

import json

import pytest

from tests.arriving_files import lora, picture
from tests.fake_sites import FakeFile, FakeVersion


@pytest.fixture
def api(library_api, fake, tmp_path):
    """Two LoRAs here, of which Civitai knows the first, and a newer version of it."""
    folder = tmp_path / "models" / "Lora"
    folder.mkdir(parents=True)
    for number, name in enumerate(("cat", "dog")):
        (folder / f"{name}.safetensors").write_bytes(lora(number))
    fake.pictures["p.png"] = picture()
    fake.add(FakeVersion(5, 1, [FakeFile("cat.safetensors", lora(0))], images=(("p.png", 1),)))
    fake.add(FakeVersion(6, 1, [FakeFile("cat2.safetensors", lora(9))], name="v2.0"))
    library_api.post("/v1/cards/scan").raise_for_status()
    return library_api


def ids(api):
    return {card["stem"]: card["id"] for card in api.get("/v1/cards?kind=lora").json()["cards"]}


def test_a_search_shows_what_is_there_and_what_is_here(api, tmp_path):
    api.post(f"/v1/cards/{ids(api)['cat']}/fetch").raise_for_status()
    found = api.post("/v1/civitai/search", json={"query": "cat", "types": ["LORA"]}).json()
    (item,) = found["items"]
    assert (item["name"], item["version_id"], item["creator"], item["downloads"]) == ("Cat", 6, "ann", 7)
    assert (item["link"], item["here"]["stem"], item["same"]) == ("civitai:1@6", "cat", False)
    assert found["next_cursor"] is None
    (tmp_path / "models" / "Lora" / "new.safetensors").write_bytes(lora(9))
    api.post("/v1/cards/scan")
    api.post(f"/v1/cards/{ids(api)['new']}/hash")
    (item,) = api.post("/v1/civitai/search", json={"query": "cat", "types": ["LORA"]}).json()["items"]
    assert (item["here"]["stem"], item["same"]) == ("new", True)


@pytest.mark.parametrize("body", [{"limit": 500}, {"host": "x"}, {"query": "x" * 1000}])
def test_a_search_that_makes_no_sense_is_not_asked(api, fake, body):
    assert api.post("/v1/civitai/search", json=body).status_code == 422
    assert fake.seen == []


def test_the_words_of_the_filters_come_from_the_site(api):
    words = api.post("/v1/civitai/enums").json()
    assert words["types"] == ["Checkpoint", "LORA"]
    assert words["base_models"] == ["SD 1.5"]


@pytest.mark.parametrize("path", ["/v1/civitai/search", "/v1/civitai/enums", "/v1/cards/updates"])
def test_no_other_web_site_can_make_us_ask(api, fake, path):
    assert api.get(path).status_code in (404, 405)
    refused = api.post(path, json={"ids": []}, headers={"origin": "http://elsewhere.example"})
    assert refused.status_code == 403
    assert fake.seen == []


def test_a_card_is_filled_where_it_is_empty(api, tmp_path):
    path = tmp_path / "models" / "Lora" / "cat.json"
    path.write_text(json.dumps({"activation text": "mine"}))
    api.post("/v1/cards/scan")
    detail = api.post(f"/v1/cards/{ids(api)['cat']}/fetch").json()
    assert (detail["activation_text"], detail["sd_version"]) == ("mine", "SD1")
    assert detail["civitai"]["url"] == "https://civitai.com/models/1?modelVersionId=5"
    assert detail["thumbnail"] is not None
    assert json.loads(path.read_text())["activation text"] == "mine"


def test_a_file_that_civitai_does_not_know_is_told(api):
    answer = api.post(f"/v1/cards/{ids(api)['dog']}/fetch")
    assert (answer.status_code, answer.json()["cause"]) == (502, "gone")


def test_several_are_asked_for_in_one_question(api, fake):
    answer = api.post("/v1/cards/fetch", json={"ids": list(ids(api).values())}).json()
    assert answer["described"] == [ids(api)["cat"]]
    assert [(each["id"], each["cause"]) for each in answer["unanswered"]] == [(ids(api)["dog"], "gone")]
    assert sum("by-hash" in path for path in fake.paths()) == 1


def test_newer_versions_are_found_also_without_metadata(api):
    answer = api.post("/v1/cards/updates", json={"ids": list(ids(api).values())}).json()
    assert [(each["id"], each["version"], each["link"]) for each in answer["updates"]] == [
        (ids(api)["cat"], "v2.0", "civitai:1@6")
    ]
    assert [each["id"] for each in answer["unanswered"]] == [ids(api)["dog"]]


def test_the_newest_version_has_no_update(api, fake):
    del fake.versions[6]
    assert api.post("/v1/cards/updates", json={"ids": [ids(api)["cat"]]}).json()["updates"] == []


def test_one_model_that_is_gone_does_not_end_the_search_for_updates(api, fake, tmp_path):
    for name, model in (("cat", 99), ("dog", 1)):
        card = {"civitai": {"modelId": model, "versionId": 5}}
        (tmp_path / "models" / "Lora" / f"{name}.json").write_text(json.dumps(card))
    api.post("/v1/cards/scan")
    answer = api.post("/v1/cards/updates", json={"ids": list(ids(api).values())}).json()
    assert [each["id"] for each in answer["updates"]] == [ids(api)["dog"]]
    assert [(each["id"], each["cause"]) for each in answer["unanswered"]] == [(ids(api)["cat"], "gone")]


def steps(api, path, **query):
    """The lines of an inquiry."""
    answer = api.post(path, json={"kind": "lora", **query}).raise_for_status()
    return [json.loads(line) for line in answer.text.splitlines()]


def stem_steps(lines, what):
    return [line[what]["stem" if what == "described" else "id"] for line in lines if line[what]]


def test_all_that_lack_a_description_are_filled_and_the_end_tells_what_came(api, fake):
    lines = steps(api, "/v1/cards/describe")
    assert stem_steps(lines, "described") == ["cat"]
    assert [line["share"] for line in lines] == sorted(line["share"] for line in lines)
    assert lines[-1]["phase"] == "done"
    assert lines[-1]["sentence"] == "1 card filled from Civitai. Civitai does not know 1 file of them."
    (card,) = [card for card in api.get("/v1/cards?kind=lora").json()["cards"] if card["stem"] == "cat"]
    assert card["thumbnail"]
    assert card["activation_text"] == "catword"
    assert sum("by-hash" in path for path in fake.paths()) == 1


def test_what_is_described_already_is_not_asked_for_again(api, fake):
    steps(api, "/v1/cards/describe")
    asked = len(fake.seen)
    (last,) = steps(api, "/v1/cards/describe", q="cat")
    assert "known to Civitai" in last["sentence"]
    assert len(fake.seen) == asked


def test_one_file_that_went_away_does_not_end_the_rest(api, fake, tmp_path):
    (tmp_path / "models" / "Lora" / "aaa.safetensors").write_bytes(lora(7))
    api.post("/v1/cards/scan")
    (tmp_path / "models" / "Lora" / "aaa.safetensors").unlink()
    lines = steps(api, "/v1/cards/describe")
    assert stem_steps(lines, "described") == ["cat"]
    assert "aaa.safetensors cannot be read" in lines[-1]["sentence"]


def test_a_hundred_hashes_go_into_one_question(api, fake, tmp_path):
    for number in range(110):
        (tmp_path / "models" / "Lora" / f"m{number}.safetensors").write_bytes(lora(100 + number))
    api.post("/v1/cards/scan")
    steps(api, "/v1/cards/describe")
    bodies = [json.loads(seen.body) for seen in fake.seen if seen.path.endswith("by-hash")]
    assert [len(body) for body in bodies] == [100, 12]


def test_cards_show_that_there_is_a_newer_version_until_it_is_here(api, fake, tmp_path):
    lines = steps(api, "/v1/cards/find-updates")
    assert lines[-1]["sentence"].startswith("1 card has a newer version on Civitai.")
    page = api.get("/v1/cards?kind=lora&newer=1").json()
    assert (page["newer"], [card["stem"] for card in page["cards"]]) == (1, ["cat"])
    update = page["cards"][0]["update"]
    assert (update["version"], update["link"]) == ("v2.0", "civitai:1@6")
    assert update["published"] == "2026-05-04T10:00:00.000Z"
    (tmp_path / "models" / "Lora" / "new.safetensors").write_bytes(lora(9))
    api.post("/v1/cards/scan")
    assert api.get("/v1/cards?kind=lora").json()["newer"] == 1
    api.post(f"/v1/cards/{ids(api)['new']}/fetch").raise_for_status()
    assert api.get("/v1/cards?kind=lora").json()["newer"] == 0


def test_a_newer_version_that_lies_here_already_is_no_news(api, tmp_path):
    (tmp_path / "models" / "Lora" / "new.safetensors").write_bytes(lora(9))
    api.post("/v1/cards/scan")
    last = steps(api, "/v1/cards/find-updates")[-1]
    assert last["sentence"].startswith("No newer version on Civitai; 2 cards looked up.")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (429, "asked too often"),
        (401, "Make an API key there"),
        (403, "does not let you"),
        (503, "has trouble"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/cards/find-updates", "/v1/cards/describe"])
def test_a_refusal_becomes_the_sentence_at_the_end(api, library_services, fake, path, status, words):
    library_services.library.web._pause = lambda stop, seconds: None
    fake.behave("by-hash", lambda handler: handler.reply(status, {"error": "no"}), times=5)
    assert words in steps(api, path)[-1]["sentence"]


def test_without_a_connection_that_is_told(api, fake):
    fake.server.shutdown()
    fake.server.server_close()
    last = steps(api, "/v1/cards/find-updates")[-1]
    assert "cannot be reached" in last["sentence"]
    fake.__enter__()
