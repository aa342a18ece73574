"""What a data set is once it was read: pictures with captions, and how each of them is shown."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from webui.core.work.training_run import TrainingRun

Crop = Literal["center", "random", "focal"]
CAPTION_SUFFIXES = (".txt", ".caption")
DEFAULT_RESOLUTION = 512
# The network halves a latent three times, so buckets of 64 pixels need no padding; small pictures of small
# checkpoints would have next to no shapes to choose from.
USUAL_STEP, SMALL_STEP = 64, 32
SMALL_RESOLUTION = 256

# Sharpness is measured at this side, so that it means the same for every size.
MEASURED_SIDE = 256
# Below this variance of the Laplacian hardly an edge is left; in-focus photos and drawings have hundreds.
BLURRED = 25.0
# Plain pictures have no edges to blur.
PLAIN_CONTRAST = 12.0


class Skipped(NamedTuple):
    """A file, folder or key of a data set that is not used, and why: the end of a sentence."""

    name: str
    why: str


# In templates the run's name stands here, as in A1111's.
NAME_PLACE = "[name]"


@dataclass(frozen=True, slots=True)
class Rules:
    """How the pictures of one folder are shown. Sizes in pixels, shares in 0 to 1.

    `resolution` is a width and a height whose product no bucket exceeds. `keep_separator` divides a caption
    in what stays at the front, what is shuffled, and what stays at the end.
    """

    resolution: tuple[int, int] = (DEFAULT_RESOLUTION, DEFAULT_RESOLUTION)
    bucketing: bool = True
    step: int = USUAL_STEP
    min_side: int | None = None
    max_side: int | None = None
    enlarge: bool = True
    crop: Crop = "center"
    flip: bool = False
    vary_colours: bool = False
    masks: bool = False
    batch_size: int = 1
    caption_suffixes: tuple[str, ...] = CAPTION_SUFFIXES
    class_tokens: str = ""
    trigger: str = ""
    prefix: str = ""
    suffix: str = ""
    caption_dropout: float = 0.0
    tag_dropout: float = 0.0
    shuffle: bool = False
    keep_tokens: int = 0
    keep_separator: str = ""
    templates: tuple[str, ...] = ()

    @classmethod
    def of(cls, run: TrainingRun) -> "Rules":
        """The run's own; what it leaves to its preset is as here."""
        side = run.resolution or DEFAULT_RESOLUTION
        return cls(
            resolution=(side, run.height or side),
            bucketing=run.bucketing is not False,
            step=run.bucket_step or usual_step(side),
            enlarge=run.enlarge is not False,
            crop=run.crop or "center",
            flip=bool(run.flip),
            masks=bool(run.masks),
            batch_size=run.batch_size or 1,
            caption_suffixes=(with_dot(run.caption_suffix),) if run.caption_suffix else CAPTION_SUFFIXES,
            trigger=(run.trigger or "").strip(),
            caption_dropout=run.caption_dropout or 0.0,
            tag_dropout=run.tag_dropout or 0.0,
            shuffle=bool(run.shuffle),
            keep_tokens=run.keep_tokens or 0,
            templates=tuple(each.replace(NAME_PLACE, run.name) for each in run.templates or ()),
        )


@dataclass(frozen=True, slots=True)
class Subset:
    """A folder whose pictures are shown alike. `captions` by stem or path stand in for files."""

    folder: Path
    rules: Rules
    repeats: int
    is_regularisation: bool = False
    hints: Path | None = None
    is_deep: bool = True
    captions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MeasuredPicture:
    """`fault` is why a file cannot be used, the end of a sentence; then nothing else means anything.

    `likeness` tells similar pictures, in hexadecimal: see `likeness.py`.
    """

    width: int = 0
    height: int = 0
    has_alpha: bool = False
    frames: int = 1
    sharpness: float = 0.0
    contrast: float = 0.0
    likeness: str = ""
    fault: str | None = None

    @property
    def is_blurred(self) -> bool:
        """Whether it seems out of focus; a plain area does not."""
        is_large = min(self.width, self.height) >= MEASURED_SIDE
        return is_large and self.contrast > PLAIN_CONTRAST and self.sharpness < BLURRED


@dataclass(frozen=True, slots=True)
class Example:
    """A picture to learn from. `name` is its path below the data set.

    `width` and `height` are those on disk, turned upright. `warnings` are sentences for
    the artist; the picture is used all the same.
    """

    path: Path
    name: str
    caption: str
    width: int
    height: int
    rules: Rules = field(default_factory=Rules)
    repeats: int = 1
    is_regularisation: bool = False
    mask: Path | None = None
    has_alpha: bool = False
    hint: Path | None = None
    warnings: tuple[str, ...] = ()

    @property
    def has_mask(self) -> bool:
        """Whether a part of it can be left out of the loss."""
        return self.mask is not None or self.has_alpha


@dataclass(frozen=True, slots=True)
class DataSet:
    """Everything that was read. `folder` is where it lies."""

    folder: Path
    examples: tuple[Example, ...]
    skipped: tuple[Skipped, ...] = ()

    @property
    def sentences(self) -> list[str]:
        """What was skipped, for the log."""
        return [f"{each.name} is skipped: {each.why}." for each in self.skipped]


def usual_step(side: int) -> int:
    """The step of buckets around a resolution."""
    return SMALL_STEP if side <= SMALL_RESOLUTION else USUAL_STEP


def with_dot(suffix: str) -> str:
    """A file type as it ends names."""
    return suffix if suffix.startswith(".") else f".{suffix}"
