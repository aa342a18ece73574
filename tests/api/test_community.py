"""/v1/community: from an address to an installed extension and back, by the API alone."""

import json
from collections.abc import Iterator

import pytest

from tests.repositories import Repositories, serve_repositories

SCRIPT = "import subprocess\n\ndef go():\n    subprocess.run(['ls'])\n"
FILES = {"scripts/go.py": SCRIPT, "requirements.txt": "lxml==5.1\nnumpy<2\n", "words.txt": "one\n"}


@pytest.fixture
def served(tmp_path) -> Iterator[Repositories]:
    home = tmp_path / "remote"
    home.mkdir()
    with serve_repositories(home) as served:
        yield served


def lines(answer) -> list[dict]:
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def stage(api, url: str, **more) -> dict:
    last = lines(api.post("/v1/community/staged", json={"url": url, **more}))[-1]
    assert "staged" in last, last
    return last["staged"]


def install(api, url: str, **more) -> dict:
    token = stage(api, url, **more)["token"]
    return api.post(f"/v1/community/staged/{token}/install").raise_for_status().json()


def look(api) -> dict:
    return {each["name"]: each for each in api.get("/v1/community").raise_for_status().json()["extensions"]}


def test_an_extension_is_read_shown_installed_updated_rolled_back_removed_and_restored(
    library_api, tmp_path, served
):
    first = served.make("sd-tagger", FILES)
    url = served.url("sd-tagger")
    staged = stage(library_api, url)
    assert [each["kind"] for each in staged["report"]["found"]] == ["programs"]
    assert staged["report"]["found"][0]["places"][0]["what"] == "subprocess.run"
    assert [(each["name"], bool(each["remark"])) for each in staged["report"]["packages"]] == [
        ("lxml", False),
        ("numpy", True),
    ]
    folder = tmp_path / "extensions" / "sd-tagger"
    assert not folder.exists()
    answer = library_api.post(f"/v1/community/staged/{staged['token']}/install").raise_for_status().json()
    assert (answer["commit"], answer["branch"], answer["url"]) == (first, "main", url)
    assert answer["distrust"] == "" and answer["is_checked"]
    assert (folder / "scripts" / "go.py").read_text() == SCRIPT

    # What the extension wrote itself stays; what the commit changed comes.
    (folder / "mine.json").write_text("{}")
    second = served.commit("sd-tagger", {"scripts/more.py": "eval('1')\n", "words.txt": "two\n"})
    path = "/v1/community/extensions/sd-tagger"
    check = library_api.post(f"{path}/check").raise_for_status().json()
    assert check == {"name": "sd-tagger", "commit": second, "is_newer": True}
    update = lines(library_api.post(f"{path}/update", json={}))[-1]["staged"]
    assert update["replaces"] and update["was"]["commit"] == first
    library_api.post(f"/v1/community/staged/{update['token']}/install").raise_for_status()
    assert (folder / "words.txt").read_text() == "two\n"
    assert (folder / "mine.json").read_text() == "{}"
    assert look(library_api)["sd-tagger"]["previous_commit"] == first

    back = library_api.post(f"{path}/roll-back").raise_for_status().json()
    assert (back["commit"], back["distrust"]) == (first, "")
    assert not (folder / "scripts" / "more.py").exists()
    assert (folder / "mine.json").read_text() == "{}"

    removed = library_api.delete(path).raise_for_status().json()["removed"][0]
    assert not folder.exists() and look(library_api) == {}
    restored = library_api.post(f"/v1/community/trash/{removed['id']}/restore").raise_for_status().json()
    assert (restored["commit"], restored["distrust"]) == (first, "")
    verbs = [each["what"] for each in library_api.get("/v1/community/audit").json()]
    assert verbs == ["restore", "remove", "roll back", "update", "install"]
    leftover = list((tmp_path / "extensions" / ".incoming").iterdir())
    assert leftover == []
