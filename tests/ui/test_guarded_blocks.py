"""The page that is served is the one that was built, and what extensions add to it later is in it too."""

from pathlib import Path

import gradio as gr
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from gradio.blocks import BlocksConfig

from webui.core.flags import read_flags
from webui.store.database import IN_MEMORY, Database
from webui.store.pictures.history import History
from webui.store.pictures.served_pictures import ServedPictures
from webui.ui.doors.guarded_blocks import GuardedBlocks
from webui.ui.doors.page_files import PageFiles
from webui.ui.page import mount_page


def test_a_page_that_is_entered_again_is_shown_with_what_was_added(tmp_path: Path):
    page = GuardedBlocks(PageFiles(ServedPictures(History(Database(IN_MEMORY))), tmp_path))
    with page:
        button = gr.Button("Press", elem_id="built_first")
    app = FastAPI()
    gr.mount_gradio_app(app, page, "/")
    # As extensions do once the server is there (on_app_started).
    with page:
        later = gr.Textbox(elem_id="added_later")
        button.click(lambda: "pressed", outputs=later, api_name="press")
    with TestClient(app) as client:
        text = client.get("/").text
    assert "built_first" in text
    assert "added_later" in text
    assert len(page.config["page"][""]["dependencies"]) == 1


def test_the_page_is_described_once_until_it_is_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    described: list[str] = []
    describe = BlocksConfig.get_config

    def count(config: BlocksConfig, *given: object) -> object:
        described.append("page")
        return describe(config, *given)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(BlocksConfig, "get_config", count)
    page = GuardedBlocks(PageFiles(ServedPictures(History(Database(IN_MEMORY))), tmp_path))
    with page:
        gr.Button("Press", elem_id="built_first")
    app = mount_page(FastAPI(), page.queue(), read_flags([])[0])
    assert described == ["page"]
    with TestClient(app) as client:
        assert "built_first" in client.get("/").text
