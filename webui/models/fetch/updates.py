"""What Civitai knows of the models that are here: by their hashes, and whether there are newer versions."""

from collections.abc import Iterable

from pydantic import BaseModel

from webui.core.model_file import ModelFile
from webui.models.cards.card import CardEntry
from webui.models.catalog import Catalog
from webui.models.fetch.civitai import Civitai, Version
from webui.models.fetch.links import CivitaiLink
from webui.models.fetch.refusals import Cause, FetchRefused

# After these the site would refuse the next question too.
HOPELESS: tuple[Cause, ...] = ("too many requests", "no connection")


class Update(BaseModel):
    """A newer version of a model that is here; `link` fetches it."""

    id: str
    version_id: int
    version: str
    base_model: str
    link: str


class Unanswered(BaseModel):
    """A card about which the site told nothing, and why."""

    id: str
    cause: Cause
    sentence: str


def known_versions(files: Iterable[ModelFile], catalog: Catalog, civitai: Civitai) -> dict[str, Version]:
    """The versions of files by their SHA-256; files are hashed where that was not done yet."""
    digests = list(dict.fromkeys(catalog.sha256(file) for file in files))
    return civitai.by_hashes(digests)


def find_updates(
    entries: Iterable[CardEntry], catalog: Catalog, civitai: Civitai
) -> tuple[list[Update], list[Unanswered]]:
    """Newer versions of these cards' models; one that cannot be asked for does not end the rest."""
    asked = list(entries)
    nameless = [entry for entry in asked if not entry.text.model_id]
    found = known_versions((entry.file for entry in nameless), catalog, civitai) if nameless else {}
    updates: list[Update] = []
    unanswered: list[Unanswered] = []
    for entry in asked:
        model, version = place_of(entry, found, catalog)
        try:
            if model:
                updates += newer(entry.id, civitai.versions(model), version)
            else:
                unanswered.append(unknown(entry.id))
        except FetchRefused as error:
            unanswered.append(Unanswered(id=entry.id, cause=error.cause, sentence=str(error)))
            if error.cause in HOPELESS:
                break
    return updates, unanswered


def place_of(entry: CardEntry, found: dict[str, Version], catalog: Catalog) -> tuple[int, int]:
    """Ids of a card's model and version, 0 where unknown."""
    if entry.text.model_id:
        return entry.text.model_id, entry.text.version_id
    version = found.get(catalog.sha256(entry.file))
    return (version.model_id, version.id) if version else (0, 0)


def newer(identity: str, versions: list[Version], here: int) -> list[Update]:
    """The newest version with a file, if it is newer than the one that is here."""
    known = [version.id for version in versions]
    first = next((version for version in versions if version.files), None)
    if first is None or first.id == here or (here in known and known.index(first.id) > known.index(here)):
        return []
    link = CivitaiLink(first.model_id, first.id).text
    return [
        Update(
            id=identity,
            version_id=first.id,
            version=first.name,
            base_model=first.base_model,
            link=link,
        )
    ]


def unknown(identity: str) -> Unanswered:
    """The site has no such file."""
    return Unanswered(id=identity, cause="gone", sentence="Civitai does not know this file.")
