"""Routes that scripts ask of A1111's page: its cards, its pictures, and what Gradio 3 answered."""

import html
import json
import secrets
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from webui.core.errors import NotFound
from webui.core.model_file import ModelFile, ModelKind
from webui.jobs.services import Services
from webui.library.cards.cards import metadata_of
from webui.library.catalog.hypernetwork_files import hypernetwork_files
from webui.library.files.embedded_previews import decode_base64, find_encoded_covers
from webui.store.pictures.served_pictures import ServedFile, open_served
from webui.store.sidecars import base_name, find_preview

# A1111's pages of cards.
PAGES = {
    "checkpoints": ModelKind.CHECKPOINT,
    "lora": ModelKind.LORA,
    "textual inversion": ModelKind.EMBEDDING,
    "hypernetworks": ModelKind.HYPERNETWORK,
}
PREVIEW = ".preview"
NO_PREVIEW = "This is the preview of no model here. Give the path of a preview as the cards have it."


class QueueEstimation(BaseModel):
    """What Gradio 3 told of its queue."""

    msg: str = "estimation"
    rank: int | None = None
    queue_size: int
    avg_event_process_time: float | None = None
    avg_event_concurrent_process_time: float | None = None
    rank_eta: float | None = None
    queue_eta: float = 0


class AppId(BaseModel):
    """Another number after each start."""

    app_id: int


class CardHtml(BaseModel):
    """A card as HTML."""

    html: str


def routes(services: Services) -> APIRouter:
    """The routes, bound to the server's services."""
    router = APIRouter()
    add_gradio_routes(router, services)
    add_card_routes(router, services)

    @router.get("/file={path:path}")
    def get_file(path: str) -> Response:
        return send(open_served(services.pictures.find(path)))

    return router


def add_gradio_routes(router: APIRouter, services: Services) -> None:
    """What clients of A1111 ask of Gradio 3 to learn whether there is a server and a login."""
    # Fits into the integers of JavaScript.
    app_id = secrets.randbits(53)

    @router.get("/app_id")
    async def get_app_id() -> AppId:
        return AppId(app_id=app_id)

    # The guard has let the caller in: it answers those who are not logged in.
    @router.get("/login_check")
    async def check_login() -> None:
        return None

    @router.get("/user")
    async def get_user() -> str | None:
        return None

    @router.get("/queue/status")
    async def get_queue_status() -> QueueEstimation:
        running = 1 if services.jobs.running() else 0
        return QueueEstimation(queue_size=len(services.jobs.waiting()) + running)


def add_card_routes(router: APIRouter, services: Services) -> None:
    """A1111's cards of models."""

    @router.get("/sd_extra_networks/thumb")
    def get_thumbnail(filename: str = "") -> Response:
        return send(open_served(find_shown_preview(filename, services)))

    @router.get("/sd_extra_networks/cover-images")
    def get_cover(page: str = "", item: str = "", index: int = 0) -> Response:
        covers = list(find_encoded_covers(metadata_of(find_item(page, item, services))))
        cover = decode_base64(covers[index]) if 0 <= index < len(covers) else None
        if cover is None:
            raise NotFound(f"The file of {item!r} has no picture of that number inside.")
        return Response(cover.data, media_type=cover.media_type)

    @router.get("/sd_extra_networks/metadata")
    def get_metadata(page: str = "", item: str = "") -> dict[str, Any]:
        metadata = metadata_of(find_item(page, item, services))
        return {"metadata": json.dumps(metadata, indent=4, ensure_ascii=False)} if metadata else {}

    @router.get("/sd_extra_networks/get-single-card")
    def get_card(page: str = "", tabname: str = "", name: str = "") -> CardHtml:
        file = find_item(page, name, services)
        shown = html.escape(name, quote=True)
        return CardHtml(
            html=f'<div class="card" data-name="{shown}" data-kind="{file.kind.value}">'
            f'<span class="name">{shown}</span></div>'
        )


def find_item(page: str, item: str, services: Services) -> ModelFile:
    """The model of a card, by A1111's name of its page. Raises NotFound."""
    kind = PAGES.get(page.strip().lower().replace("_", " "))
    if kind is None:
        raise NotFound(f"There is no page of cards {page!r}. There are {', '.join(PAGES)}.")
    services.catalog.settle(kind)
    named = named_files(kind, services)
    if item in named:
        return named[item]
    return services.catalog.find(kind, item)


def named_files(kind: ModelKind, services: Services) -> dict[str, ModelFile]:
    """Files by the names under which prompts know them, for kinds that have such names."""
    if kind is ModelKind.LORA:
        return {name: entry.file for name, entry in services.loras.names().by_name.items()}
    return hypernetwork_files(services.catalog) if kind is ModelKind.HYPERNETWORK else {}


def find_shown_preview(filename: str, services: Services) -> Path:
    """The file of a preview, if it is shown on a card. Raises NotFound.

    Only the paths of models' own previews are compared: nothing is looked for where the caller says.
    """
    wanted = Path(filename)
    stem = wanted.stem.removesuffix(PREVIEW)
    for file in services.catalog.all_files():
        if base_name(file.path) == stem and find_preview(file.path) == wanted:
            return wanted
    raise NotFound(NO_PREVIEW)


def send(served: ServedFile) -> Response:
    """A picture as it is. Raises NotFound for any other file."""
    if not served.is_picture:
        served.file.close()
        raise NotFound(NO_PREVIEW)
    headers = {**served.headers, "Content-Length": str(served.size)}
    return StreamingResponse(served.chunks(), headers=headers)
