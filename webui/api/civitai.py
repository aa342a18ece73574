"""What is asked of Civitai: searches, metadata, updates. By POST only: no other web site can make us ask."""

from typing import Any, cast

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from webui.api.cards import resolve_family
from webui.jobs.services import Services
from webui.library.cards.card import Card, CardEntry, CardQuery
from webui.library.cards.cards import CardDetail
from webui.library.cards.index import CardIndex
from webui.library.fetch.inquiries import Steps, describe_cards, is_undescribed, look_for_updates
from webui.library.fetch.search import Found, Search, search
from webui.library.fetch.updates import NewerVersion, Unanswered

# Files are hashed for it, which takes a second for each GB.
MOST_AT_ONCE = 100


class FoundAnswer(Found):
    """A model that was found; `here` is the card of a version that is on this machine, `same` if it is this
    one.
    """

    here: Card | None
    same: bool


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
    """Newer versions, and the cards about which the site said nothing."""

    updates: list[NewerVersion]
    unanswered: list[Unanswered]


class Described(BaseModel):
    """Cards that were filled, and those about which the site said nothing."""

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

    add_inquiry_routes(router, services)
    return router


def add_inquiry_routes(router: APIRouter, services: Services) -> None:
    """Questions about many cards: some by their ids, or all that match, with each answer as it comes."""
    library = services.library
    cards = library.cards

    def describing(entries: list[CardEntry], *, with_preview: bool = True) -> Steps:
        catalog, civitai, describer = services.catalog, library.civitai, library.describer
        return describe_cards(entries, catalog, civitai, describer, cards, with_preview=with_preview)

    def updating(entries: list[CardEntry]) -> Steps:
        return look_for_updates(entries, services.catalog, library.civitai, cards)

    @router.post("/v1/cards/fetch")
    def fetch_several(body: CardsBody) -> Described:
        """Ask about several models; one that fails does not end the rest."""
        entries = [cards.index.find(identity) for identity in body.ids]
        steps = list(describing(entries, with_preview=body.preview))
        return Described(
            described=[step.described.id for step in steps if step.described],
            unanswered=[step.unanswered for step in steps if step.unanswered],
        )

    @router.post("/v1/cards/updates")
    def updates(body: CardsBody) -> Updates:
        """Whether there are newer versions."""
        steps = list(updating([cards.index.find(identity) for identity in body.ids]))
        return Updates(
            updates=[step.update for step in steps if step.update],
            unanswered=[step.unanswered for step in steps if step.unanswered],
        )

    @router.post("/v1/cards/describe")
    def describe_matching(query: CardQuery) -> StreamingResponse:
        """Ask about all that match and lack a preview or trigger words: a line of JSON for each step."""
        matching = cards.index.matching(resolve_family(query, services))
        return lines_of(describing([entry for entry in matching if is_undescribed(entry)]))

    @router.post("/v1/cards/find-updates")
    def update_matching(query: CardQuery) -> StreamingResponse:
        """Look for newer versions of all that match: a line of JSON for each step."""
        return lines_of(updating(cards.index.matching(resolve_family(query, services))))


def lines_of(steps: Steps) -> StreamingResponse:
    """Steps as they come. Who stops reading stops the inquiry."""
    lines = (step.model_dump_json() + "\n" for step in steps)
    return StreamingResponse(lines, media_type="application/x-ndjson", headers={"Cache-Control": "no-store"})


def found_answer(found: Found, index: CardIndex) -> FoundAnswer:
    """As an answer, with the card of what is here."""
    entries = index.entries()
    same = next((entry for entry in entries if is_same_version(entry, found)), None)
    others = (entry for entry in entries if found.model_id and entry.text.model_id == found.model_id)
    here = same or next(others, None)
    card = index.card(here) if here else None
    return FoundAnswer(**found.model_dump(), here=card, same=same is not None)


def is_same_version(entry: CardEntry, found: Found) -> bool:
    """Whether a card is of the version that was found."""
    if entry.file.sha256 is not None and entry.file.sha256 in found.sha256:
        return True
    return bool(found.version_id) and entry.text.version_id == found.version_id


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
