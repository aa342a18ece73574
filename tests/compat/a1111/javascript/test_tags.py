"""The tags in the head of the page, and what the page is told."""

import json
import re
from pathlib import Path

import pytest

from webui.compat.a1111.health import HealthRecords
from webui.compat.a1111.host import ExtensionHost
from webui.compat.a1111.javascript.failures import PageFailure, note_failure
from webui.compat.a1111.javascript.state import read_translations, state_script
from webui.compat.a1111.javascript.tags import head_tags
from webui.core.flags import read_flags
from webui.main import build_services
from webui.plugins.community import CommunityFolder


def write(home: Path, files: dict[str, str]) -> ExtensionHost:
    """A host with extensions of these files, by their paths."""
    for path, text in files.items():
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_text(text, encoding="utf-8")
    names = sorted({Path(path).parts[1] for path in files if path.startswith("extensions/")})
    folders = tuple(CommunityFolder(name, home / "extensions" / name) for name in names)
    flags, _ = read_flags(["--data-dir", str(home), "--models-dir", str(home / "models"), "--safe"])
    return ExtensionHost(home, services=build_services(flags, home), folders=folders)


def sources(tags: str) -> list[str]:
    """Addresses of extensions' files in the tags, without their stamps."""
    return [name.partition("?")[0] for name in re.findall(r'(?:src|href)="file=extensions/([^"]+)"', tags)]


def test_scripts_come_by_extension_and_name_styles_before_and_modules_after(tmp_path: Path):
    files = (
        "b/javascript/z.js",
        "b/javascript/a.mjs",
        "a/javascript/y.js",
        "a/javascript/x.js",
        "a/style.css",
    )
    more = ("a/javascript/deep/no.js", "a/javascript/no.css", "a/no.js")
    host = write(tmp_path, {f"extensions/{each}": "" for each in (*files, *more)})
    assert sources(head_tags(host)) == [
        "a/style.css",
        "a/javascript/x.js",
        "a/javascript/y.js",
        "b/javascript/z.js",
        "b/javascript/a.mjs",
    ]


def test_a_metadata_file_orders_scripts_of_the_page(tmp_path: Path):
    files = {f"extensions/{name}/javascript/{name}.js": "" for name in "abc"}
    files["extensions/a/metadata.ini"] = "[Extension]\nName = First\n[javascript]\nAfter = c, nobody\n"
    files["extensions/c/metadata.ini"] = "[javascript/c.js]\nBefore = b\n"
    assert sources(head_tags(write(tmp_path, files))) == [
        "c/javascript/c.js",
        "a/javascript/a.js",
        "b/javascript/b.js",
    ]


def test_names_of_files_cannot_write_into_the_page(tmp_path: Path):
    name = '"><img src=x onerror=alert(1)>&#?'
    host = write(tmp_path, {f"extensions/{name}/javascript/{name}.js": ""})
    tags = head_tags(host)
    assert "<img" not in tags
    assert "onerror=alert" not in tags
    assert tags.count("<script") == tags.count("</script>")


def test_the_chosen_translation_is_told_and_files_of_one_name_add_up(tmp_path: Path):
    texts = {
        "extensions/a/localizations/xx.json": json.dumps({"Generate": "A", "Skip": "S", "deep": {"no": "x"}}),
        "extensions/b/localizations/xx.json": json.dumps({"Generate": "B</script>"}),
        "extensions/c/localizations/xx.json": "{ no JSON",
        "extensions/d/localizations/xx.json": "[1]",
        "extensions/e/localizations/yy.json": json.dumps({"Generate": "Y"}),
    }
    host = write(tmp_path, texts)
    assert read_translations(host) == {}
    host.ready.settings.change({"localization": "xx"})
    assert read_translations(host) == {"Generate": "B</script>", "Skip": "S"}
    script = state_script(host)
    [localization] = re.findall(r"^var localization = (.*);$", script, re.MULTILINE)
    assert json.loads(localization) == {"Generate": "B</script>", "Skip": "S"}
    [options] = re.findall(r"^var opts = (.*);$", script, re.MULTILINE)
    assert json.loads(options)["localization"] == "xx"


@pytest.mark.parametrize(
    ("stack", "noted"),
    [
        ("TypeError: x at http://host/file=extensions/my%20own/javascript/a.js?12:3:4", True),
        ("at http://host/sub/file=extensions-builtin/my%20own/javascript/a.js:3", True),
        ("at http://host/file=extensions/another/javascript/a.js:3", False),
        ("at http://host/assets/a1111/20_callbacks.js:3", False),
        ("", False),
    ],
)
def test_a_failure_of_a_script_is_kept_with_its_extension(tmp_path: Path, stack: str, noted: bool):
    host = ExtensionHost(tmp_path, health=HealthRecords())
    record = host.health.add("my own", tmp_path / "my own")
    assert note_failure(host, PageFailure(error="TypeError: x", stack=stack)) is noted
    assert [each.where for each in record.failures] == (["javascript/a.js"] if noted else [])
