"""A server that is killed in the middle of what arrives, and started again: through a browser."""

import base64
import hashlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.arriving_files import files_in
from tests.fake_sites import FakeFile, FakeSites, FakeVersion
from tests.many_files import lora_head
from tests.ui import browser as steps
from tests.ui.browser import ROOT

pytestmark = pytest.mark.timeout(400)
TRAY = "#arrivals li"
RANK = 24_000
DROP_ZEROS = """([name, head, zeros]) => {
  const bytes = Uint8Array.from(atob(head), (letter) => letter.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes, new Uint8Array(zeros)], name, { lastModified: 1_700_000_000_000 }));
  const target = document.querySelector('#txt2img_generate');
  for (const kind of ['dragenter', 'dragover', 'drop']) {
    target.dispatchEvent(new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
  }
}"""
DROP_LINK = """(link) => {
  const transfer = new DataTransfer();
  transfer.setData('text/uri-list', link);
  const target = document.querySelector('#txt2img_generate');
  for (const kind of ['dragenter', 'dragover', 'drop']) {
    target.dispatchEvent(new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
  }
}"""


class Server:
    """The program beside sites of the test's own, on one port and one folder through all its lives."""

    def __init__(self, home: Path, checkpoints: Path, sites: FakeSites) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.home, self.address = home, f"http://127.0.0.1:{port}/"
        self._command = [
            sys.executable, "-m", "tests.ui.serve_beside", sites.url, str(sites.port),
            "--port", str(port), "--data-dir", str(home), "--ckpt-dir", str(checkpoints), "--use-cpu", "all",
        ]  # fmt: skip
        self._process = None

    def start(self) -> None:
        with (self.home / "server.log").open("a") as log:
            self._process = subprocess.Popen(self._command, cwd=ROOT, stdout=log, stderr=log)
        steps.wait_for(self.address, self._process)

    def kill(self) -> None:
        if self._process is not None:
            os.kill(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def arriving(self) -> list[Path]:
        """Files that are on their way."""
        return files_in(self.home / "models" / ".incoming")

    def received(self) -> int:
        """Bytes of what is on its way."""
        # A file may be moved away between the two looks.
        sizes = [
            path.stat().st_size for path in self.arriving() if path.parent.name == "content" and path.exists()
        ]
        return max(sizes, default=0)

    def listed(self) -> str:
        """Every list of models there is, as text."""
        paths = ("v1/cards?kind=lora&limit=200", "v1/cards?limit=200", "sdapi/v1/loras", "sdapi/v1/sd-models")
        return "".join(httpx.get(self.address + path, timeout=60).raise_for_status().text for path in paths)


@pytest.fixture
def sites():
    with FakeSites() as sites:
        yield sites


@pytest.fixture
def server(tmp_path, golden_models, sites):
    checkpoints = tmp_path / "checkpoints"
    checkpoints.mkdir()
    for path in golden_models.glob("tiny-b.*"):
        os.link(path, checkpoints / path.name)
    home = tmp_path / "home"
    home.mkdir()
    server = Server(home, checkpoints, sites)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def page(server, chromium):
    page = steps.opened(chromium, server.address)
    yield page
    page.context.close()


def wait_for_bytes(page: Page, server: Server, least: int) -> None:
    """Until so much lies on the server's disk."""
    end = time.monotonic() + steps.START_S
    while server.received() < least:
        assert time.monotonic() < end, server.arriving()
        page.wait_for_timeout(5)


def assert_filed(server: Server, name: str, sha256: str) -> None:
    path = server.home / "models" / "Lora" / name
    assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256
    assert server.arriving() == []
    assert [file.name for file in path.parent.iterdir() if file.suffix == ".safetensors"] == [name]
    assert Path(name).stem in server.listed()


def test_an_upload_goes_on_by_itself_when_the_killed_server_is_back(server, page):
    head, zeros = lora_head(RANK)
    page.evaluate(DROP_ZEROS, ["large.safetensors", base64.b64encode(head).decode(), zeros])
    wait_for_bytes(page, server, 8_000_000)
    server.kill()
    half = server.received()
    assert 0 < half < zeros
    expect(page.locator(TRAY)).to_contain_text("The server does not answer. This goes on by itself")
    page.evaluate("window.isOld = true")
    page.fill("#txt2img_prompt textarea", "written meanwhile")
    steps.set_number(page, "txt2img_steps", 33)
    page.check("#txt2img_tiling input")
    server.start()
    assert "large" not in server.listed()
    assert not list((server.home / "models").glob("Lora/*"))
    # The page loads itself anew as soon as the file is through, and has lost nothing then.
    page.wait_for_function("!window.isOld")
    steps.ready(page)
    expect(page.locator(f"{TRAY}.done")).to_contain_text("Filed in Lora")
    expect(page.locator(f"{TRAY}.done")).to_contain_text("Show card")
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("written meanwhile <lora:large:1>")
    expect(page.locator("#txt2img_steps input[type=number]")).to_have_value("33")
    expect(page.locator("#txt2img_tiling input")).to_be_checked()
    assert_filed(server, "large.safetensors", hashlib.sha256(head + bytes(zeros)).hexdigest())


def test_a_page_that_was_closed_meanwhile_says_what_to_do_and_goes_on_there(server, page, chromium):
    head, zeros = lora_head(RANK)
    file = ["large.safetensors", base64.b64encode(head).decode(), zeros]
    page.evaluate(DROP_ZEROS, file)
    wait_for_bytes(page, server, 8_000_000)
    server.kill()
    half = server.received()
    page.goto("about:blank")
    server.start()
    page.goto(server.address)
    steps.ready(page)
    expect(page.locator(TRAY)).to_contain_text(re.compile(r"Only \d+ % of this file arrived. Drop it again"))
    assert "large" not in server.listed()
    begun = []
    page.on("request", lambda request: begun.append(request.url) if request.method == "PUT" else None)
    page.evaluate(DROP_ZEROS, file)
    expect(page.locator(f"{TRAY}.done")).to_contain_text("Filed in Lora")
    assert begun[0].endswith(f"offset={half}")
    assert_filed(server, "large.safetensors", hashlib.sha256(head + bytes(zeros)).hexdigest())


def test_a_download_goes_on_when_the_killed_server_is_back(server, page, sites):
    head, zeros = lora_head(RANK)
    data = head + bytes(zeros)
    sites.add(FakeVersion(5, 1, [FakeFile("cat.safetensors", data)]))
    sites.slowness_s = 0.01
    page.evaluate(DROP_LINK, "https://civitai.com/models/1?modelVersionId=5")
    wait_for_bytes(page, server, 2_000_000)
    server.kill()
    half = server.received()
    assert half < len(data)
    expect(page.locator(TRAY)).to_contain_text("The server does not answer. This goes on by itself")
    sites.slowness_s = 0
    sites.seen.clear()
    server.start()
    expect(page.locator(f"{TRAY}.done")).to_contain_text("Filed in Lora")
    page.reload()
    steps.ready(page)
    expect(page.locator(f"{TRAY}.done")).to_contain_text("Filed in Lora")
    page.get_by_role("button", name="Clear what is done").click()
    page.reload()
    steps.ready(page)
    expect(page.locator(TRAY)).to_have_count(0)
    assert_filed(server, "cat.safetensors", hashlib.sha256(data).hexdigest())
    asked = [seen.headers.get("range") for seen in sites.seen if "/storage" in seen.path]
    assert asked == [f"bytes={half}-"]


def test_a_picture_that_a_killed_server_did_not_finish_is_told_of_and_nothing_typed_is_lost(server, page):
    steps.fill_form(page, "a cat in my garden", steps=150, side=256, seed="9")
    page.evaluate("window.isOld = true")
    page.click("#txt2img_generate")
    steps.wait_for_share(page, 0.02)
    server.kill()
    server.start()
    page.wait_for_function("!window.isOld")
    steps.ready(page)
    told = page.locator("#txt2img_results_panel .cut-short")
    expect(told).to_contain_text("The server ended before this job was done")
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("a cat in my garden")
    expect(page.locator("#txt2img_steps input[type=number]")).to_have_value("150")
    steps.set_number(page, "txt2img_steps", 1)
    page.click("#txt2img_generate")
    expect(told).to_have_count(0)
    expect(page.locator("#html_info_txt2img")).to_contain_text("Steps: 1")
    # A job that came to its end is no more told of.
    steps.reloaded(page)
    expect(told).to_have_count(0)
