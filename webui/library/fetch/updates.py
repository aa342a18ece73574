"""Newer versions on Civitai of models that are here."""

from collections.abc import Collection

from pydantic import BaseModel

from webui.library.cards.card import CardUpdate
from webui.library.fetch.civitai import Version
from webui.library.fetch.links import CivitaiLink
from webui.library.fetch.refusals import Cause


class NewerVersion(CardUpdate):
    """A newer version of a model that is here; `id` is the card's."""

    id: str


class Unanswered(BaseModel):
    """A card about which the site told nothing, and why."""

    id: str
    cause: Cause
    sentence: str


def newer(
    identity: str, versions: list[Version], here: int, others: Collection[int] = ()
) -> NewerVersion | None:
    """The newest version with a file, if it is newer than the one that is here and not among the others."""
    known = [version.id for version in versions]
    first = next((version for version in versions if version.files), None)
    if first is None or first.id == here or first.id in others:
        return None
    if here in known and known.index(first.id) > known.index(here):
        return None
    return NewerVersion(
        id=identity,
        version_id=first.id,
        version=first.name,
        base_model=first.base_model,
        published=first.published,
        link=CivitaiLink(first.model_id, first.id).text,
    )


def unknown(identity: str) -> Unanswered:
    """The site has no such file."""
    return Unanswered(id=identity, cause="gone", sentence="Civitai does not know this file.")
