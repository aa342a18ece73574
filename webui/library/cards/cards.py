"""What can be done with a card: read in detail, edited, given a preview, deleted, restored."""

import json
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, Field

from webui.core.errors import InvalidRequest, NotFound, UnusableFile
from webui.core.model_file import ModelFile, ModelKind
from webui.core.readable import readable
from webui.library.cards.card import Card, CardEntry
from webui.library.cards.index import CardIndex
from webui.library.catalog.catalog import Catalog
from webui.library.catalog.lora_files import SHORT_HASH_DIGITS, TRAINERS_HASH
from webui.library.files.embedded_previews import Cover, cover_of
from webui.library.files.headers import read_header
from webui.store.files.atomic import write_atomically
from webui.store.pictures.thumbnails import Thumbnails
from webui.store.reading import open_picture
from webui.store.sidecars import beside, find_preview, sidecars_of, write_card, written_path
from webui.store.texts.encoding import encode
from webui.store.trash import Trash, Trashed

# Tags of a training set that are worth showing.
MOST_TAGS = 60
LONGEST_VALUE = 2000
PNG_START = b"\x89PNG\r\n\x1a\n"
CIVITAI_MODEL = "https://civitai.com/models/"


class CivitaiPlace(BaseModel):
    """Where a model is on Civitai."""

    model_id: int
    version_id: int
    base_model: str
    url: str


class CardDetail(Card):
    """Everything about a model that is known without asking anybody."""

    path: str
    notes: str
    sd_version: str
    vae: str
    sidecars: list[str]
    metadata: dict[str, str]
    tags: list[tuple[str, int]]
    trained_words: list[str]
    civitai: CivitaiPlace | None
    writes_to: str
    # Whether the picture is a file beside the model, which can be removed.
    has_own_preview: bool
    # Of LoRAs: how the weights are stored.
    sort: str | None
    # What infotexts write of it, where that is known.
    short_hash: str | None


