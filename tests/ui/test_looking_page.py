"""A page that is opened while the server looks at thousands of new files fills by itself."""

import httpx
import pytest
from playwright.sync_api import expect

from tests.many_files import make_loras
from tests.ui.browser import PATIENCE_S

pytestmark = pytest.mark.timeout(400)
LORAS = 9000


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("many")
    make_loras(home / "models" / "Lora", LORAS)
    return home


def test_cards_fill_while_the_page_is_open(fresh_page, address):
    fresh_page.click("#txt2img_extra_tabs button[data-page=lora]")
    first = fresh_page.locator("#txt2img_lora_cards .card").first
    expect(first).to_have_attribute("data-name", "lora-00000")
    # The list grows below it; its height tells how many there are.
    expect(fresh_page.locator("#txt2img_lora .cards-message")).to_be_hidden()
    page = httpx.get(f"{address}v1/cards?kind=lora&limit=1", timeout=PATIENCE_S).json()
    assert (page["total"], page["unread"]) == (LORAS, 0)
    fresh_page.fill("#txt2img_lora_extra_search", f"lora-{LORAS - 1:05}")
    expect(first).to_have_attribute("data-name", f"lora-{LORAS - 1:05}")
