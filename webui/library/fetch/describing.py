"""What a site tells of a model, written on its card: only what is empty there, and nothing is replaced."""

import html
import logging
import re
from typing import Any

from webui.core.errors import WebuiError
from webui.library.cards.cards import Cards
from webui.library.fetch.civitai import Version, preview_address
from webui.library.fetch.offers import Offer, OfferedFile
from webui.library.fetch.web import Web
from webui.library.intake.arrival import Arrival
from webui.store.sidecars import CardText, find_preview

logger = logging.getLogger(__name__)

MAX_PREVIEW_BYTES = 30 * 2**20
# How many of a version's pictures are tried before a card goes without.
PREVIEWS_TRIED = 3
TAG = re.compile(r"<[^<>]*>")
LINE_END = re.compile(r"</(?:p|li|h\d|div)>|<br\s*/?>", re.IGNORECASE)
MAX_DESCRIPTION = 4000
# A1111's words for "sd version".
SD_VERSIONS = (
    ("SDXL", "SDXL"),
    ("Pony", "SDXL"),
    ("Illustrious", "SDXL"),
    ("NoobAI", "SDXL"),
    ("SD 1", "SD1"),
    ("SD 2", "SD2"),
)


class Describer:
    """Fills cards. Any thread."""

    def __init__(self, cards: Cards, web: Web) -> None:
        self._cards = cards
        self._web = web

    def note(self, offer: Offer, file: OfferedFile, arrival: Arrival) -> None:
        """Note what the site told of a file that was fetched from it. Never raises for what it told."""
        if offer.version is None or arrival.file is None:
            return
        try:
            identity = self._cards.card(arrival.file).id
            self.describe(identity, offer.version, with_preview=True)
        except WebuiError as error:
            logger.warning("The card of %s was not written: %s", file.name, error)

    def describe(self, identity: str, version: Version, *, with_preview: bool) -> None:
        """Fill a card from a version of Civitai's; a preview that cannot be had is no failure."""
        entry = self._cards.index.find(identity)
        self._cards.write(identity, new_values(entry.text, version))
        if not with_preview or entry.file.has_cover or find_preview(entry.file.path) is not None:
            return
        for image in version.images[:PREVIEWS_TRIED]:
            try:
                picture = self._web.bytes(preview_address(image), MAX_PREVIEW_BYTES)
                self._cards.set_preview(identity, picture)
                return
            except WebuiError as error:
                logger.debug("No preview: %s", error)


def new_values(text: CardText, version: Version) -> dict[str, Any]:
    """What a version adds to a card, by CardText's names. Any: JSON values."""
    offered = {
        "activation_text": ", ".join(version.trained_words),
        "description": plain_text(version.description),
        "sd_version": next((ours for mark, ours in SD_VERSIONS if version.base_model.startswith(mark)), ""),
    }
    noted = {
        "modelId": version.model_id,
        "versionId": version.id,
        "baseModel": version.base_model,
        "trainedWords": list(version.trained_words),
    }
    empty = {name: value for name, value in offered.items() if value and not getattr(text, name)}
    return empty | {"civitai": noted}


def plain_text(text: str) -> str:
    """HTML as plain text."""
    lines = TAG.sub("", LINE_END.sub("\n", text)).splitlines()
    return html.unescape("\n".join(line.strip() for line in lines if line.strip()))[:MAX_DESCRIPTION]
