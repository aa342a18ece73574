"""The tab "Extensions" in a browser: from the public list to an installed extension and back."""

import json
import re

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.repositories import serve_repositories
from tests.ui import browser as steps
from tests.ui.auditor import TWO, Auditor

pytestmark = pytest.mark.timeout(600)
CONTROLNET = "https://github.com/Mikubill/sd-webui-controlnet"
CODE = """import os
import subprocess

import requests


def tag(path):
    subprocess.run(["ls"])
    os.remove(path)
    return eval(requests.get("https://words.example/list").text)
"""
TAGGER = {
    "scripts/tagger.py": CODE,
    "javascript/words.js": "fetch('words.json');\n",
    "install.py": "import launch\n\nlaunch.run_pip('install lxml==5.1', 'lxml')\n",
}
BROKEN = {"plugin.py": 'raise RuntimeError("the sky is falling")\n'}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A data folder in which an extension is that fails, and one that was put there by hand."""
    home = tmp_path_factory.mktemp("served")
    for name, files in (("falling", BROKEN), ("mine", {"plugin.py": '"""Nothing."""\n'})):
        (home / "extensions" / name).mkdir(parents=True)
        for path, text in files.items():
            (home / "extensions" / name / path).write_text(text)
    return home


@pytest.fixture(scope="module")
def repositories(tmp_path_factory):
    with serve_repositories(tmp_path_factory.mktemp("remote")) as served:
        served.make("sd-tagger", TAGGER)
        served.make("sd-german", {"localizations/de.json": "{}"})
        rows = [
            ("Tagger", served.url("sd-tagger"), "Suggests words while you type.", ["prompting"], 2799),
            ("ControlNet", CONTROLNET, "Pictures that guide others.", ["tab", "manipulations"], 17846),
            ("German", served.url("sd-german"), "Translates the page.", ["localization"], 80),
        ]
        fields = ("name", "url", "description", "tags", "stars")
        listed = [
            dict(zip(fields, row, strict=True)) | {"added": f"2023-0{at}-02"}
            for at, row in enumerate(rows, 1)
        ]
        (served.home / "index.json").write_text(
            json.dumps({"tags": {"tab": "adds a tab"}, "extensions": listed})
        )
        yield served


def open_tab(page: Page) -> None:
    page.click("#tab_extensions-button")
    page.wait_for_selector("#extensions_place[data-ready]")


def row(page: Page, name: str):
    return page.locator(f"#extensions_installed [data-name='{name}']")


def notice(page: Page):
    return page.locator(".community-notices .train-notice")


def shoot(page: Page, name: str) -> None:
    if steps.SCREENSHOTS:
        page.screenshot(path=f"{steps.SCREENSHOTS}/{name}.png")


def choose_in_menu(page: Page, name: str, words: str) -> None:
    row(page, name).get_by_role("button", name=f"What to do with {name}").click()
    page.locator(".menu:popover-open").get_by_text(words, exact=True).click()


def find_in_the_list(page: Page, auditor: Auditor, repositories) -> None:
    page.get_by_role("tab", name="Available").click()
    assert repositories.asked == []
    page.fill("#available_url", f"{repositories.address}/index.json")
    page.keyboard.press("Enter")
    rows = page.locator("#extensions_available .community-row")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("ControlNet")
    page.get_by_text("Hide by tag").click()
    page.get_by_role("checkbox", name="localization").uncheck()
    expect(rows).to_have_count(3)
    page.select_option("#available_order", "name")
    expect(rows.last).to_contain_text("Tagger")
    page.fill("#available_search", "words type")
    expect(rows).to_have_count(1)
    page.fill("#available_search", "")
    auditor.look("available", "#tab_extensions")
    shoot(page, "extensions-available")


def be_told_of_what_is_here(page: Page, auditor: Auditor) -> None:
    page.get_by_role("button", name="Install ControlNet").click()
    dialog = page.locator("dialog.community-dialog")
    expect(dialog).to_contain_text("ControlNet is built in")
    auditor.look("a gentle no", "dialog", TWO[:1])
    dialog.get_by_role("button", name="Open ControlNet").click()
    expect(page.locator("#txt2img_part_controlnet .part-toggle")).to_have_attribute("aria-expanded", "true")
    open_tab(page)


def consent(page: Page, auditor: Auditor, home) -> None:
    dialog = page.locator("dialog.community-dialog")
    page.get_by_role("button", name="Install Tagger").click()
    for words in ("Starts other programs", "Deletes files", "Talks to other machines", "lxml==5.1", "eval"):
        expect(dialog).to_contain_text(words)
    assert not (home / "extensions" / "sd-tagger").exists()
    dialog.locator("summary", has_text="Starts other programs").click()
    expect(dialog.get_by_text("subprocess.run", exact=True)).to_be_visible()
    auditor.look("consent", "dialog")
    shoot(page, "extensions-consent")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.get_by_role("button", name="Install Tagger").click()
    dialog.get_by_role("button", name="Install", exact=True).click()
    expect(notice(page)).to_contain_text("sd-tagger is installed")
    assert (home / "extensions" / "sd-tagger" / "scripts" / "tagger.py").read_text() == CODE


def update_and_roll_back(page: Page, home, repositories) -> None:
    page.get_by_role("tab", name="Installed").click()
    expect(row(page, "sd-tagger")).to_contain_text("from the next start")
    newest = repositories.commit("sd-tagger", {"scripts/tagger.py": "x = 1\n"})
    page.get_by_role("button", name="Check for updates").click()
    row(page, "sd-tagger").get_by_role("button", name=f"Update to {newest[:8]}").click()
    page.locator("dialog").get_by_role("button", name="Update", exact=True).click()
    expect(notice(page)).to_contain_text("sd-tagger is updated")
    choose_in_menu(page, "sd-tagger", "Roll back")
    expect(notice(page)).to_contain_text("as it was before")
    assert (home / "extensions" / "sd-tagger" / "scripts" / "tagger.py").read_text() == CODE
    tick = row(page, "sd-tagger").get_by_role("checkbox")
    tick.focus()
    page.keyboard.press("Space")
    expect(notice(page)).to_contain_text("off from the next start")
    expect(tick).to_be_focused()


def accept_what_was_changed_and_remove(page: Page, auditor: Auditor, home) -> None:
    (home / "extensions" / "sd-tagger" / "scripts" / "tagger.py").write_text("print('evil')\n")
    page.get_by_role("tab", name="Backup/Restore").click()
    expect(page.locator(".community-log tbody tr").first).to_contain_text("disable")
    page.evaluate("webui.showTab('txt2img')")
    open_tab(page)
    page.get_by_role("tab", name="Installed").click()
    expect(row(page, "sd-tagger")).to_contain_text("changed it on disk")
    auditor.look("changed on disk", "#tab_extensions")
    shoot(page, "extensions-installed")
    row(page, "sd-tagger").get_by_role("button", name="See what it does").click()
    page.locator("dialog").get_by_role("button", name="Accept it as it is").click()
    expect(notice(page)).to_contain_text("accepted as it is")
    choose_in_menu(page, "sd-tagger", "Remove")
    expect(row(page, "sd-tagger")).to_have_count(0)
    page.get_by_text("Trash (1)").click()
    auditor.look("trash", "#tab_extensions", TWO[:1])
    page.get_by_role("button", name="Restore", exact=True).click()
    expect(row(page, "sd-tagger")).to_have_count(1)


def test_from_the_public_list_to_an_installed_extension_and_back(fresh_page, address, home, repositories):
    page = fresh_page
    open_tab(page)
    expect(row(page, "falling")).to_contain_text("the sky is falling")
    expect(row(page, "mine")).to_contain_text("put here by hand")
    auditor = Auditor(page)
    auditor.look("installed", "#tab_extensions")
    find_in_the_list(page, auditor, repositories)
    be_told_of_what_is_here(page, auditor)
    consent(page, auditor, home)
    update_and_roll_back(page, home, repositories)
    accept_what_was_changed_and_remove(page, auditor, home)
    assert not auditor.found, "\n".join(auditor.found)


def test_an_address_by_keyboard_what_is_wrong_with_it_and_a_set(fresh_page, address, repositories, tmp_path):
    page = fresh_page
    open_tab(page)
    page.get_by_role("tab", name="Installed").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Install from URL")).to_be_focused()
    page.keyboard.press("Tab")
    restart = page.locator(".restart-notice button")
    if restart.is_visible():
        # What other tests changed asks for it, and it lies on the way.
        expect(restart).to_be_focused()
        page.keyboard.press("Tab")
    expect(page.locator("#install_url")).to_be_focused()
    page.keyboard.type(repositories.url("none"))
    page.keyboard.press("Enter")
    expect(notice(page)).to_contain_text("no such repository")
    expect(notice(page).get_by_role("button", name="Try again")).to_be_visible()
    page.fill("#install_url", repositories.url("sd-german"))
    page.fill("#install_branch", "main")
    page.keyboard.press("Enter")
    dialog = page.locator("dialog.community-dialog")
    expect(dialog).to_contain_text("Nothing was found")
    dialog.get_by_role("button", name="Install", exact=True).click()
    expect(page.locator("#extensions_installed [data-name='sd-german']")).to_be_visible()

    kept = httpx.get(f"{address}v1/community/set", timeout=steps.PATIENCE_S).raise_for_status().json()
    httpx.delete(f"{address}v1/community/extensions/sd-german", timeout=60).raise_for_status()
    file = tmp_path / "set.json"
    file.write_text(json.dumps(kept))
    page.set_viewport_size({"width": 390, "height": 900})
    page.get_by_role("tab", name="Backup/Restore").click()
    page.set_input_files("#extensions_sets input[type=file]", file)
    page.get_by_role("button", name="Install sd-german").click()
    dialog.get_by_role("button", name="Install", exact=True).click()
    expect(page.get_by_role("button", name="Install sd-german")).to_have_count(0)
    expect(page.locator(".community-steps")).to_contain_text(re.compile("sd-german.*as it was"))
    auditor = Auditor(page)
    auditor.look("a set", "#tab_extensions")
    for width in (390, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        for name in ("Installed", "Available", "Install from URL", "Backup/Restore"):
            page.get_by_role("tab", name=name, exact=True).click()
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (width, name)
    assert not auditor.found, "\n".join(auditor.found)
