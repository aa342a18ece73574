"""What arrivals look like in answers: each with the card of its file."""

from pydantic import BaseModel

from webui.core.errors import NotFound
from webui.core.model_file import Family, ModelFile, ModelKind
from webui.library.cards.card import Card
from webui.library.cards.cards import Cards
from webui.library.intake.arrival import Arrival, NamedModel, Outcome, State


def card_of(file: ModelFile | None, cards: Cards) -> Card | None:
    """The card of a file, None if that was deleted meanwhile."""
    try:
        return cards.card(file) if file else None
    except NotFound:
        return None


class NamedModelAnswer(BaseModel):
    """A model that an infotext names, and the card of what is here of it."""

    kind: ModelKind
    name: str
    hash: str | None
    where: str
    state: State
    link: str | None
    card: Card | None


class ArrivalAnswer(BaseModel):
    """What became of a file that came; `sentence` is for the artist."""

    outcome: Outcome
    name: str
    sentence: str
    kind: ModelKind | None
    family: Family | None
    title: str | None
    card: Card | None
    reference: str | None
    width: int | None
    height: int | None
    infotext: str | None
    missing: list[NamedModelAnswer]
    added: list[str]


def named_answer(named: NamedModel, cards: Cards) -> NamedModelAnswer:
    """As an answer."""
    return NamedModelAnswer(
        **named.model_dump(exclude={"file"}),
        link=named.link,
        card=card_of(named.file, cards),
    )


def arrival_answer(arrival: Arrival, cards: Cards) -> ArrivalAnswer:
    """As an answer."""
    file = arrival.file
    return ArrivalAnswer(
        **arrival.model_dump(exclude={"file", "named", "added"}),
        kind=file.kind if file else None,
        family=file.family if file else None,
        title=file.title if file else None,
        card=card_of(file, cards),
        missing=[named_answer(named, cards) for named in arrival.named],
        added=list(arrival.added),
    )
