"""A late tab's script by itself, with a clock of the test's: what it says of a tab that does not come."""

from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from tests.ui import browser as steps

SCRIPT = Path("webui/compat/a1111/javascript/scripts/25_late_parts.js")
LONGER_THAN_IT_WAITS_MS = 40_000
TAB = """<div id="tab_late"><h1>A tab</h1></div><button id="draw"></button>"""
# What the other scripts of the page give it.
SURROUNDINGS = """
  var gradio_config = { late_parts: [{ tab: "tab_late", button: "draw", owner: "one", ids: ["wanted"] }] };
  var atelierHost = { make: (tag, values) => Object.assign(document.createElement(tag), values) };
  var onUiTabChange = (callback) => (window.openTab = callback);
  var get_uiCurrentTabContent = () => document.getElementById("tab_late");
  var executeCallback = (callback) => callback();
"""
DRAWING = """document.getElementById("draw").addEventListener("click", () => setTimeout(() => {
  document.getElementById("tab_late").insertAdjacentHTML("beforeend", "<p id=wanted>Here</p>");
}, 500))"""
HOLD = "window.isHeld = atelierHost.holdBack('one', () => (window.isCalled = true))"


def test_a_tab_that_does_not_come_says_so_and_one_that_comes_does_not():
    with sync_playwright() as playwright:
        browser = steps.launch(playwright)
        for comes in (True, False):
            page = browser.new_page()
            page.clock.install()
            page.set_content(TAB)
            page.add_script_tag(content=SURROUNDINGS)
            page.add_script_tag(path=SCRIPT)
            if comes:
                page.evaluate(DRAWING)
            page.evaluate(HOLD)
            page.evaluate("openTab()")
            note = page.locator("#tab_late .late-note")
            expect(note).to_have_text("Loading this tab …")
            assert page.evaluate("[isHeld, window.isCalled]") == [True, None]
            page.clock.run_for(LONGER_THAN_IT_WAITS_MS)
            if comes:
                expect(note).to_have_count(0)
            else:
                expect(note).to_have_text("This tab did not load. Reload the page to try again.")
            # Whoever waited for the tab is called: what it wants there may be there in part.
            assert page.evaluate("isCalled") is True
            page.close()
        browser.close()


def test_what_waits_for_the_document_hears_of_it_as_its_tab_is_drawn():
    listen = """for (const target of [document, window]) target.addEventListener("DOMContentLoaded", () => {
      window.heard = [...(window.heard ?? []), !!document.getElementById("wanted")];
    })"""
    with sync_playwright() as playwright:
        browser = steps.launch(playwright)
        for owner, before in (("one", None), ("other", [False, False])):
            page = browser.new_page()
            # Its own name for who calls is another's, as the scripts of extensions are files elsewhere.
            script = SCRIPT.read_text(encoding="utf8").replace("atelierHost.nameCaller =", "window.unused =")
            scripts = SURROUNDINGS + f"atelierHost.nameCaller = () => '{owner}';", script + listen
            body = TAB + "".join(f"<script>{each}</script>" for each in scripts)
            page.route("**/*", lambda route, *, body=body: route.fulfill(body=body, content_type="text/html"))
            page.goto("http://page.test/")
            page.evaluate(DRAWING)
            assert page.evaluate("window.heard ?? null") == before
            page.evaluate("openTab()")
            page.wait_for_selector("#wanted")
            assert page.evaluate("window.heard") == [False, False]
            page.close()
        browser.close()
