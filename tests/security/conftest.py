"""The page, mounted once for all attacks, with secrets beside it."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from tests.security.page_visitor import Attack, OpenedFiles, Visitor, make_attack, other_server
from webui.api.app import build_api
from webui.core.flags import read_flags
from webui.jobs.services import Services
from webui.main import build_services
from webui.store.texts.encoding import PictureNotes, encode
from webui.ui.app import mount_ui
from webui.ui.doors.guarded_blocks import GuardedBlocks
from webui.ui.page import page_of

SECRET_TEXT = "TOP-SECRET-INFOTEXT"
BASE = "http://127.0.0.1"


@dataclass(frozen=True)
class Site:
    """The page, two visitors, what the first may not have, and what another server was asked."""

    app: FastAPI
    services: Services
    blocks: GuardedBlocks
    visitor: Visitor
    other: Visitor
    attack: Attack
    asked: list[str]
    uploads: Path
    home: Path


def picture(infotext: str, colour: str = "red") -> bytes:
    """A small PNG that tells how it was made."""
    return encode(Image.new("RGB", (8, 8), colour), "png", PictureNotes(infotext))


@pytest.fixture(scope="session")
def opened_files():
    return OpenedFiles()


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The queue of jobs is not started: it takes no model to take files."""
    home = tmp_path_factory.mktemp("site")
    for name in ("uploads", "outside"):
        (home / name).mkdir()
    (home / "outside" / "secret.png").write_bytes(picture(SECRET_TEXT))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(home / "uploads"))
        flags, _ = read_flags(["--data-dir", str(home), "--models-dir", str(home / "models")])
        services = build_services(flags, home)
        app = mount_ui(build_api(services), services)
        blocks = page_of(app).get_blocks()
        assert isinstance(blocks, GuardedBlocks)
        with (
            other_server() as (server, asked),
            TestClient(app, base_url=BASE, raise_server_exceptions=False) as client,
            TestClient(app, base_url=BASE, raise_server_exceptions=False) as other_client,
        ):
            visitor, other = Visitor(client), Visitor(other_client)
            for each in (client, other_client):
                each.get("/").raise_for_status()
            foreign = other.upload("foreign.png", picture(SECRET_TEXT, "blue"))
            turned = visitor.upload("turned.png", picture("mine", "green"))
            attack = make_attack(home, home / "uploads", server, foreign, turned)
            yield Site(app, services, blocks, visitor, other, attack, asked, home / "uploads", home)
