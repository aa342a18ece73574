"""What is known of a captioner without loading it."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict


class CaptionerSort(StrEnum):
    """Which network it is."""

    BLIP = "BLIP"
    FLORENCE2 = "Florence-2"
    WD_TAGGER = "WD tagger"

    @property
    def is_tagger(self) -> bool:
        """Whether it finds tags, and writes no sentences."""
        return self is CaptionerSort.WD_TAGGER


class Captioner(BaseModel):
    """A folder with a captioner. `id` is its path below the folder of models, with "/" between parts.

    `size` is bytes. `reason` says why it cannot be used, as a sentence; None if it can. `licence` is empty
    where nothing tells it.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    sort: CaptionerSort
    folder: Path
    size: int = 0
    mtime_ns: int = 0
    licence: str = ""
    reason: str | None = None

    @property
    def weights(self) -> Path:
        """The file of its weights."""
        return self.folder / weights_name(self.sort)


def weights_name(sort: CaptionerSort) -> str:
    """What the file of weights is called: no other is ever read."""
    return "model.onnx" if sort.is_tagger else "model.safetensors"


def is_named(captioner: Captioner, name: str) -> bool:
    """Whether a name is this one's: its id, or its folder's name, in any case."""
    return name.strip().strip("/").casefold() in {captioner.id.casefold(), captioner.name.casefold()}


def usable(captioners: Sequence[Captioner]) -> list[Captioner]:
    """Those that can be used."""
    return [each for each in captioners if each.reason is None]
