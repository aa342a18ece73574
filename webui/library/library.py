"""What the front doors need to take models in, fetch them, show and delete them."""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from webui.core.errors import UnusableFile, WebuiError
from webui.core.model_file import ModelFile, ModelKind
from webui.core.readable import readable
from webui.core.settings import Settings
from webui.library.captioners.fetching import CaptionerFetching
from webui.library.cards.card import CardEntry
from webui.library.cards.cards import Cards
from webui.library.catalog.catalog import Catalog
from webui.library.defaults.resolving import ResolvedDefaults, resolve_defaults
from webui.library.fetch.civitai import Civitai
from webui.library.fetch.describing import Describer
from webui.library.fetch.downloads import Downloads
from webui.library.fetch.offers import Offers
from webui.library.fetch.web import Web
from webui.library.intake.arrival import Arrival
from webui.library.intake.finishing import UploadFinisher
from webui.library.intake.intake import Intake
from webui.library.presets.presets import Presets
from webui.library.recognise.yaml_sidecar import read_settings
from webui.prompts.styles import Styles
from webui.store.files.uploads import Uploads
from webui.store.keys import Keys
from webui.store.pictures.history import History
from webui.store.settings_file import SettingsFile
from webui.store.sidecars import read_card

logger = logging.getLogger(__name__)

# Pictures that are shown of those that name a model.
LATEST = 12


class Use(BaseModel):
    """What names a model, and would be without it: `sentence` tells it to the artist."""

    pictures: int
    latest: list[str]
    styles: list[str]
    selected: bool
    named_by: list[str]
    sentence: str


@dataclass(frozen=True, slots=True)
class Library:
    """Made once in `main`."""

    catalog: Catalog
    intake: Intake
    uploads: Uploads
    finishing: UploadFinisher
    cards: Cards
    presets: Presets
    history: History
    keys: Keys
    web: Web
    civitai: Civitai
    offers: Offers
    downloads: Downloads
    captioners: CaptionerFetching
    describer: Describer
    settings: SettingsFile

    def start(self) -> None:
        """After the start of the server: go on with what a killed one left, and look at all models."""
        self.intake.clean()
        self.uploads.clean()
        self.downloads.start()
        threading.Thread(target=self.finishing.resume, name="finish", daemon=True).start()
        threading.Thread(target=self._look_at_models, name="cards", daemon=True).start()

    def _look_at_models(self) -> None:
        """What the first page need not wait for: files that are new, and a second for 20,000 cards."""
        try:
            if self.catalog.unread:
                self.catalog.scan()
            self.cards.index.entries()
        except WebuiError as error:
            # The next list that is asked for tries again, and tells the artist.
            logger.warning("Not all models could be read: %s", error)

    def close(self) -> None:
        """Before the server ends."""
        self.downloads.close()
        self.web.close()

    def finish_upload(self, identity: str) -> list[Arrival]:
        """File an upload that is whole; nothing is left of it in any case. Asked again, it tells the same."""
        arrivals, are_new = self.finishing.finish(identity)
        if are_new and self.settings.current.models.civitai_describes_new_models:
            filed = [each.file for each in arrivals if each.outcome == "filed" and each.file is not None]
            threading.Thread(target=self.describe, args=(filed,), name="describe", daemon=True).start()
        return arrivals

    def describe(self, files: Sequence[ModelFile]) -> None:
        """Ask Civitai about files that came, and fill their cards. What it does not know stays as it is."""
        for file in files:
            try:
                version = self.civitai.by_hash(file.sha256 or "")
                self.describer.describe(self.cards.card(file).id, version, with_preview=True)
            except WebuiError as error:
                logger.info("Civitai told nothing about %s: %s", file.name, error)

    def defaults_of(self, checkpoint: ModelFile) -> ResolvedDefaults:
        """What the form begins with for a checkpoint, its sidecars read anew."""
        return resolve_defaults(checkpoint, read_card(checkpoint.path), said_prediction(checkpoint))

    def use_of(self, identity: str, styles: Styles, settings: Settings) -> Use:
        """What would miss a model that is deleted."""
        entry = self.cards.index.find(identity)
        file = entry.file
        fragments = fragments_of(file)
        pictures, latest = self.history.mentioning(fragments, LATEST) if fragments else (0, [])
        named = [
            style.name
            for style in styles.styles
            if any(fragment in style.prompt + style.negative_prompt for fragment in fragments)
        ]
        selected = file.title in (settings.models.sd_model_checkpoint, settings.models.sd_vae) or (
            file.kind == ModelKind.VAE and file.file_name == settings.models.sd_vae
        )
        named_by = checkpoints_with(file, self.cards.index.entries())
        return Use(
            pictures=pictures,
            latest=[readable(str(path)) for path in latest],
            styles=named,
            selected=selected,
            named_by=named_by,
            sentence=use_sentence(pictures, named, selected=selected, named_by=named_by),
        )


def said_prediction(checkpoint: ModelFile) -> str | None:
    """ "eps" or "v" as the yaml beside a checkpoint says; None where none can be read."""
    try:
        return read_settings(checkpoint.path).prediction
    except UnusableFile:
        return None


def fragments_of(file: ModelFile) -> tuple[str, ...]:
    """How infotexts and styles name a model."""
    match file.kind:
        case ModelKind.CHECKPOINT:
            return (f"Model: {file.stem},", f"Refiner: {file.stem} [")
        case ModelKind.VAE:
            return (f"VAE: {file.file_name},",)
        case ModelKind.LORA:
            return (f"<lora:{file.stem}:", f"<lyco:{file.stem}:")
        case ModelKind.HYPERNETWORK:
            return (f"<hypernet:{file.stem}:", f"Hypernet: {file.stem},")
        case ModelKind.EMBEDDING:
            return (file.stem,)
        case _:
            return ()


def checkpoints_with(file: ModelFile, entries: list[CardEntry]) -> list[str]:
    """The checkpoints whose card names this VAE."""
    if file.kind != ModelKind.VAE:
        return []
    return [
        entry.file.name for entry in entries if entry.text.vae and Path(entry.text.vae).name == file.file_name
    ]


def use_sentence(pictures: int, styles: list[str], *, selected: bool, named_by: list[str]) -> str:
    """What would miss the model, in words."""
    parts = [
        one_or_more(
            pictures,
            "1 picture of the history was made with it",
            f"{pictures} pictures of the history were made with it",
        ),
        one_or_more(len(styles), "the style {} names it", "the styles {} name it").format(", ".join(styles)),
        one_or_more(len(named_by), "the card of {} names it", "the cards of {} name it").format(
            ", ".join(named_by)
        ),
        "it is selected now" if selected else "",
    ]
    told = "; ".join(part for part in parts if part)
    return f"{told[0].upper()}{told[1:]}." if told else "Nothing here names it."


def one_or_more(count: int, one: str, more: str) -> str:
    """The words for that many; none for 0."""
    return (one if count == 1 else more) if count else ""
