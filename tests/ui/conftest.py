"""What the page's tests share: services on empty folders, the whole page, a form as in txt2img, a browser."""

import gradio as gr
import httpx
import pytest
from playwright.sync_api import expect, sync_playwright

from tests.ui import browser as steps
from webui.core.flags import read_flags
from webui.main import build_services
from webui.ui.app import build_ui
from webui.ui.components.hires_fields import make_hires_fields
from webui.ui.components.refiner_fields import make_refiner_fields
from webui.ui.components.sampling_fields import make_guidance_fields, make_sampling_fields, make_size_fields
from webui.ui.components.seed_fields import make_override_field, make_seed_fields
from webui.ui.components.toprow import make_toprow
from webui.ui.forms.form import Form


@pytest.fixture(scope="session")
def services(tmp_path_factory):
    """Services without a model; the queue is not started."""
    home = tmp_path_factory.mktemp("home")
    flags, _ = read_flags(["--data-dir", str(home), "--models-dir", str(home / "models")])
    return build_services(flags, home)


@pytest.fixture(scope="session")
def built_page(services):
    """The page, built and not served."""
    return build_ui(services)


@pytest.fixture(scope="session")
def txt2img_form(services):
    """The form of the txt2img tab."""
    form = Form()
    with gr.Blocks() as blocks:
        make_toprow("txt2img", form, [])
        make_sampling_fields("txt2img", form)
        make_hires_fields("txt2img", form, services.catalog, blocks)
        make_refiner_fields("txt2img", form, services.catalog, blocks)
        make_size_fields("txt2img", form)
        make_guidance_fields("txt2img", form)
        make_seed_fields("txt2img", form)
        make_override_field("txt2img", form)
    return form


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The data folder of the module's server."""
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="module")
def address(golden_models, home):
    """The module's own server, with the smallest of the checkpoints selected."""
    with steps.served(home, golden_models) as address:
        httpx.post(
            f"{address}sdapi/v1/options", json={"sd_model_checkpoint": "tiny-b"}, timeout=steps.PATIENCE_S
        ).raise_for_status()
        yield address


@pytest.fixture(scope="module")
def chromium():
    """A browser."""
    with sync_playwright() as playwright:
        expect.set_options(timeout=steps.PATIENCE_MS)
        browser = steps.launch(playwright)
        yield browser
        browser.close()


@pytest.fixture
def fresh_page(chromium, address):
    """A page as in a new browser, which may not have complained by the end."""
    page = steps.opened(chromium, address)
    yield page
    complaints = page.complaints
    page.context.close()
    assert complaints.errors == []
    assert complaints.strangers == []
