"""The data-set desk over HTTP: what is sent is there, changes can be taken back, nothing leads out."""

import io
import zipfile
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from PIL import Image, ImageDraw

from webui.api.app import build_api
from webui.core.flags import read_flags
from webui.main import build_services


@pytest.fixture
def api(library_api: TestClient) -> TestClient:
    library_api.post("/v1/datasets", json={"name": "cats"}).raise_for_status()
    return library_api


def picture(colour: str = "red", size: tuple[int, int] = (96, 64), form: str = "PNG", mark: int = 0) -> bytes:
    image = Image.new("RGB", size, colour)
    ImageDraw.Draw(image).ellipse((5 + mark, 5, 30 + mark, 40), "blue")
    file = io.BytesIO()
    image.save(file, form)
    return file.getvalue()


def archive(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as out:
        for name, data in members.items():
            out.writestr(name, data)
    return file.getvalue()


def send(api: TestClient, *files: tuple[str, bytes], name: str = "cats") -> dict:
    answer = api.post(f"/v1/datasets/{name}/files", files=[("files", file) for file in files])
    assert answer.status_code == 200, answer.text
    return answer.json()


def captions(api: TestClient) -> dict[str, str]:
    detail = api.get("/v1/datasets/cats").json()
    return {example["file"]: example["caption"] for example in detail["examples"]}


def test_pictures_captions_and_a_zip_are_sent_and_looked_at(api, library_services):
    sent = send(
        api,
        ("a.png", picture()),
        ("a.txt", "a cat, red".encode("utf-16")),
        ("broken.jpg", picture(form="JPEG")[:300]),
        ("notes.doc", b"x"),
        ("more.zip", archive({
            "b.jpg": picture("green", (64, 96), "JPEG", 9), "b.txt": "a caf\xe9, red".encode("latin-1"),
            "10_dog/c.png": picture("white", mark=20), "__MACOSX/._b.jpg": b"x", "readme.md": b"x",
        })),
    )  # fmt: skip
    assert sorted(sent["added"]) == ["10_dog/c.png", "a.png", "a.txt", "b.jpg", "b.txt"]
    assert {each["name"] for each in sent["skipped"]} == {"broken.jpg", "notes.doc", "readme.md"}

    detail = api.get("/v1/datasets/cats", params={"resolution": 64}).json()
    assert captions(api) == {"a.png": "a cat, red", "b.jpg": "a caf\xe9, red", "10_dog/c.png": "dog"}
    assert {each["file"]: each["repeats"] for each in detail["examples"]}["10_dog/c.png"] == 10
    assert detail["tags"][0] == {"tag": "red", "count": 2}
    assert sum(bucket["count"] for bucket in detail["buckets"]) == 3
    assert detail["skipped"] == [] and detail["duplicates"] == []
    (listed,) = api.get("/v1/datasets").json()["datasets"]
    assert (listed["name"], listed["pictures"], listed["captioned"]) == ("cats", 3, 2)
    assert not list(Path(listed["folder"]).rglob("incoming-*"))

    small = api.get("/v1/datasets/cats/pictures/10_dog/c.png", params={"size": 64})
    assert Image.open(io.BytesIO(small.content)).format == "WEBP"
    whole = api.get("/v1/datasets/cats/pictures/b.jpg")
    assert whole.headers["content-type"] == "image/jpeg" and whole.content == picture(
        "green", (64, 96), "JPEG", 9
    )
    cut = api.get("/v1/datasets/cats/pictures/a.png/crop", params={"resolution": 64, "crop": "focal"})
    assert Image.open(io.BytesIO(cut.content)).size in {(b["width"], b["height"]) for b in detail["buckets"]}


def test_nothing_that_is_there_is_lost_when_names_meet(api):
    send(api, ("a.png", picture()), ("a.txt", b"first"))
    sent = send(api, ("a.png", picture("green")), ("a.txt", b"second"))
    assert sorted(sent["added"]) == ["a-1.png", "a-1.txt"]
    assert captions(api) == {"a.png": "first", "a-1.png": "second"}
    again = send(api, ("a.png", picture()))
    assert again["added"] == [] and "already" in again["skipped"][0]["why"]
    send(api, ("a.txt", b"third"))
    assert captions(api)["a.png"] == "third"
    api.post("/v1/datasets/cats/undo").raise_for_status()
    assert captions(api)["a.png"] == "first"


def test_bulk_edits_are_undone_byte_by_byte_over_a_restart(api, tmp_path, library_services, fake):
    send(
        api,
        ("a.png", picture()),
        ("a.txt", "caf\xe9,  red".encode("latin-1")),
        ("b.png", picture("green", mark=9)),
    )
    folder = library_services.datasets.find("cats")
    before = {path.name: path.read_bytes() for path in folder.glob("*.txt")}
    steps = [
        ({"action": "add", "text": "old, red"}, {"a.png": "caf\xe9, red, old", "b.png": "b, old, red"}),
        ({"action": "add_front", "text": "cat"},
         {"a.png": "cat, caf\xe9, red, old", "b.png": "cat, b, old, red"}),
        ({"action": "replace", "text": "red", "with": "blue, old"},
         {"a.png": "cat, caf\xe9, blue, old, old", "b.png": "cat, b, old, blue, old"}),
        ({"action": "dedupe"}, {"a.png": "cat, caf\xe9, blue, old", "b.png": "cat, b, old, blue"}),
        ({"action": "reorder", "text": "old, blue"},
         {"a.png": "old, blue, cat, caf\xe9", "b.png": "old, blue, cat, b"}),
        ({"action": "remove", "text": "OLD", "files": ["a.png"]},
         {"a.png": "blue, cat, caf\xe9", "b.png": "old, blue, cat, b"}),
    ]  # fmt: skip
    for body, expected in steps:
        answer = api.post("/v1/datasets/cats/captions", json=body)
        assert answer.status_code == 200, answer.text
        assert captions(api) == expected and answer.json()["can_undo"]
    put = api.put("/v1/datasets/cats/captions/b.png", json={"caption": " one\nline\0 "})
    assert put.json() == {"file": "b.png", "caption": "one line"}

    services = build_services(read_flags(["--data-dir", str(tmp_path)])[0], tmp_path, fake.sites)
    again = TestClient(build_api(services), base_url="http://127.0.0.1")
    for _, expected in reversed(steps):
        assert again.post("/v1/datasets/cats/undo").status_code == 200
        assert captions(again) == expected
    # The first edit, and the caption file that was sent before it.
    assert again.post("/v1/datasets/cats/undo").json()["can_undo"]
    after_edits = {path.name: path.read_bytes() for path in folder.glob("*.txt")}
    assert again.post("/v1/datasets/cats/undo").json() == {
        "restored": ["a.txt"],
        "left": [],
        "can_undo": False,
    }
    assert after_edits == before
    refused = again.post("/v1/datasets/cats/undo")
    assert refused.status_code == 400 and "nothing to undo" in refused.json()["detail"]


def test_undoing_leaves_what_somebody_else_changed(api, library_services):
    send(api, ("a.png", picture()), ("b.png", picture("green", mark=9)))
    api.post("/v1/datasets/cats/captions", json={"action": "add", "text": "x"})
    (library_services.datasets.find("cats") / "a.txt").write_text("by hand")
    undone = api.post("/v1/datasets/cats/undo").json()
    assert undone["left"] == ["a.txt"] and undone["restored"] == ["b.txt"]
    assert captions(api) == {"a.png": "by hand", "b.png": "b"}


@pytest.mark.parametrize("name", ["p.png", "p.jpg"])
def test_a_deleted_picture_comes_back_with_its_caption(api, name):
    send(api, (name, picture(form="PNG" if name == "p.png" else "JPEG")), ("p.txt", b"a cat"))
    assert api.delete(f"/v1/datasets/cats/files/{name}").status_code == 204
    assert captions(api) == {}
    assert [each["name"] for each in api.get("/v1/trash").json()] == [name]
    assert api.post("/v1/datasets/cats/undo").json()["restored"] == [name]
    assert captions(api) == {name: "a cat"}
    api.delete(f"/v1/datasets/cats/files/{name}")
    (entry,) = api.get("/v1/trash").json()
    assert api.post(f"/v1/trash/{entry['id']}/restore").status_code == 200
    assert captions(api) == {name: "a cat"}


def test_a_deleted_data_set_comes_back_from_the_trash(api):
    send(api, ("a.png", picture()))
    assert api.delete("/v1/datasets/cats").status_code == 204
    assert api.get("/v1/datasets").json() == {"datasets": []}
    (entry,) = api.get("/v1/trash").json()
    assert api.post(f"/v1/trash/{entry['id']}/restore").status_code == 200
    assert captions(api) == {"a.png": "a"}


def test_a_folder_elsewhere_is_a_data_set_only_where_it_may_be_read(api, tmp_path, tmp_path_factory):
    mine = tmp_path / "outputs" / "mine"
    mine.mkdir(parents=True)
    (mine / "a.png").write_bytes(picture())
    made = api.post("/v1/datasets", json={"name": "mine", "folder": "outputs/mine"})
    assert made.status_code == 201 and made.json()["pictures"] == 1
    api.put("/v1/datasets/mine/captions/a.png", json={"caption": "x"}).raise_for_status()
    assert (mine / "a.txt").read_text() == "x"
    assert api.delete("/v1/datasets/mine/files/a.png").status_code == 204
    assert api.post("/v1/datasets/mine/undo").status_code == 200
    assert api.delete("/v1/datasets/mine").status_code == 204
    assert (mine / "a.png").read_bytes() == picture()

    other = tmp_path_factory.mktemp("other")
    for folder in (str(other), "/etc", "../..", "~", "outputs/none"):
        refused = api.post("/v1/datasets", json={"name": "theirs", "folder": folder})
        assert refused.status_code == 400 and refused.json()["detail"].endswith("."), folder
    assert len(api.get("/v1/datasets").json()["datasets"]) == 1


@pytest.mark.parametrize("name", ["", " ", "..", "a/b", ".x", "con", "a\0b", "x" * 300, "<b>"])
def test_a_data_set_has_a_safe_name(api, name):
    assert api.post("/v1/datasets", json={"name": name}).status_code in (400, 422)


def test_no_file_outside_is_given_out_or_written(api, library_services, tmp_path):
    send(
        api, ("a.png", picture()), ("../b.png", picture()), ("x.zip", archive({"../../evil.png": picture()}))
    )
    folder = library_services.datasets.find("cats")
    (tmp_path / "secret.png").write_bytes(picture("green"))
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    assert not list(tmp_path.rglob("evil*")) and not list(tmp_path.rglob("b.png"))
    for file in (
        "../../secret.png",
        "link.png",
        "%2e%2e/%2e%2e/secret.png",
        ".desk/facts.json",
        "a.txt",
        "/etc/passwd",
    ):
        assert api.get(f"/v1/datasets/cats/pictures/{file}").status_code == 404, file
        assert api.put(f"/v1/datasets/cats/captions/{file}", json={"caption": "x"}).status_code in (
            404,
            405,
        ), file
        assert api.delete(f"/v1/datasets/cats/files/{file}").status_code in (404, 405), file
    detail = api.get("/v1/datasets/cats").json()
    assert [each["file"] for each in detail["examples"]] == ["a.png"]
    assert detail["skipped"] == [{"name": "link.png", "why": "it is a link to a file outside the data set"}]


def test_a_stranger_on_the_network_gets_nothing(tmp_path, fake):
    flags = ["--data-dir", str(tmp_path), "--listen", "--gradio-auth", "me:secret"]
    api = TestClient(
        build_api(build_services(read_flags(flags)[0], tmp_path, fake.sites)), base_url="http://127.0.0.1"
    )
    for path in ("", "/cats", "/cats/pictures/a.png"):
        assert api.get(f"/v1/datasets{path}").status_code in (401, 403)


def test_duplicates_are_found_over_formats_and_sizes(api):
    send(
        api, ("a.png", picture("green", (300, 200))), ("b.jpg", picture("green", (300, 200), "JPEG")),
        ("c.png", picture("green", (300, 200), mark=90)), ("d.png", picture("yellow", (300, 200))),
    )  # fmt: skip
    assert api.get("/v1/datasets/cats").json()["duplicates"] == [["a.png", "b.jpg"]]
