"""A browser on a served page, for the end-to-end tests."""

import base64
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, Request, Route

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("chromium", "chromium-browser", "google-chrome")
NO_BROWSER = (
    "There is no Chromium on this machine, so no test of the page can run. ./launch.sh test installs it; "
    "or do it yourself: apt install chromium."
)
# The browser calls its maker for updates unless it is told not to.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# Deque's checks of accessibility; ./launch.sh test installs them, which needs npm.
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
NO_AXE = (
    "axe-core is not installed, so accessibility cannot be tested. ./launch.sh test installs it with npm."
)
# Colours that are on their way are no colours to judge.
STILL = "*, *::before, *::after { transition: none !important; animation: none !important; }"
# A folder for pictures of the page, for the README: SCREENSHOTS=docs/screenshots pytest tests/ui
SCREENSHOTS = os.environ.get("SCREENSHOTS")
# A busy machine takes its time.
START_S = 300
# Counts the events of the page that the server has not answered yet; watching, which never ends, apart.
COUNT_ANSWERS = """
window.unanswered = { count: 0, since: 0 };
{
  const { fetch } = window;
  const note = (change) => {
    unanswered.count += change;
    unanswered.since = performance.now();
  };
  window.fetch = async (...asked) => {
    if (!String(asked[0]?.url ?? asked[0]).includes("/run/")) return fetch(...asked);
    note(1);
    try {
      const answer = await fetch(...asked);
      await answer.clone().text();
      return answer;
    } finally {
      note(-1);
    }
  };
}
"""
# One job takes seconds; a busy machine many.
PATIENCE_MS = 90_000
PATIENCE_S = PATIENCE_MS / 1000


def find_chromium(own: str) -> str | None:
    """The system's Chromium, else Playwright's own, which lies at `own` if it was installed; or None."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return found or (own if Path(own).exists() else None)


def give_up(reason: str, environment: Mapping[str, str]) -> NoReturn:
    """Skip the test where somebody sits before it; fail it under CI."""
    is_ci = environment.get("CI", "").lower() not in ("", "0", "false")
    raise (pytest.fail.Exception if is_ci else pytest.skip.Exception)(reason)


def read_axe(path: Path = AXE, environment: Mapping[str, str] = os.environ) -> str:
    """The script that checks a page. Without it the test is skipped or fails, as without a browser."""
    if not path.exists():
        give_up(NO_AXE, environment)
    return path.read_text(encoding="utf-8")


def launch(playwright: Playwright, environment: Mapping[str, str] = os.environ) -> Browser:
    """A browser. Without one the test is skipped where somebody sits before it, and fails under CI."""
    path = find_chromium(playwright.chromium.executable_path)
    if path is None:
        give_up(NO_BROWSER, environment)
    return playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))


@contextmanager
def served(data: Path, checkpoints: Path, program: Sequence[str] = ("app.py",)) -> Iterator[str]:
    """The program itself on a free port; gives the page's address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    flags = ["--port", str(port), "--data-dir", str(data), "--ckpt-dir", str(checkpoints), "--use-cpu", "all"]
    with (data / "server.log").open("w") as log:
        server = subprocess.Popen([sys.executable, *program, *flags], cwd=ROOT, stdout=log, stderr=log)
        try:
            address = f"http://127.0.0.1:{port}/"
            wait_for(address, server)
            yield address
        finally:
            server.terminate()
            server.wait(START_S)


def wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    """Until the server answers."""
    until = time.monotonic() + START_S
    while time.monotonic() < until and server.poll() is None:
        try:
            urlopen(address, timeout=5).close()
        except (URLError, TimeoutError, ConnectionError):
            time.sleep(0.2)
        else:
            return
    raise AssertionError(f"The server did not answer at {address}; its status is {server.poll()}.")


@dataclass
class Complaints:
    """What a page must not do: report errors, or ask anybody but its own server."""

    address: str
    errors: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def listen(self, page: Page) -> None:
        """Note what the page does wrong from now on."""
        page.on("console", self.on_console)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", self.on_request)

    def on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} {message.location.get('url', '')}".strip())

    def on_request(self, request: Request) -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.strangers.append(request.url)


