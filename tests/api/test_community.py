"""/v1/community: from an address to an installed extension and back, by the API alone."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.repositories import Repositories, serve_repositories
from webui.api.app import build_api
from webui.core.flags import read_flags
from webui.library.community.native_features import read_native_features
from webui.main import build_services

ROOT = Path(__file__).parents[2]

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


def test_a_tree_that_was_changed_on_disk_is_named_and_not_run_until_it_is_accepted(
    library_api, tmp_path, served
):
    marks = tmp_path / "ran"
    served.make("warm", {"plugin.py": "x = 1\n"})
    install(library_api, served.url("warm"))
    path = tmp_path / "extensions" / "warm" / "plugin.py"
    path.write_text(f"open({str(marks)!r}, 'w')\n")

    def start():
        return build_services(read_flags(["--data-dir", str(tmp_path)])[0], tmp_path)

    record = next(each for each in start().extensions.records if each.name == "warm")
    assert (record.state, marks.exists()) == ("not loaded", False)
    assert "'warm'" in record.error and "changed it on disk" in record.error
    shown = look(library_api)["warm"]
    assert "changed it on disk" in shown["distrust"]

    url = "/v1/community/extensions/warm"
    code = library_api.get(f"{url}/code").raise_for_status().json()
    path.write_text(f"open({str(marks)!r}, 'w')\nx = 2\n")
    assert library_api.post(f"{url}/accept", json={"tree": code["tree"]}).status_code == 409
    code = library_api.get(f"{url}/code").raise_for_status().json()
    assert library_api.post(f"{url}/accept", json={"tree": code["tree"]}).json()["distrust"] == ""
    assert next(each for each in start().extensions.records if each.name == "warm").state == "on"
    assert marks.exists()


@pytest.mark.parametrize(
    ("flags", "headers", "allowed"),
    [
        ([], {}, True),
        (["--server-name", "localhost"], {}, True),
        (["--listen"], {}, False),
        (["--server-name", "0.0.0.0"], {}, False),
        (["--cors-allow-origins", "*"], {}, False),
        (["--api-auth", "bob:blue", "--listen"], {"Authorization": "Basic Ym9iOmJsdWU="}, False),
        ([], {"X-Forwarded-For": "1.2.3.4"}, False),
        (["--gradio-auth", "ann:red", "--listen"], {"Authorization": "Basic YW5uOnJlZA=="}, True),
        (["--gradio-auth", "ann:red"], {}, False),
    ],
)
def test_only_the_owner_on_the_machine_or_with_a_login_changes_what_code_runs(
    tmp_path, served, flags, headers, allowed
):
    served.make("quiet", FILES)
    services = build_services(
        read_flags(["--data-dir", str(tmp_path / "home"), *flags])[0], tmp_path / "home"
    )
    api = TestClient(build_api(services), base_url="http://127.0.0.1", headers=headers)
    name = "/v1/community/extensions/quiet"
    calls = [
        ("POST", "/v1/community/staged", {"url": served.url("quiet")}),
        ("POST", "/v1/community/index", {"url": f"{served.address}/index.json"}),
        ("PUT", "/v1/community/index", {"extensions": []}),
        ("POST", "/v1/community/staged/x/install", None),
        ("POST", f"{name}/check", None),
        ("POST", f"{name}/update", {}),
        ("POST", f"{name}/roll-back", None),
        ("POST", f"{name}/accept", {"tree": ""}),
        ("DELETE", name, None),
        ("PUT", "/v1/community/order", {"names": ["quiet"]}),
        ("POST", f"/v1/community/trash/{'0' * 16}/restore", None),
        ("DELETE", f"/v1/community/trash/{'0' * 16}", None),
    ]
    served.asked.clear()
    answers = [(path, api.request(method, path, json=body)) for method, path, body in calls]
    if allowed:
        assert all(answer.status_code not in (401, 403) for _, answer in answers)
        return
    assert [path for path, answer in answers if answer.status_code not in (401, 403)] == []
    assert all(answer.json()["detail"].endswith((".", "authentication.")) for _, answer in answers)
    assert served.asked == [] and not (tmp_path / "home" / "extensions").exists()


def test_what_is_native_is_told_before_anything_is_fetched(library_api):
    answer = library_api.post(
        "/v1/community/staged", json={"url": "https://github.com/Mikubill/sd-webui-controlnet.git"}
    )
    (line,) = lines(answer)
    assert line["native"]["opens"] == "part:controlnet" and "built in" in line["native"]["sentence"]


def test_every_native_feature_is_one_of_this_program(tmp_path):
    plugins = build_services(read_flags(["--data-dir", str(tmp_path)])[0], ROOT).plugins
    titles = {script.title for script in plugins.scripts.values()}
    tabs = {"txt2img", "img2img", "extras", "train", "settings"}
    for name, feature in read_native_features().items():
        kind, _, what = feature.opens.partition(":")
        known = {"part": set(plugins.parts), "script": titles, "tab": tabs, "cards": {"lora", "checkpoint"}}
        assert not feature.opens or what in known[kind], name
        assert feature.sentence.endswith(".") and (bool(feature.title) == bool(feature.opens)), name
    assert sum(each.needs_a1111 for each in read_native_features().values()) == 30


LATER = "2025-01-02T00:00:00Z"
INDEX = {
    "tags": {"script": "a script", "x" * 999: "y" * 999, "bad": 1},
    "extensions": [
        {"name": "One\u202e\n", "url": "https://github.com/a/one", "tags": ["script", 7],
         "description": "d" * 9999, "added": "2023-01-02", "stars": 5, "commit_time": LATER},
        {"name": "Two", "url": "https://github.com/mikubill/sd-webui-controlnet",
         "stars": -1, "added": "<b>"},
        {"name": "file", "url": "file:///etc/passwd"}, {"name": "none"}, 7, None,
        {"url": "javascript:alert(1)"},
    ],
}  # fmt: skip


def test_the_public_list_is_fetched_when_asked_for_kept_and_checked(library_api, served, tmp_path):
    assert library_api.get("/v1/community/index").json() is None
    (served.home / "index.json").write_text(json.dumps(INDEX))
    address = f"{served.address}/index.json"
    index = library_api.post("/v1/community/index", json={"url": address}).raise_for_status().json()
    one, two = index["extensions"]
    assert (one["name"], one["tags"], one["stars"], one["updated"]) == (
        "One",
        ["script", ""],
        5,
        LATER,
    )
    assert (
        len(one["description"]) == 600
        and two["native"]["opens"] == "part:controlnet"
        and two["stars"] is None
    )
    assert (index["left_out"], two["added"], len(index["tags"])) == (5, "", 3)
    (served.home / "index.json").write_text("[]")
    assert library_api.post("/v1/community/index", json={"url": address}).status_code == 422
    assert library_api.get("/v1/community/index").json() == index
    assert library_api.put("/v1/community/index", json=INDEX).json()["source"] == "a file"


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"{}", b'{"extensions": 1}', b"[" * 100_000, b"\xff\xfe"])
def test_a_file_that_is_no_list_is_refused_with_a_sentence(library_api, data):
    answer = library_api.put("/v1/community/index", content=data)
    assert answer.status_code == 422 and "no list of extensions" in answer.json()["detail"]


def test_a_set_is_kept_and_says_what_brings_it_back(library_api, tmp_path, served):
    first = served.make("one", FILES)
    served.make("two", FILES)
    install(library_api, served.url("one"))
    install(library_api, served.url("two"))
    path = "/v1/community/extensions"
    library_api.patch(f"{path}/two", json={"wanted": False}).raise_for_status()
    kept = library_api.get("/v1/community/set").raise_for_status().json()
    assert [(each["name"], each["commit"] == first, each["enabled"]) for each in kept["extensions"]] == [
        ("one", True, True),
        ("two", kept["extensions"][1]["commit"] == first, False),
    ]

    def plan(content) -> dict[str, str]:
        steps = library_api.post("/v1/community/set", json={"content": content}).raise_for_status().json()
        return {each["member"]["name"]: each["action"] for each in steps}

    assert plan(kept) == {"one": "nothing", "two": "nothing"}
    served.commit("one", {"scripts/go.py": "x = 1\n"})
    update = lines(library_api.post(f"{path}/one/update", json={}))[-1]["staged"]["token"]
    library_api.post(f"/v1/community/staged/{update}/install").raise_for_status()
    library_api.patch(f"{path}/two", json={"wanted": True}).raise_for_status()
    assert plan(kept) == {"one": "switch", "two": "disable"}
    library_api.delete(f"{path}/two").raise_for_status()
    hostile = {"name": "../x", "url": "file:///etc"}
    assert plan({**kept, "extensions": [*kept["extensions"], hostile]}) == {
        "one": "switch",
        "two": "install",
        "../x": "refuse",
    }
    states = {"extensions": {"one": {"remote": served.url("one"), "commit_hash": first, "enabled": True}}}
    assert plan(states) == {"one": "switch"}
    back = lines(library_api.post(f"{path}/one/update", json={"commit": first}))[-1]["staged"]["token"]
    library_api.post(f"/v1/community/staged/{back}/install").raise_for_status()
    assert plan(states) == {"one": "nothing"} and look(library_api)["one"]["is_pinned"]
    assert library_api.post("/v1/community/set", json={"content": {"a": 1}}).status_code == 422


def test_extensions_are_loaded_in_the_order_that_was_chosen(library_api, tmp_path, served):
    for name in ("alpha", "beta"):
        served.make(name, {"plugin.py": "x = 1\n"})
        install(library_api, served.url(name))
    library_api.put("/v1/community/order", json={"names": ["beta", "../x", "alpha"]}).raise_for_status()
    assert list(look(library_api)) == ["beta", "alpha"]
    services = build_services(read_flags(["--data-dir", str(tmp_path)])[0], tmp_path)
    names = [each.name for each in services.extensions.records if each.name in ("alpha", "beta")]
    assert names == ["beta", "alpha"]


@pytest.mark.parametrize("name", ["%2e%2e", "..%2f..", "none", "%00", ".incoming", "con", "controlnet"])
def test_a_name_that_is_none_of_those_that_were_added_reaches_nothing(library_api, tmp_path, name):
    (tmp_path / "extensions" / ".incoming").mkdir(parents=True)
    for method, rest in (("DELETE", ""), ("GET", "/code"), ("POST", "/roll-back"), ("POST", "/check")):
        answer = library_api.request(method, f"/v1/community/extensions/{name}{rest}")
        assert answer.status_code in (400, 404, 405), (method, rest, answer.text)
    assert (tmp_path / "extensions" / ".incoming").exists()


def test_what_goes_wrong_on_the_way_is_the_last_line(library_api, served):
    last = lines(library_api.post("/v1/community/staged", json={"url": f"{served.address}/none.git"}))[-1]
    assert "no such repository" in last["error"]
    assert library_api.post("/v1/community/staged", json={"url": "git@github.com:a/b"}).status_code == 400
    assert library_api.post("/v1/community/staged/none/install").status_code == 404


def test_the_log_tells_what_was_done_and_is_only_added_to(library_api, served, tmp_path):
    served.make("one", FILES)
    install(library_api, served.url("one"))
    (entry,) = library_api.get("/v1/community/audit").json()
    assert (entry["what"], entry["name"], entry["url"]) == ("install", "one", served.url("one"))
    log = tmp_path / "data" / "extensions-audit.jsonl"
    before = log.read_bytes()
    library_api.delete("/v1/community/extensions/one").raise_for_status()
    assert log.read_bytes().startswith(before) and log.read_bytes() != before
