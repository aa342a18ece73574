"""Whether the tests of the page run at all: without a browser CI fails, and anybody else is told."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.ui import browser as steps

OTHERS = sorted(set(Path(__file__).parent.glob("test_*.py")) - {Path(__file__)})


@pytest.fixture
def no_browser(monkeypatch, tmp_path):
    """A machine on which nobody installed a browser, neither the system's nor Playwright's."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "none"))


@pytest.mark.parametrize("value", ["true", "1", "yes"])
@pytest.mark.usefixtures("no_browser")
def test_without_a_browser_a_run_under_ci_fails_with_a_sentence(value):
    with sync_playwright() as playwright, pytest.raises(pytest.fail.Exception, match="apt install chromium"):
        steps.launch(playwright, {"CI": value})


@pytest.mark.parametrize("environment", [{}, {"CI": ""}, {"CI": "false"}])
@pytest.mark.usefixtures("no_browser")
def test_without_a_browser_anybody_else_sees_what_was_skipped_and_why(environment):
    with sync_playwright() as playwright, pytest.raises(pytest.skip.Exception, match="apt install chromium"):
        steps.launch(playwright, environment)


def test_without_axe_a_run_under_ci_fails_and_anybody_else_sees_what_was_skipped(tmp_path):
    missing = tmp_path / "axe.min.js"
    with pytest.raises(pytest.fail.Exception, match="npm"):
        steps.read_axe(missing, {"CI": "true"})
    with pytest.raises(pytest.skip.Exception, match="npm"):
        steps.read_axe(missing, {})


def test_the_environment_of_the_run_is_asked(monkeypatch, no_browser):
    monkeypatch.setenv("CI", "true")
    with sync_playwright() as playwright, pytest.raises(pytest.fail.Exception):
        steps.launch(playwright)


def test_the_browser_that_playwright_installed_serves_where_the_system_has_none(no_browser, tmp_path):
    own = tmp_path / "chromium"
    assert steps.find_chromium(str(own)) is None
    own.touch()
    assert steps.find_chromium(str(own)) == str(own)


def test_the_system_s_browser_comes_first(monkeypatch, tmp_path):
    program = tmp_path / "google-chrome"
    program.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert steps.find_chromium(os.devnull) == str(program)


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: path.name)
def test_no_test_of_the_page_opens_a_browser_of_its_own(path):
    text = path.read_text(encoding="utf-8")
    assert "chromium.launch" not in text
    assert "which(" not in text
