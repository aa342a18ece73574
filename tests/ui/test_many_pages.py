"""One browser with more pages open than it has connections for a server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.ui.browser import ROOT, fill_form, launch, served

pytestmark = pytest.mark.timeout(400)
PATIENCE_MS = 60_000
# Browsers have six.
MANY = 8


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    program = ("-m", "tests.ui.serve_resting")
    with served(tmp_path, ROOT / "models" / "starter", program) as found:
        yield found


def hide(page: Page, *, is_hidden: bool) -> None:
    """Hide a page, or show it, as far as its scripts can tell."""
    page.evaluate(
        """hidden => {
          Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
          document.dispatchEvent(new Event('visibilitychange'));
        }""",
        is_hidden,
    )


def is_answered(page: Page) -> bool:
    """Whether the server's answers reach a page."""
    return bool(page.evaluate("fetch('v1/parts').then(({ ok }) => ok)"))


def test_pages_that_nobody_sees_leave_the_connections_to_the_others(address: str):
    with sync_playwright() as playwright:
        context = launch(playwright).new_context()
        context.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        pages: list[Page] = []
        for _ in range(MANY):
            page = context.new_page()
            page.clock.install()
            page.goto(address)
            page.wait_for_selector("html[data-parts=ready]")
            assert is_answered(page)
            hide(page, is_hidden=True)
            page.clock.fast_forward(31_000)
            page.wait_for_timeout(1500)
            pages.append(page)
        first, last = pages[0], pages[-1]
        fill_form(last, "a red house", steps=2, seed="7")
        hide(last, is_hidden=False)
        last.click("#txt2img_generate")
        expect(last.locator("#html_info_txt2img")).to_contain_text("a red house")
        assert "a red house" not in first.locator("#html_info_txt2img").inner_text()
        hide(first, is_hidden=False)
        expect(first.locator("#html_info_txt2img")).to_contain_text("a red house")
        assert all(map(is_answered, pages))
        context.close()


def test_a_page_that_rested_is_loaded_anew_where_the_server_was_started_again(address: str):
    with sync_playwright() as playwright:
        page = launch(playwright).new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.clock.install()
        page.goto(address)
        page.wait_for_selector("html[data-parts=ready]")
        page.evaluate("window.isOld = true")
        hide(page, is_hidden=True)
        page.clock.fast_forward(31_000)
        hide(page, is_hidden=False)
        page.wait_for_timeout(2000)
        assert page.evaluate("window.isOld")
        hide(page, is_hidden=True)
        page.clock.fast_forward(31_000)
        page.route("**/app_id", lambda route: route.fulfill(json={"app_id": "another"}))
        with page.expect_navigation():
            hide(page, is_hidden=False)
        assert page.evaluate("window.isOld") is None
