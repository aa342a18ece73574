"""What arrivals look like in answers: each with the card of its file."""

from pydantic import BaseModel

from webui.core.model_file import Family, ModelKind
from webui.models.cards.card import Card
from webui.models.cards.cards import Cards
from webui.models.intake.arrival import Arrival, NamedModel, Outcome, State


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
        card=cards.card(named.file) if named.file else None,
    )


def arrival_answer(arrival: Arrival, cards: Cards) -> ArrivalAnswer:
    """As an answer."""
    file = arrival.file
    return ArrivalAnswer(
        **arrival.model_dump(exclude={"file", "named", "added"}),
        kind=file.kind if file else None,
        family=file.family if file else None,
        title=file.title if file else None,
        card=cards.card(file) if file else None,
        missing=[named_answer(named, cards) for named in arrival.named],
        added=list(arrival.added),
    )