class CardEdit(BaseModel):
    """Changes to a card; what is left out stays."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    description: str | None = Field(None, max_length=20_000)
    notes: str | None = Field(None, max_length=20_000)
    activation_text: str | None = Field(None, max_length=20_000)
    negative_text: str | None = Field(None, max_length=20_000)
    preferred_weight: float | None = Field(None, ge=-100, le=100, allow_inf_nan=False)
    sd_version: str | None = Field(None, max_length=100)
    vae: str | None = Field(None, max_length=500)
    favourite: bool | None = None


class Cards:
    """The cards and their files. Any thread."""

    def __init__(self, catalog: Catalog, index: CardIndex, thumbnails: Thumbnails, trash: Trash) -> None:
        """What is deleted goes to `trash`."""
        self._catalog = catalog
        self.index = index
        self._thumbnails = thumbnails
        self.trash = trash

    def card(self, file: ModelFile) -> Card:
        """The card of a file."""
        return self.index.card(self.index.of(file))

    def detail(self, identity: str) -> CardDetail:
        """Everything about a model, its metadata read from the file. Raises NotFound."""
        entry = self.index.find(identity)
        file, text = entry.file, entry.text
        metadata = metadata_of(file)
        return CardDetail(
            **self.index.card(entry).model_dump(),
            path=file.path_text,
            notes=text.notes,
            sd_version=text.sd_version,
            vae=text.vae,
            sidecars=[readable(path.name) for path in sidecars_of(file.path)],
            metadata={key: value for key, value in metadata.items() if len(value) <= LONGEST_VALUE},
            tags=tags_of(metadata),
            trained_words=list(text.trained_words),
            civitai=civitai_place(entry),
            writes_to=readable(written_path(file.path).name),
            has_own_preview=find_preview(file.path) is not None,
            sort=file.sort,
            short_hash=self._short_hash(file),
        )

    def edit(self, identity: str, changes: CardEdit) -> CardDetail:
        """Write changes beside the model. Raises UnusableFile if the file there is damaged."""
        values = changes.model_dump(exclude_none=True)
        self.write(identity, values)
        return self.detail(identity)

    def write(self, identity: str, values: dict[str, Any]) -> None:
        """Write by the names of CardText; `civitai` takes an object. Any: JSON values."""
        path = self.index.find(identity).file.path
        if values:
            write_card(path, values)
            self.index.refresh(path)

    def hash(self, identity: str) -> CardDetail:
        """The same after the file was hashed, which takes a second for each GB. Raises UnusableFile."""
        file = self.index.find(identity).file
        try:
            digest = self._catalog.sha256(file)
            if file.kind is ModelKind.LORA:
                self._catalog.data_hash(file)
        except OSError as error:
            raise UnusableFile(f"{file.name} cannot be read: {error.strerror or error}.") from error
        self.index.note_hash(identity, digest)
        return self.detail(identity)

    def preview(self, identity: str) -> Path | Cover:
        """The preview's file, else the picture inside the model's. Raises NotFound."""
        file = self.index.find(identity).file
        found = find_preview(file.path) or cover_of(file)
        if found is None:
            if file.has_cover:
                self.index.without_cover(identity)
            raise NotFound("This model has no preview.")
        return found

    def thumbnail(self, identity: str) -> Path:
        """A small picture of the preview. Raises NotFound, UnusableFile."""

        def picture() -> Path | bytes:
            preview = self.preview(identity)
            return preview.data if isinstance(preview, Cover) else preview

        return self._thumbnails.get(identity, self.index.find(identity).preview_stamp, picture)

    def set_preview(self, identity: str, data: bytes) -> CardDetail:
        """Take a picture file as preview; a PNG keeps its infotext. Raises UnusableFile."""
        file = self.index.find(identity).file
        image = open_picture(data)
        png = data if data.startswith(PNG_START) else encode(image, "png")
        write_atomically(preview_target(file), png)
        self.index.refresh(file.path)
        return self.detail(identity)

    def remove_preview(self, identity: str) -> CardDetail:
        """Move the preview that is shown to the trash. Raises InvalidRequest for one inside the file."""
        file, preview = self.index.find(identity).file, self.preview(identity)
        if isinstance(preview, Cover):
            raise InvalidRequest("This picture is inside the file and stays there. Another one can cover it.")
        self.trash.put(preview, [], name=preview.name, kind="preview")
        self.index.refresh(file.path)
        return self.detail(identity)

    def delete(self, identity: str) -> Trashed:
        """Move a model with its sidecars to the trash. Raises InvalidRequest for the bundled one."""
        file = self.index.find(identity).file
        starter = self._catalog.folders.starter
        if starter is not None and starter in file.path.parents:
            raise InvalidRequest(f"{file.name} belongs to the program and stays.")
        trashed = self.trash.put(file.path, self._own_sidecars(file), name=file.name, kind=file.kind)
        self._catalog.forget(file.path)
        return trashed

    def restore(self, identity: str) -> Card | None:
        """Put a model back; its card, None for a preview and whatever else is no model."""
        trashed = self.trash.find(identity)
        path = self.trash.restore(identity)
        if trashed.kind not in list(ModelKind):
            self.index.reread()
            return None
        return self.card(self._catalog.add(path))

    def _short_hash(self, file: ModelFile) -> str | None:
        """The digits that A1111 writes into infotexts: of a LoRA twelve of another hash than the file's."""
        if file.kind is not ModelKind.LORA:
            return file.short_hash
        written = file.metadata.get(TRAINERS_HASH) or self._catalog.known_data_hash(file)
        return written[:SHORT_HASH_DIGITS] if written else None

    def _own_sidecars(self, file: ModelFile) -> list[Path]:
        """The sidecars of a file, but for those that it shares with another model of the same base."""
        others = [
            other
            for other in self._catalog.all_files()
            if other.path != file.path and beside(other.path, "") == beside(file.path, "")
        ]
        return [] if others else sidecars_of(file.path)


def metadata_of(file: ModelFile) -> dict[str, str]:
    """A file's metadata, whole."""
    try:
        return read_header(file.path).metadata
    except UnusableFile:
        return {}


def tags_of(metadata: dict[str, str]) -> list[tuple[str, int]]:
    """The commonest tags of the training set, as kohya's trainer noted them, most frequent first."""
    try:
        # Any: JSON values
        folders: Any = json.loads(metadata.get("ss_tag_frequency", "{}"))
    except (ValueError, RecursionError):
        return []
    counts: dict[str, int] = {}
    for folder in cast("dict[str, Any]", folders).values() if isinstance(folders, dict) else ():
        for word, count in cast("dict[str, Any]", folder).items() if isinstance(folder, dict) else ():
            if isinstance(count, int):
                counts[word.strip()] = counts.get(word.strip(), 0) + count
    return sorted(counts.items(), key=lambda pair: -pair[1])[:MOST_TAGS]


def civitai_place(entry: CardEntry) -> CivitaiPlace | None:
    """Where a model is on Civitai, None where nobody noted it."""
    text = entry.text
    if not text.model_id:
        return None
    version = f"?modelVersionId={text.version_id}" if text.version_id else ""
    return CivitaiPlace(
        model_id=text.model_id,
        version_id=text.version_id,
        base_model=text.base_model,
        url=f"{CIVITAI_MODEL}{text.model_id}{version}",
    )


def preview_target(file: ModelFile) -> Path:
    """Where a preview is written: where A1111 looks first. Beside embeddings a .png may be another one."""
    end = ".preview.png" if file.kind == ModelKind.EMBEDDING else ".png"
    return beside(file.path, end)
