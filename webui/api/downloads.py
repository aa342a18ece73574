"""/v1/links, /v1/downloads, /v1/keys: models from elsewhere, in the background. Asks only when told to."""

from collections.abc import Callable

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field, TypeAdapter

from webui.api.arrivals import ArrivalAnswer, arrival_answer, card_of
from webui.api.server_events import event_stream
from webui.jobs.services import Services
from webui.library.cards.card import Card
from webui.library.fetch.downloads import Download, DownloadStatus
from webui.library.fetch.offers import Offer, OfferedFile
from webui.library.fetch.sites import CIVITAI, HUGGINGFACE

# How often an open page hears what changed.
EVENTS_S = 0.3


class LinkBody(BaseModel):
    """What was pasted or dropped."""

    text: str = Field(max_length=4000)


class NewDownload(BaseModel):
    """A link, and the id of one of its files; left out: the primary one."""

    link: str = Field(max_length=4000)
    file: str | None = Field(None, max_length=1000)


class OfferedFileAnswer(OfferedFile):
    """A file to choose. `card` is there if it is on this machine already."""

    card: Card | None


class OfferAnswer(BaseModel):
    """What is behind a link."""

    link: str
    site: str
    title: str
    version: str | None
    model_id: int | None
    version_id: int | None
    base_model: str | None
    kind: str | None
    trained_words: list[str]
    preview: str | None
    early_access_until: str | None
    files: list[OfferedFileAnswer]


class DownloadAnswer(DownloadStatus):
    """Where a download stands, and what became of what came."""

    arrivals: list[ArrivalAnswer]


class KeysBody(BaseModel):
    """Keys to keep; an empty one is forgotten, one left out stays."""

    civitai: str | None = Field(None, max_length=500, repr=False)
    huggingface: str | None = Field(None, max_length=500, repr=False)


class KeysAnswer(BaseModel):
    """Which keys there are; they are never shown."""

    civitai: bool
    huggingface: bool


def routes(services: Services) -> APIRouter:
    """The routes, bound to the server's services."""
    router = APIRouter()
    add_download_routes(router, services)
    add_key_routes(router, services)

    @router.post("/v1/links")
    def find_offer(body: LinkBody) -> OfferAnswer:
        """What is behind a link; asks its site."""
        return offer_answer(services.library.offers.find(body.text), services)

    return router


def add_download_routes(router: APIRouter, services: Services) -> None:
    """Downloads."""
    downloads = services.library.downloads

    @router.post("/v1/downloads", status_code=202)
    def begin(body: NewDownload) -> DownloadAnswer:
        """Begin one."""
        return download_answer(downloads.add(body.link, body.file), services)

    @router.get("/v1/downloads")
    def all_downloads() -> list[DownloadAnswer]:
        """All of them."""
        return [download_answer(each, services) for each in downloads.all()]

    @router.get("/v1/downloads/events")
    async def events(request: Request) -> StreamingResponse:
        """Those that change, as they change."""
        return event_stream(request, EVENTS_S, changes_of(services), lambda: False)

    @router.get("/v1/downloads/{identity}")
    def one(identity: str) -> DownloadAnswer:
        """One of them."""
        return download_answer(downloads.find(identity), services)

    @router.post("/v1/downloads/{identity}/pause")
    def pause(identity: str) -> DownloadAnswer:
        """Stop for now."""
        return download_answer(downloads.pause(identity), services)

    @router.post("/v1/downloads/{identity}/resume")
    def resume(identity: str) -> DownloadAnswer:
        """Go on, or try again."""
        return download_answer(downloads.resume(identity), services)

    @router.delete("/v1/downloads/{identity}", status_code=204)
    def cancel(identity: str) -> None:
        """Stop, and leave nothing."""
        downloads.cancel(identity)


def add_key_routes(router: APIRouter, services: Services) -> None:
    """The artist's keys."""
    keys = services.library.keys

    @router.get("/v1/keys")
    def get_keys() -> KeysAnswer:
        """Which keys there are."""
        return KeysAnswer(civitai=bool(keys.get(CIVITAI)), huggingface=bool(keys.get(HUGGINGFACE)))

    @router.put("/v1/keys")
    def put_keys(body: KeysBody) -> KeysAnswer:
        """Keep or forget keys."""
        for site, key in ((CIVITAI, body.civitai), (HUGGINGFACE, body.huggingface)):
            if key is not None:
                keys.change(site, key)
        return get_keys()


def changes_of(services: Services) -> Callable[[], str | None]:
    """A function that gives all downloads at first, then those that changed since its last call, or None."""
    adapter = TypeAdapter(list[DownloadAnswer])
    revision = -1

    def news() -> str | None:
        nonlocal revision
        before = revision
        revision, changed = services.library.downloads.changed_since(revision)
        if not changed and before >= 0:
            return None
        return adapter.dump_json([download_answer(each, services) for each in changed]).decode()

    return news


def download_answer(download: Download, services: Services) -> DownloadAnswer:
    """As an answer."""
    return DownloadAnswer(
        **download.model_dump(exclude={"arrivals", "revision"}),
        arrivals=[arrival_answer(arrival, services.library.cards) for arrival in download.arrivals],
    )


def offer_answer(offer: Offer, services: Services) -> OfferAnswer:
    """As an answer."""
    version = offer.version
    return OfferAnswer(
        link=offer.link,
        site=offer.site,
        title=offer.title,
        version=version.name if version else None,
        model_id=version.model_id if version else None,
        version_id=version.id if version else None,
        base_model=version.base_model if version else None,
        kind=version.type if version else None,
        trained_words=list(version.trained_words) if version else [],
        preview=next(iter(version.images), None) if version else None,
        early_access_until=version.early_access_until if version else None,
        files=[file_answer(file, services) for file in offer.files],
    )


def file_answer(file: OfferedFile, services: Services) -> OfferedFileAnswer:
    """As an answer, with the card of what is here already."""
    here = services.catalog.by_hash(file.sha256) if file.sha256 else None
    card = card_of(here, services.library.cards)
    return OfferedFileAnswer(**file.model_dump(), url=file.url, card=card)