def opened(
    browser: Browser, address: str, *, width: int = 1440, height: int = 900, dark: bool = False
) -> Page:
    """A page of its own, as in a new browser, ready for use."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        has_touch=width < 600,
        device_scale_factor=2 if width < 600 else 1,
    )
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script(COUNT_ANSWERS)
    page = context.new_page()
    complaints = Complaints(address)
    complaints.listen(page)
    # Where the tests find them again.
    page.complaints = complaints  # pyright: ignore[reportAttributeAccessIssue]
    page.goto(address)
    ready(page)
    return page


def reloaded(page: Page) -> None:
    """Load the page again. Gradio complains of the connections that a browser cuts then; that is no fault."""
    complaints = page.complaints  # pyright: ignore[reportAttributeAccessIssue]
    before = list(complaints.errors)
    page.reload()
    ready(page)
    complaints.errors[:] = before


def ready(page: Page) -> None:
    """Until the page has all that the server knows: what comes later would replace what is typed."""
    page.wait_for_selector("#tabs > .tab-nav > button.selected")
    page.wait_for_function("document.querySelector('#setting_sd_model_checkpoint input')?.value")
    page.wait_for_function("performance.now() - unanswered.since > 200 && unanswered.count === 0")


def set_number(page: Page, field_id: str, value: int) -> None:
    """Type a number into the box of a slider."""
    box = page.locator(f"#{field_id} input[type=number]")
    box.fill(str(value))
    box.press("Tab")


def fill_form(
    page: Page, prompt: str, *, steps: int = 20, side: int = 64, batches: int = 1, seed: str = "-1"
) -> None:
    """A small picture, quick to make."""
    page.fill("#txt2img_prompt textarea", prompt)
    page.fill("#txt2img_seed input", seed)
    set_number(page, "txt2img_steps", steps)
    set_number(page, "txt2img_width", side)
    set_number(page, "txt2img_height", side)
    set_number(page, "txt2img_batch_count", batches)


# A script's expression for the same as `share_done`.
SHARE = "Number(document.querySelector('#txt2img_progress .progressDiv')?.dataset.fraction ?? -1)"


def share_done(page: Page) -> float:
    """What the progress bar says, 0 to 1; -1 without a bar."""
    return float(page.evaluate(SHARE))


def wait_until_idle(page: Page) -> None:
    """Until no job of the tab runs any more."""
    page.wait_for_selector("#txt2img_interrupt", state="hidden")


def wait_for_share(page: Page, more_than: float) -> None:
    """Until the bar shows more than this."""
    page.wait_for_function(f"least => {SHARE} > least", arg=more_than)


# A script that drops files, or a link, on the page as a hand does.
DROP = """async ([files, link]) => {
  const transfer = new DataTransfer();
  for (const { name, type, data } of files) {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    transfer.items.add(new File([bytes], name, { type }));
  }
  if (link) transfer.setData('text/uri-list', link);
  const target = document.querySelector('#txt2img_generate');
  for (const name of ['dragenter', 'dragover', 'drop']) {
    target.dispatchEvent(new DragEvent(name, { dataTransfer: transfer, bubbles: true, cancelable: true }));
  }
}"""


def drop(page: Page, *paths: Path, link: str = "") -> None:
    """Drop files, or a link, on the page."""
    types = {".png": "image/png", ".csv": "text/csv"}
    files = [
        {
            "name": path.name,
            "type": types.get(path.suffix, ""),
            "data": base64.b64encode(path.read_bytes()).decode(),
        }
        for path in paths
    ]
    page.evaluate(DROP, [files, link])


class Held:
    """Answers of a slow server: they are sent on when the test says so."""

    def __init__(self, page: Page, address: str) -> None:
        self.waiting: list[Route] = []
        page.route(address, self.hold)
        self.page, self.address = page, address

    def hold(self, route: Route) -> None:
        self.waiting.append(route)

    def let_go(self, many: int = 1) -> None:
        """Send all on, once there are that many."""
        until = time.monotonic() + PATIENCE_S
        while len(self.waiting) < many and time.monotonic() < until:
            self.page.wait_for_timeout(20)
        for route in self.waiting:
            route.continue_()
        self.page.unroute(self.address)
