"""One server with the fixture extension, and one page of it, for all tests of the page's scripts."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from tests.compat.a1111.serving import data_folder, serve
from tests.ui import browser as steps


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the module's server keeps its data."""
    return tmp_path_factory.mktemp("scripts")


@pytest.fixture(scope="module")
def data(home: Path) -> Path:
    """The data folder of the module's server."""
    return data_folder(home)


@pytest.fixture(scope="module")
def address(home: Path, golden_models: Path) -> Iterator[str]:
    """The module's own server, with the smallest of the checkpoints selected."""
    with serve(["page_scripts"], home, ["--ckpt-dir", str(golden_models)]) as address:
        options = {"sd_model_checkpoint": "tiny-b"}
        httpx.post(f"{address}sdapi/v1/options", json=options, timeout=steps.PATIENCE_S).raise_for_status()
        yield address


@pytest.fixture(scope="module")
def page(address: str) -> Iterator[Page]:
    """The page, with extensions' scripts loaded."""
    with sync_playwright() as playwright:
        expect.set_options(timeout=steps.PATIENCE_MS)
        browser = steps.launch(playwright)
        page = steps.opened(browser, address)
        page.wait_for_selector("html[data-extensions=ready][data-parts=ready]", state="attached")
        yield page
        browser.close()


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture of 48 by 32 pixels."""
    path = tmp_path_factory.mktemp("pictures") / "red.png"
    Image.new("RGB", (48, 32), "red").save(path)
    return path
