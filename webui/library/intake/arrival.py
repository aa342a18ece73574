"""What became of something that arrived."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from webui.core.model_file import ModelFile, ModelKind

Outcome = Literal["filed", "duplicate", "picture", "infotext", "styles", "wildcard", "preset", "refused"]
State = Literal["here", "other version", "missing"]


class NamedModel(BaseModel):
    """A model that an infotext names: by which field, and whether it is on this machine.

    `hash` is one of A1111's short ones; `file` the one here of that hash, else of that name.
    """

    model_config = ConfigDict(frozen=True)

    kind: ModelKind
    name: str
    hash: str | None
    where: str
    state: State
    file: ModelFile | None = None

    @property
    def link(self) -> str | None:
        """What to ask Civitai for; None where only the name is known."""
        return f"hash:{self.hash}" if self.hash else None


class Arrival(BaseModel):
    """One file that came, and what was done with it; `sentence` tells it to the artist."""

    model_config = ConfigDict(frozen=True)

    outcome: Outcome
    name: str
    sentence: str
    # Of models: the file in its folder.
    file: ModelFile | None = None
    # Of pictures: what requests call it, its size in pixels, its infotext and the models that names.
    reference: str | None = None
    width: int | None = None
    height: int | None = None
    infotext: str | None = None
    named: tuple[NamedModel, ...] = ()
    # Of styles and presets: their names.
    added: tuple[str, ...] = ()


def refuse_arrival(name: str, sentence: str) -> Arrival:
    """A file that was not kept."""
    return Arrival(outcome="refused", name=name, sentence=sentence)
