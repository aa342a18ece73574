"""What is asked of Civitai: searches, metadata, updates. By POST only: no other web site can make us ask."""

from typing import Any, cast

from fastapi import APIRouter
from pydantic import BaseModel, Field

from webui.core.errors import WebuiError
from webui.jobs.services import Services
from webui.models.cards.card import Card
from webui.models.cards.cards import CardDetail
from webui.models.cards.index import CardIndex
from webui.models.fetch.describing import Describer
from webui.models.fetch.refusals import FetchRefused
from webui.models.fetch.search import Found, Search, search
from webui.models.fetch.updates import Unanswered, Update, find_updates, known_versions, unknown

# Files are hashed for it, which takes a second for each GB.
MOST_AT_ONCE = 100


class FoundAnswer(Found):
    """A model that was found; `here` is the card of a version that is on this machine."""

    here: Card | None


class SearchAnswer(BaseModel):
    """What was found, and what to ask for the next ones."""

    items: list[FoundAnswer]
    next_cursor: str | None


class Words(BaseModel):
    """The site's words for filters."""

    types: list[str]
    base_models: list[str]
    sorts: list[str]
    periods: list[str]


class FetchBody(BaseModel):
    """Whether to take a preview too, where there is none."""

    preview: bool = True


class CardsBody(BaseModel):
    """Several cards."""

    ids: list[str] = Field(max_length=MOST_AT_ONCE)
    preview: bool = True


class Updates(BaseModel):
    """Newer versions, and the cards about which nothing was told."""

    updates: list[Update]
    unanswered: list[Unanswered]


class Described(BaseModel):
    """Cards that were filled, and those about which nothing was told."""

    described: list[str]
    unanswered: list[Unanswered]


def routes(services: Services) -> APIRouter:
    """The routes, bound to the server's services."""
    router = APIRouter()
    library = services.library
    describer = library.describer

    @router.post("/v1/civitai/search")
    def find(body: Search) -> SearchAnswer:
        """Search models."""
        items, cursor = search(library.civitai, body)
        index = library.cards.index
        return SearchAnswer(items=[found_answer(item, index) for item in items], next_cursor=cursor)

    @router.post("/v1/civitai/enums")
    def enums() -> Words:
        """What the filters may say."""
        return words_of(library.civitai.enums())

    @router.post("/v1/cards/{identity}/fetch")
    def fetch(identity: str, body: FetchBody | None = None) -> CardDetail:
        """Ask about a model by its hash, and fill what is empty on its card."""
        file = library.cards.index.find(identity).file
        version = library.civitai.by_hash(services.catalog.sha256(file))
        describer.describe(identity, version, with_preview=body is None or body.preview)
        return library.cards.detail(identity)

    @router.post("/v1/cards/fetch")
    def fetch_several(body: CardsBody) -> Described:
        """The same for several; one that fails does not end the rest."""
        return describe_several(services, describer, body)

    @router.post("/v1/cards/updates")
    def updates(body: CardsBody) -> Updates:
        """Whether there are newer versions."""
        entries = [library.cards.index.find(identity) for identity in body.ids]
        found, unanswered = find_updates(entries, services.catalog, library.civitai)
        return Updates(updates=found, unanswered=unanswered)

    return router


def describe_several(services: Services, describer: Describer, body: CardsBody) -> Described:
    """Fill several cards: one question for all hashes, then a picture each."""
    library = services.library
    entries = [library.cards.index.find(identity) for identity in body.ids]
    versions = known_versions((entry.file for entry in entries), services.catalog, library.civitai)
    described: list[str] = []
    unanswered: list[Unanswered] = []
    for entry in entries:
        version = versions.get(services.catalog.sha256(entry.file))
        if version is None:
            unanswered.append(unknown(entry.id))
            continue
        try:
            describer.describe(entry.id, version, with_preview=body.preview)
            described.append(entry.id)
        except WebuiError as error:
            cause = error.cause if isinstance(error, FetchRefused) else "unexpected"
            unanswered.append(Unanswered(id=entry.id, cause=cause, sentence=str(error)))
    return Described(described=described, unanswered=unanswered)


def found_answer(found: Found, index: CardIndex) -> FoundAnswer:
    """As an answer, with the card of what is here."""
    here = next(
        (
            index.card(entry)
            for entry in index.entries()
            if (entry.file.sha256 is not None and entry.file.sha256 in found.sha256)
            or (entry.text.model_id == found.model_id and found.model_id)
        ),
        None,
    )
    return FoundAnswer(**found.model_dump(), here=here)


def words_of(enums: dict[str, Any]) -> Words:
    """The site's lists. Any: JSON values."""

    def texts(key: str) -> list[str]:
        value = enums.get(key)
        words = cast("list[object]", value) if isinstance(value, list) else []
        return [word for word in words if isinstance(word, str)]

    return Words(
        types=texts("ModelType"),
        base_models=texts("ActiveBaseModel") or texts("BaseModel"),
        sorts=texts("ModelSort"),
        periods=texts("MetricTimeframe"),
    )
