"""Folders and patterns for pictures, set by whoever uses the server: nothing leads out of the data folder."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from webui.api.app import build_api
from webui.core.errors import InvalidRequest, StorageError, WebuiError
from webui.core.flags import read_flags
from webui.core.request import GenerationRequest
from webui.core.settings import FOLDER_PATTERN_KEYS, NAME_PATTERN_KEYS, Folders, Settings
from webui.main import build_services
from webui.store.files.folder_rules import FolderRules
from webui.store.pictures.filenames import NameFacts, Naming, file_name, folder_parts
from webui.store.pictures.images import ImageFiles
from webui.store.settings_file import SettingsFile
from webui.store.texts.encoding import PictureNotes

FOLDER_KEYS = list(Folders.model_fields)
OUTSIDE = [
    *(
        "/etc",
        "/tmp/atelier",
        "//server/share",
        "\\\\server\\share",
        "\\outside",
        "C:\\outside",
        "C:outside",
        "c:/x",
    ),
    *(
        "..",
        "../outside",
        "outputs/../../outside",
        "outputs\\..\\..\\outside",
        "a/.. /.. /b",
        "a/.../b",
        "x/..",
    ),
    *(
        "~",
        "~/pictures",
        "~root/x",
        "outputs/nul",
        "CON",
        "a/com1.txt/b",
        "outputs/x:stream",
        "a\0b",
        "a\nb",
        "\x7f",
    ),
    *(
        "a" * 256,
        "a/" * 2000,
        "/proc/self/fd",
        "/dev/shm",
        "outputs/../..",
        ".git/hooks",
        "a/.venv",
        "webui/ui",
    ),
    *("extensions/x", "\ud800", 'outputs/"x"', "file:///etc", "outputs/a|b"),
]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    return home


@pytest.fixture
def rules(home: Path) -> FolderRules:
    return FolderRules(home)


@pytest.fixture
def api(home: Path) -> TestClient:
    flags, _ = read_flags(["--data-dir", str(home), "--models-dir", str(home / "models")])
    return TestClient(build_api(build_services(flags, home)), base_url="http://127.0.0.1")


@pytest.mark.parametrize("folder", OUTSIDE)
def test_a_folder_outside_is_refused_in_a_sentence(folder, rules):
    for key in FOLDER_KEYS:
        with pytest.raises(InvalidRequest) as refused:
            rules.check(Settings(), Settings().changed({key: folder}))
        assert key in str(refused.value)
        assert str(refused.value).endswith(".")
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "folder", ["", ".", "mine", "outputs/mine/2026", "outputs/..mine", "a b/ü", "log/x.y"]
)
def test_a_folder_inside_is_taken(folder, rules, home):
    for key in FOLDER_KEYS:
        rules.check(Settings(), Settings().changed({key: folder}))
        rules.check(Settings(), Settings().changed({key: str(home / folder)}))


def test_links_that_lead_out_are_refused_unless_they_stand_for_the_usual_folders(home, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (home / "link").symlink_to(outside)
    (home / "loop").symlink_to(home / "loop")
    (home / "file").write_text("x")
    os.mkfifo(home / "pipe")
    rules = FolderRules(home)
    for folder in ("link", "link/deeper", "loop", "loop/x", "file", "file/x", "pipe"):
        with pytest.raises(InvalidRequest):
            rules.check_folder("The folder", folder)
    (home / "outputs").symlink_to(outside)
    assert rules.check_folder("The folder", "outputs/mine") == home / "outputs" / "mine"


def test_the_owner_can_allow_more(home, tmp_path):
    flags, _ = read_flags(["--allow-folder", str(tmp_path / "disk"), "relative", "--data-dir", str(home)])
    rules = FolderRules(home, flags.allowed_folders(tmp_path))
    rules.check_folder("It", str(tmp_path / "disk" / "pictures"))
    rules.check_folder("It", str(tmp_path / "relative"))
    for folder in (tmp_path, tmp_path / "disk2", tmp_path / "disk" / ".." / "other"):
        with pytest.raises(InvalidRequest):
            rules.check_folder("It", str(folder))


PARTS = st.sampled_from(
    [
        *(
            "..",
            ".",
            "...",
            ".. ",
            "~",
            "outputs",
            "link",
            "a",
            "CON",
            "\\",
            "/",
            "//",
            "C:",
            "",
            " ",
            "\0",
            "ä",
            "etc",
        )
    ]
)


@given(
    st.lists(PARTS, max_size=6), st.sampled_from(["/", "\\", ""]), st.sampled_from(["", "/", "//", "\\\\"])
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_taken_lies_inside(tmp_path, parts, separator, before):
    home = tmp_path / "home"
    (home / "a").mkdir(parents=True, exist_ok=True)
    if not (home / "link").is_symlink():
        (home / "link").symlink_to("/etc")
    try:
        path = FolderRules(home).check_folder("It", before + separator.join(parts))
    except InvalidRequest:
        return
    assert path.resolve().is_relative_to(home.resolve())


def test_options_that_lead_out_are_refused_and_change_nothing(api, home):
    before = api.get("/sdapi/v1/options").json()
    for key in FOLDER_KEYS:
        answer = api.post("/sdapi/v1/options", json={key: "/etc", "n_rows": 7})
        assert answer.status_code == 400
        assert "--allow-folder" in answer.json()["detail"]
    for key in (*NAME_PATTERN_KEYS, *FOLDER_PATTERN_KEYS):
        for pattern in ("../[seed]", "/etc/[seed]", "C:\\[seed]", "a/../b", "\\\\host\\[seed]", "x\0y"):
            assert api.post("/sdapi/v1/options", json={key: pattern}).status_code == 400
        assert api.post("/sdapi/v1/options", json={key: "x" * 501}).status_code == 400
    assert api.get("/sdapi/v1/options").json() == before
    assert not (home / "data" / "settings.json").exists()


def test_all_options_can_be_sent_back_as_they_came(api, home):
    """As open-webui does; also where the owner wrote a folder elsewhere into the file."""
    (home / "data").mkdir(exist_ok=True)
    (home / "data" / "settings.json").write_text(json.dumps({"outdir_samples": "/mnt/pictures"}))
    assert api.post("/sdapi/v1/options", json={"n_rows": 2}).status_code == 200
    found = api.get("/sdapi/v1/options").json()
    assert api.post("/sdapi/v1/options", json=found | {"n_rows": 3}).status_code == 200
    found = api.get("/sdapi/v1/options").json()
    assert (found["outdir_samples"], found["n_rows"]) == ("/mnt/pictures", 3)
    assert api.post("/sdapi/v1/options", json={"outdir_samples": "/mnt/other"}).status_code == 400


def test_what_the_owner_wrote_into_the_file_is_used(tmp_path):
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"outdir_samples": str(tmp_path / "elsewhere")}))
    file = SettingsFile(path, FolderRules(tmp_path / "home"))
    assert file.current.folders.outdir_samples == str(tmp_path / "elsewhere")
    assert file.messages == ()


@pytest.mark.parametrize("route", ["txt2img", "img2img"])
@pytest.mark.parametrize("key", [*FOLDER_KEYS, *NAME_PATTERN_KEYS, *FOLDER_PATTERN_KEYS])
def test_a_request_carries_no_folder_and_no_pattern(key, route, api):
    picture = "R0lGODdhAQABAIABAP///wAAACwAAAAAAQABAAACAkQBADs="
    for value in ("/etc", "inside", "[seed]"):
        body = {"prompt": "x", "init_images": [picture], "override_settings": {key: value}}
        for keeps in (True, False):
            body["override_settings_restore_afterwards"] = keeps
            answer = api.post(f"/sdapi/v1/{route}", json=body)
            assert answer.status_code == 400, answer.text
            assert key in answer.json()["detail"]
    current = Settings().options()[key]
    assert Settings().changed_for_request({key: current}) == Settings()


TOKENS = [
    *(
        "[prompt]",
        "[prompt_spaces]",
        "[prompt_words]",
        "[styles]",
        "[user]",
        "[model_name]",
        "[vae_filename]",
    ),
    *(
        "[hasprompt<../x|../../y>]",
        "[datetime<../../%Y>]",
        "[datetime<%Y/../..>]",
        "[../..]",
        "[none]",
        "[seed]",
    ),
    *("/", "\\", "..", "../", "..\\", "~", "C:", "\0", " ", ".", "CON", "a", "\ud800", "//", "\n"),
]
TEXTS = st.text(max_size=300) | st.sampled_from(
    ["../../etc/passwd", "/etc", "..", "a/b", "\\\\x\\y", "\0", "." * 300]
)


@given(st.lists(st.sampled_from(TOKENS), max_size=8).map("".join), TEXTS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_no_pattern_and_no_prompt_makes_a_name_that_leads_out(tmp_path, pattern, text):
    image = Image.new("RGB", (8, 8))
    facts = NameFacts(
        request=GenerationRequest(prompt=text),
        seed=1,
        model_name=text,
        vae_name=text,
        user=text,
        styles=(text,),
        now=datetime(2026, 1, 1, tzinfo=UTC),
    )
    naming = Naming(facts, image)
    for part in (file_name(pattern, naming), *folder_parts(pattern, naming)):
        assert not set(part) & set('/\\\0:*?"<>|\n')
        assert part not in (".", "..")
        assert len(part.encode()) < 255
    home = tmp_path / "home"
    files = ImageFiles(home)
    saving = Settings().saving.model_copy(
        update={"samples_filename_pattern": pattern, "directories_filename_pattern": pattern}
    )
    try:
        saved = files.save(image, PictureNotes("x"), facts, saving, "outputs")
    except WebuiError as error:
        assert isinstance(error, StorageError)
        return
    assert saved.path.resolve().is_relative_to((home / "outputs").resolve())
    assert [path for path in tmp_path.iterdir() if path != home] == []


def test_a_pattern_does_not_follow_a_link_out_of_its_folder(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "1.png").write_text("mine")
    folder = tmp_path / "home" / "outputs"
    folder.mkdir(parents=True)
    (folder / "link").symlink_to(outside)
    (folder / "1.png").symlink_to(outside / "1.png")
    saving = (
        Settings()
        .changed({"directories_filename_pattern": "[prompt]", "save_images_add_number": False})
        .saving
    )
    facts = NameFacts(request=GenerationRequest(prompt="link"), seed=1)
    files, image = ImageFiles(tmp_path / "home"), Image.new("RGB", (8, 8))
    with pytest.raises(StorageError, match="link"):
        files.save(image, PictureNotes(None), facts, saving, "outputs")
    # A file that is a link is replaced, not written through.
    files.save(image, PictureNotes(None), facts, saving, "outputs", in_subfolder=False)
    assert [path.read_text() for path in outside.iterdir()] == ["mine"]
