"""What a page shows of a model file."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from webui.core.model_file import Family, ModelFile, ModelKind
from webui.store.header_cache import key_of
from webui.store.sidecars import CardText

MAX_PAGE = 1000
Order = Literal["name", "modified", "size", "family"]


class CardUpdate(BaseModel):
    """A newer version on Civitai of a model that is here; `link` fetches it, `published` is an ISO time."""

    model_config = ConfigDict(frozen=True)

    version_id: int
    version: str
    base_model: str
    published: str | None
    link: str


class Card(BaseModel):
    """One model file. `thumbnail` is an address below the server's, without a leading slash."""

    model_config = ConfigDict(frozen=True)

    id: str
    kind: ModelKind
    name: str
    stem: str
    title: str
    folder: str
    family: Family
    size: int
    modified: float
    sha256: str | None
    reason: str | None
    favourite: bool
    description: str
    activation_text: str
    negative_text: str
    preferred_weight: float
    thumbnail: str | None
    insert: str
    insert_negative: str
    update: CardUpdate | None


class CardFolder(BaseModel):
    """A folder below the kind's, and how many of its cards lie in it or deeper."""

    path: str
    count: int


class CardPage(BaseModel):
    """A part of the cards that match. `hidden`: so many match but are for another family.

    `unread`: so many model files were found that are still to be read.
    `newer`: of so many that match a newer version is known.
    """

    total: int
    hidden: int
    unread: int
    newer: int
    offset: int
    cards: list[Card]
    folders: list[CardFolder]
    version: str


class CardQuery(BaseModel):
    """Which cards, in which order. `family` is the checkpoint's: what is for another one is hidden.

    `fitting` asks the server to take the family of the checkpoint that is selected.
    """

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    kind: ModelKind | None = None
    text: str = Field("", alias="q", max_length=500)
    family: Family = Family.UNKNOWN
    fitting: bool = False
    folder: str = ""
    favourites: bool = False
    # Only those of which a newer version is known.
    newer: bool = False
    sort: Order = "name"
    descending: bool = False
    offset: int = Field(0, ge=0)
    limit: int = Field(200, ge=0, le=MAX_PAGE)


@dataclass(frozen=True, slots=True)
class CardEntry:
    """A file, its text, and what searches and sorts need. `preview_stamp` is 0 without a preview."""

    id: str
    file: ModelFile
    text: CardText
    folder: str
    searched: str
    preview_stamp: int

    @property
    def thumbnail(self) -> str | None:
        """Where the thumbnail is; its stamp changes with the picture, so that browsers may keep it."""
        return f"v1/cards/{self.id}/thumbnail?v={self.preview_stamp:x}" if self.preview_stamp else None


def card_id(path: Path) -> str:
    """What a file's card is called in addresses: 16 hex digits made of its path."""
    return id_of_key(key_of(path))


def id_of_key(key: str) -> str:
    """The same from the key of the path."""
    return hashlib.blake2b(key.encode(), digest_size=8).hexdigest()


def make_entry(identity: str, file: ModelFile, text: CardText, preview_stamp: int) -> CardEntry:
    """An entry of the index."""
    folder, _, _ = file.name.rpartition("/")
    words = (file.name, text.activation_text, text.description, " ".join(text.trained_words), text.sd_version)
    searched = "\n".join((*words, file.family, text.base_model, file.sha256 or "")).casefold()
    return CardEntry(identity, file, text, folder, searched, preview_stamp)


def make_card(entry: CardEntry, insert: str, insert_negative: str, update: CardUpdate | None) -> Card:
    """An entry as a page shows it."""
    file, text = entry.file, entry.text
    return Card(
        id=entry.id,
        kind=file.kind,
        name=file.name,
        stem=file.stem,
        title=file.title,
        folder=entry.folder,
        family=file.family,
        size=file.size,
        modified=file.mtime_ns / 1e9,
        sha256=file.sha256,
        reason=file.reason,
        favourite=text.favourite,
        description=text.description,
        activation_text=text.activation_text,
        negative_text=text.negative_text,
        preferred_weight=text.preferred_weight,
        thumbnail=entry.thumbnail,
        insert=insert,
        insert_negative=insert_negative,
        update=update,
    )
