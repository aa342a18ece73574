"""What happens during a job. A job's log is a list of these; pages and the API are views of it."""

from typing import Literal

from PIL.Image import Image
from pydantic import BaseModel, ConfigDict

from webui.core.request import GenerationRequest
from webui.core.run_plan import RunPlan


class Event(BaseModel):
    """Base of all events: frozen values that carry no tensors."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Queued(Event):
    """The job stands in the queue; `position` 0 is next."""

    position: int


class Started(Event):
    """The device thread took the job. `at` is seconds since the epoch."""

    at: float


class Progress(Event):
    """Steps done in the whole job, and where that is."""

    step: int
    steps: int
    batch: int
    batches: int
    sampling_step: int
    sampling_steps: int

    @property
    def fraction(self) -> float:
        """Share of the job's steps that are done, 0 to 1."""
        return min(self.step / self.steps, 1.0) if self.steps else 0.0


class Phase(Event):
    """What the job does now, until the next one: "Loading model", "Sampling", "Decoding".

    `detail` says more where there is more to say: "picture 2 of 4". `counts_steps`: `Progress` tells how far
    this phase itself is.
    """

    name: str
    detail: str = ""
    counts_steps: bool = False


class Preview(Event):
    """What the pictures look like so far: an encoded picture (`mime` tells how), and the step it shows."""

    data: bytes
    mime: str
    step: int


# What a picture is when it is not the result itself: the suffix of its file's name.
Aside = Literal[
    "",
    "-init-image",
    "-before-highres-fix",
    "-before-color-correction",
    "-before-face-restoration",
    "-mask",
    "-mask-composite",
]


class SaveAs(Event):
    """How a picture is kept, where that differs from what its tab and the settings say.

    `folder` in place of the tab's. `name` is the file's, without its type; empty: numbered. `items` are texts
    kept in the picture beside the infotext, which stands under `section`; `caption` is the text of a file
    beside it, in place of the infotext where the settings want one. `sheet`: it is a sheet of pictures
    and goes among the grids, with this before its number; it has no entry in the history. `as_usual`: named,
    sorted and described as the tab's pictures are, only in another folder.
    """

    folder: str = ""
    as_usual: bool = False
    sheet: str = ""
    name: str = ""
    section: str = "parameters"
    items: dict[str, str] = {}
    caption: str = ""


class ImageReady(Event):
    """One picture is finished. `index` counts over the whole run.

    `aside` tells what it is when it is not a result: then it is saved, and shown, only where it says so.
    """

    index: int
    image: Image
    infotext: str
    seed: int
    variation_seed: int
    # Values for file names and records that are known only now: model name and hash, VAE.
    facts: dict[str, str | int | float | bool | None] = {}
    aside: Aside = ""
    is_saved: bool = True
    is_shown: bool = True
    # Whether it is on the sheet of all results of its job.
    joins_grid: bool = True
    # Shown while its job runs, and not among the results of a job that came to its end.
    is_passing: bool = False
    # The kept latent that it was decoded from, if it can be decoded again.
    latent: str = ""
    save_as: SaveAs | None = None
    # What made it, where that is one request.
    request: GenerationRequest | None = None


class ImageSaved(Event):
    """The picture lies on disk. `path` is absolute; empty where the request asked not to save."""

    index: int
    path: str
    infotext: str
    seed: int
    variation_seed: int
    width: int
    height: int
    aside: Aside = ""
    # As in ImageReady.
    latent: str = ""
    is_passing: bool = False


class Message(Event):
    """Something the artist should know: a warning, or what is going on ("Loading model")."""

    text: str
    level: Literal["info", "warning"] = "info"


class LoraReport(Event):
    """What became of a LoRA file that the prompt names: which of its tensors fit the checkpoint.

    `name` is the file's, `made_for` the family it is for (empty: unknown). `unmatched` are the names, as they
    stand in the file, of tensors that fit nowhere; the layers are those it changes.
    """

    name: str
    made_for: str = ""
    matched: int
    unmatched: tuple[str, ...] = ()
    unet_layers: int = 0
    text_layers: int = 0

    @property
    def total(self) -> int:
        """Tensors in the file."""
        return self.matched + len(self.unmatched)


class Planned(Event):
    """What each picture of the run is made from, where extensions changed it. Told before the first step."""

    plan: RunPlan


class Withdrawn(Event):
    """The result with this index is no longer one: an extension left it out, or put others in its place.

    Its file stays.
    """

    index: int


class TrainingProgress(Event):
    """A step of the optimizer is done. The newest replaces the older ones; all of them lie in the run's log.

    `loss` is this step's, `average_loss` smoothed; `rates` are learning rates by group. `epoch` counts
    from 1, `seconds_left` what is left (None: not known yet), `memory_bytes` the device's in use.
    """

    step: int
    steps: int
    epoch: int
    loss: float
    average_loss: float
    rates: dict[str, float]
    seconds_per_step: float
    seconds_left: float | None = None
    memory_bytes: int = 0


class TrainingSample(Event):
    """A sample picture of the prompt with this number, made after a step; `path` is absolute."""

    step: int
    prompt: int
    path: str


class TrainingSaved(Event):
    """A file that can be used was written after a step; `is_final`: it lies in its model folder."""

    step: int
    path: str
    is_final: bool = False


class ScoredTag(Event):
    """A tag that a tagger found, as its list spells it, and its score from 0 to 1."""

    tag: str
    score: float
    category: Literal["general", "character", "rating"] = "general"


class Captioned(Event):
    """A picture was described; `index` counts the job's pictures.

    `file` is its name in the data set, empty for a picture given by reference. `caption` is the whole caption
    as it is now. `tags` are those of a tagger, the highest score first.
    """

    index: int
    caption: str
    file: str = ""
    tags: tuple[ScoredTag, ...] = ()


class Finished(Event):
    """The last event. `error` is a sentence if the job failed."""

    outcome: Literal["done", "stopped", "cancelled", "failed"]
    error: str | None = None
    seconds: float = 0.0
    # The kind of refusal, for the API's status: the class name of the WebuiError.
    error_kind: str | None = None
