"""What `/file=` gives out, and what never."""

from pathlib import Path

import gradio as gr
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from webui.compat.a1111.host import ExtensionHost
from webui.compat.a1111.javascript.static_files import CARD_PICTURE, ExtensionFiles, is_static
from webui.core.flags import read_flags
from webui.main import build_services
from webui.plugins.community import CommunityFolder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with an extension that runs, one that does not, and files of all sorts."""
    home = tmp_path_factory.mktemp("home")
    for name in ("on", "off"):
        for file in (
            "javascript/a.js",
            "javascript/token_counter.js",
            "tags/danbooru.csv",
            "app/index.html",
            "data.json",
            "config.json",
            "my_api_key.txt",
            "secrets.yaml",
            "storage/texts.json",
            ".git/config",
            ".env",
            ".hidden.json",
            "cache.db",
            "cache.sqlite3",
            "scripts/main.py",
            "model.safetensors",
            "key.pem",
            "README",
        ):
            path = home / "extensions" / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("content")
    for picture in ("outputs/txt2img-images/a.png", "models/Lora/a.preview.png", "elsewhere/a.png"):
        path = home / picture
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(path)
    for file in ("tmp/paths.txt", "tmp/keys.json", "settings.json", "keys.json", "models/Lora/a.json"):
        (home / file).parent.mkdir(parents=True, exist_ok=True)
        (home / file).write_text("{}")
    on = home / "extensions" / "on"
    (on / "link.json").symlink_to(home / "settings.json")
    (on / "everything").symlink_to(home)
    return home


@pytest.fixture(scope="module")
def files(home: Path) -> ExtensionFiles:
    """Of a host on which one of the two extensions runs."""
    flags, _ = read_flags(["--data-dir", str(home), "--models-dir", str(home / "models"), "--safe"])
    folders = (CommunityFolder("on", home / "extensions" / "on"),)
    return ExtensionFiles(ExtensionHost(home, services=build_services(flags, home), folders=folders))


GIVEN = (
    "extensions/on/javascript/a.js",
    "./extensions/on/javascript/a.js",
    "extensions/on/javascript/token_counter.js",
    "extensions/on/tags/danbooru.csv",
    "extensions/on/app/index.html",
    "extensions/on/data.json",
    "outputs/txt2img-images/a.png",
    "models/Lora/a.preview.png",
    "tmp/paths.txt",
)
KEPT = (
    "",
    ".",
    "/",
    "extensions",
    "extensions/on",
    "extensions/on/",
    "extensions/on/config.json",
    "extensions/on/my_api_key.txt",
    "extensions/on/secrets.yaml",
    "extensions/on/storage/texts.json",
    "extensions/on/.git/config",
    "extensions/on/.env",
    "extensions/on/.hidden.json",
    "extensions/on/cache.db",
    "extensions/on/cache.sqlite3",
    "extensions/on/scripts/main.py",
    "extensions/on/model.safetensors",
    "extensions/on/key.pem",
    "extensions/on/README",
    "extensions/on/link.json",
    "extensions/on/everything/tmp/keys.json",
    "extensions/on/everything/settings.json",
    "extensions/on/../../settings.json",
    "extensions/on/..\\..\\settings.json",
    "extensions/off/javascript/a.js",
    "elsewhere/a.png",
    "tmp/keys.json",
    "settings.json",
    "keys.json",
    "models/Lora/a.json",
    "webui.db",
    "/etc/passwd",
    "/proc/self/environ",
    "//etc/passwd",
    "extensions/on/data.json\0.png",
    "x" * 5000,
)


@pytest.mark.parametrize("path", GIVEN)
def test_static_files_and_pictures_are_given(files: ExtensionFiles, home: Path, path: str):
    found = files.find(path)
    assert found is not None
    assert found.samefile(home / path)
    assert files.find(str(home / path.removeprefix("./"))) == found


@pytest.mark.parametrize("path", KEPT)
def test_everything_else_is_kept(files: ExtensionFiles, home: Path, path: str):
    assert files.find(path) is None
    assert files.find(f"{home}/{path}") is None


def test_the_picture_of_a_card_without_one_is_there(files: ExtensionFiles):
    assert files.find("html/card-no-preview.png") == CARD_PICTURE
    assert Image.open(CARD_PICTURE).format == "PNG"


# Whatever is asked for lies in one of the folders that are open.
@given(
    st.lists(st.sampled_from(["..", ".", "extensions", "on", "off", "", "tmp", "settings.json"]), max_size=9)
)
def test_no_way_leads_out(files: ExtensionFiles, home: Path, parts: list[str]):
    for path in ("/".join(parts), f"{home}/{'/'.join(parts)}"):
        assert files.find(path) is None


@given(st.text(min_size=1, max_size=12))
def test_a_file_in_a_folder_that_begins_with_a_dot_is_never_static(name: str):
    assert not is_static(Path(f".{name.replace('/', '_')}") / "a.js")


def test_a_file_that_the_extension_shows_is_given_out_whatever_its_name(files, home, monkeypatch):
    """As an editor in a frame reads its own configuration."""
    (home / "extensions/on/downloads").mkdir()
    (home / "extensions/on/downloads/config.json").write_text("{}")
    shown, kept = "extensions/on/downloads/config.json", "extensions/on/config.json"
    assert files.find(shown) is None
    with gr.Blocks() as page:
        gr.HTML(f'<iframe src="/file={home}/extensions/on/app/index.html?config=%2Ffile%3D{home}/{shown}">')
        gr.HTML(f"<p>{home}/extensions/on/storage/texts.json {home}/extensions/off/config.json</p>")
    monkeypatch.setattr(files._host, "page", page)
    assert files.find(shown) is not None
    for path in (kept, "extensions/on/storage/texts.json", "extensions/off/config.json"):
        assert files.find(path) is None


def test_a_file_that_a_shown_page_reads_is_given_out_whatever_its_name(files, home, monkeypatch):
    """As a page in a frame reads the key by which its messages are known."""
    on = home / "extensions/on"
    (on / "site/js").mkdir(parents=True)
    (on / "site/index.html").write_text('<script src="js/main.js"></script>')
    (on / "site/js/main.js").write_text(
        'fetch("key.json"); fetch(`./config.json?now`); // settings.json, keys.json'
    )
    for name in ("key.json", "config.json", "settings.json", "keys.json"):
        (on / "site" / name).write_text("{}")
    (on / "javascript/reads.js").write_text('fetch("config.json")')
    read = ("extensions/on/site/key.json", "extensions/on/site/config.json")
    assert [files.find(path) for path in read] == [None, None]
    with gr.Blocks() as page:
        gr.HTML('<iframe src="file=extensions/on/site/index.html?x"></iframe>')
    monkeypatch.setattr(files._host, "page", page)
    assert None not in [files.find(path) for path in read]
    for path in ("site/settings.json", "site/keys.json", "config.json", "app/key.json"):
        assert files.find(f"extensions/on/{path}") is None
