"""The whole page: quick settings, the tabs, the footer."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeGuard, cast

import gradio as gr
from fastapi import FastAPI
from gradio.context import Context
from gradio.utils import get_upload_folder

from webui.jobs.services import Services
from webui.plugins.additions import open_for_additions
from webui.store.pictures.unsaved import UNSAVED
from webui.ui.components.quicksettings import make_quicksettings
from webui.ui.components.shared_options import wire_shared_options
from webui.ui.components.top_tabs import top_tab, top_tabs
from webui.ui.doors.guarded_blocks import GuardedBlocks
from webui.ui.doors.page_files import PageFiles
from webui.ui.doors.upload_sweep import UploadSweeping
from webui.ui.handlers import keep_status_in
from webui.ui.page import mount_page
from webui.ui.tabs.extras import make_extras
from webui.ui.tabs.img2img import make_img2img
from webui.ui.tabs.pnginfo import make_pnginfo
from webui.ui.tabs.sending import ALONG, SIZE_FIELDS, wire_arrival, wire_sending
from webui.ui.tabs.settings import make_settings
from webui.ui.tabs.training import make_training
from webui.ui.tabs.txt2img import make_txt2img
from webui.ui.texts import notice
from webui.ui.user_style import add_user_style
from webui.ui.watching.pictures import PictureFiles

logger = logging.getLogger(__name__)
TITLE = "Atelier"
MOST_PAGES = 1000


def build_ui(services: Services) -> GuardedBlocks:
    """Build the page."""
    files = PictureFiles(services.paths.data / UNSAVED, services.pictures)
    page_files = PageFiles(services.pictures, Path(get_upload_folder()))
    services.plugins.collect("prepare_page")
    with GuardedBlocks(page_files, title=TITLE, analytics_enabled=False, fill_width=True) as page:
        status = gr.HTML("", visible="hidden", elem_id="page_status")
        quick = make_quicksettings(services, page)
        with top_tabs():
            with top_tab("txt2img", "txt2img"):
                txt2img = make_txt2img(services, files, page)
            with top_tab("img2img", "img2img"):
                img2img = make_img2img(services, files, page)
            with top_tab("Extras", "extras"):
                extras = make_extras(services, files, page)
            with top_tab("PNG Info", "pnginfo"):
                make_pnginfo(services, txt2img, img2img, extras)
            with top_tab("Train", "train"):
                make_training()
                services.plugins.collect("add_train_tabs")
            add_tabs(services)
            with top_tab("Settings", "settings"):
                settings = make_settings(services, quick, page)
        wire_shared_options(
            services,
            img2img.options,
            dict(quick) | dict(settings.components),
            settings.applied,
            settings.as_json,
            img2img.toprow.notice,
            page,
        )
        wire_sending(services, txt2img.results, img2img, ALONG)
        # Within img2img the prompts are there already.
        wire_sending(services, img2img.results, img2img, SIZE_FIELDS)
        wire_sending(services, extras.results, img2img, ())
        for results in (txt2img.results, img2img.results, extras.results):
            wire_arrival(services, results.send.extras, results, extras.image, "extras")
        gr.HTML(f'<span class="versions">{services.version}</span>', elem_id="footer")
        page.renewals.wire(page)
        page.resting.wire()
    keep_status_in(page, status)
    # Every open page is one event that never ends; Gradio runs 40 at a time by default.
    page.max_threads = MOST_PAGES
    page.queue()
    return page


def add_tabs(services: Services) -> None:
    """The tabs of extensions; where one cannot be built, its tab says so."""
    several = [(name, tab) for name, tabs in services.plugins.collect("add_tabs") for tab in tabs]
    for name, tab in [*services.plugins.call_in_time("add_tab"), *several]:
        if not is_tab(tab):
            logger.warning("The tab of the extension %s is %r, not a label, an id and a function", name, tab)
            continue
        label, tab_id, build = tab
        with top_tab(label, tab_id):
            build_tab(services, name, build)


def is_tab(tab: object) -> TypeGuard[tuple[str, str, Callable[[], object]]]:
    """Whether what an extension gave is a tab."""
    if not isinstance(tab, tuple | list):
        return False
    parts = cast(Sequence[object], tab)
    return len(parts) == 3 and isinstance(parts[0], str) and isinstance(parts[1], str) and callable(parts[2])


def build_tab(services: Services, name: str, build: Callable[[], object]) -> None:
    """What is in an extension's tab. Whatever it does, the page goes on where it was."""
    page, tab = Context.root_block, Context.block

    def run() -> bool:
        build()
        return True

    if services.plugins.attempt(name, "building its tab", run):
        return
    # Left within blocks of its own, Gradio would put the rest of the page there, or nowhere.
    Context.root_block, Context.block = page, tab
    gr.HTML(notice(f"The extension {name!r} could not build this tab. The server's log has the details."))


def mount_ui(app: FastAPI, services: Services) -> FastAPI:
    """Build the page and mount it at the root of the server."""
    blocks = build_ui(services)
    heads = [str(tags) for _, tags in services.plugins.call_in_time("page_head") if tags]
    if not services.flags.safe:
        heads += add_user_style(app, services.paths.root)
    app = mount_page(app, blocks, services.flags, heads)
    app.state.upload_sweeping = UploadSweeping(blocks.files, services.paths.data)
    with open_for_additions(app):
        services.plugins.collect("page_served", page=blocks, app=app)
    return app
