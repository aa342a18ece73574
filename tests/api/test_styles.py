"""Styles over HTTP: listed, changed, deleted and put back, applied to prompts and found in them."""

import json

import pytest
from fastapi.testclient import TestClient

from webui.api.app import build_api
from webui.core.flags import read_flags
from webui.main import build_services

TABLE = (
    b"\xef\xbb\xbfname,prompt,negative_prompt,notes\r\n"
    b'ink,"ink, {prompt}",blurry,mine\r\noil,oil painting,,\r\n'
)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "styles.csv"


@pytest.fixture
def api(library_api, file):
    file.write_bytes(TABLE)
    return library_api


@pytest.fixture
def several_styles(tmp_path):
    """Two files of one name in two folders, and a pattern."""
    for folder, prompt in (("one", "first"), ("two", "second")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.csv").write_text(f"name,prompt\nboth,{prompt}\n{folder},x\n")
    (tmp_path / "b.csv").write_text("name,prompt\nb,x\n")
    files = [words for name in ("one/a.csv", "two/a.csv", "b*.csv") for words in ("--styles-file", name)]
    flags, _ = read_flags(["--data-dir", str(tmp_path), *files])
    services = build_services(flags, tmp_path)
    yield TestClient(build_api(services), base_url="http://127.0.0.1")
    services.library.close()


def styles(api):
    return {style["name"]: style for style in api.get("/v1/styles").raise_for_status().json()["styles"]}


def test_a_style_is_made_renamed_deleted_and_put_back_where_it_stood(api, file):
    whole = api.get("/v1/styles").json()
    assert [each["label"] for each in whole["files"]] == ["styles.csv"]
    ink = whole["styles"][0]
    assert (ink["name"], ink["prompt"], ink["negative_prompt"], ink["file"]) == (
        *("ink", "ink, {prompt}", "blurry"),
        "styles.csv",
    )
    changed = (
        api.put("/v1/styles", json=ink | {"old_name": "ink", "name": " inky "}).raise_for_status().json()
    )
    assert changed["name"] == "inky"
    gone = api.delete("/v1/styles", params={"name": "inky", "version": changed["version"]}).raise_for_status()
    assert list(styles(api)) == ["oil"]
    assert "“inky” was deleted" in gone.json()["sentence"]
    back = api.post(f"/v1/styles/deleted/{gone.json()['id']}/restore").raise_for_status().json()
    assert back == changed
    assert file.read_bytes() == TABLE.replace(b"\nink,", b"\ninky,")
    assert api.post(f"/v1/styles/deleted/{gone.json()['id']}/restore").status_code == 404
    made = api.post("/v1/styles", json={"name": "a/b?c", "prompt": "x\ny"}).raise_for_status().json()
    assert styles(api)["a/b?c"] == made
    assert whole["version"] != api.get("/v1/styles").json()["version"]


@pytest.mark.parametrize("name", ["", "  ", "#note", "two\nlines", "x" * 201, "\ud800", "ink"])
def test_a_name_that_cannot_be_is_refused_and_nothing_written(api, file, name):
    is_json = {"content-type": "application/json"}
    answer = api.post("/v1/styles", content=json.dumps({"name": name, "prompt": "x"}), headers=is_json)
    assert answer.status_code == 400
    assert answer.json()["detail"].endswith(".")
    oil = styles(api)["oil"]
    body = oil | {"old_name": "oil", "name": name}
    assert api.put("/v1/styles", content=json.dumps(body), headers=is_json).status_code == 400
    assert file.read_bytes() == TABLE


def test_what_was_changed_by_hand_is_seen_and_not_written_over(api, file):
    ink = styles(api)["ink"]
    file.write_bytes(TABLE.replace(b"blurry", b"soft") + b"by hand,x,y,\r\n")
    assert styles(api)["by hand"]["prompt"] == "x"
    refused = api.put("/v1/styles", json=ink | {"old_name": "ink", "prompt": "mine"})
    assert refused.status_code == 409
    assert api.delete("/v1/styles", params={"name": "ink", "version": ink["version"]}).status_code == 409
    assert api.delete("/v1/styles", params={"name": "none", "version": ""}).status_code == 404
    assert styles(api)["ink"]["negative_prompt"] == "soft"


def test_each_style_stays_in_its_own_of_several_files(several_styles, tmp_path):
    whole = several_styles.get("/v1/styles").json()
    assert [file["label"] for file in whole["files"]] == ["one/a.csv", "two/a.csv", "b.csv"]
    both = {style["name"]: style for style in whole["styles"]}["both"]
    assert both["file"] == "two/a.csv"
    made = several_styles.post("/v1/styles", json={"name": "new", "prompt": "x", "file": "b.csv"})
    assert made.raise_for_status().json()["file"] == "b.csv"
    assert several_styles.post("/v1/styles", json={"name": "y", "file": "../c.csv"}).status_code == 404
    several_styles.put("/v1/styles", json=both | {"old_name": "both", "prompt": "z"}).raise_for_status()
    assert b"z" in (tmp_path / "two" / "a.csv").read_bytes()
    assert b"z" not in (tmp_path / "one" / "a.csv").read_bytes()
    version = styles(several_styles)["both"]["version"]
    gone = several_styles.delete("/v1/styles", params={"name": "both", "version": version}).json()
    assert "Another of that name, in one/a.csv, counts now." in gone["sentence"]
    several_styles.post(f"/v1/styles/deleted/{gone['id']}/restore").raise_for_status()
    assert styles(several_styles)["both"]["file"] == "two/a.csv"


def test_styles_are_applied_and_found_again_and_unknown_names_said(api):
    applied = api.post(
        "/v1/styles/apply",
        json={"prompt": "a cat", "negative_prompt": "ugly", "names": ["oil", "ink", "nosuch", "None"]},
    ).json()
    assert (applied["prompt"], applied["negative_prompt"]) == ("ink, a cat, oil painting", "ugly, blurry")
    assert applied["names"] == ["nosuch"]
    assert "no style “nosuch”" in applied["sentence"]
    found = api.post("/v1/styles/extract", json=applied).json()
    assert found == {"prompt": "a cat", "negative_prompt": "ugly", "names": ["oil", "ink"]}
