"""What hooks are given at moments that have more than one value to look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PIL.Image import Image

from webui.core.request import GenerationRequest
from webui.core.run_plan import PlannedPicture
from webui.core.stop import Stop

if TYPE_CHECKING:
    # The thread that saves needs no torch.
    from torch import Tensor

# In this order: decoded, then faces restored, then colours corrected, then the original around it.
Place = Literal["decoded", "restored", "before_overlay", "composed"]


@dataclass(slots=True)
class BatchImages:
    """All pictures of a batch: `images` (B, 3, H, W), float32 in 0…1 on the CPU, and what each is made from.

    Hooks may write into both. Where they change the count, `pictures` must have an entry for each image.
    """

    images: Tensor
    pictures: list[PlannedPicture]


@dataclass(slots=True)
class PictureMoment:
    """Where a picture is on its way from the decoder to the folder.

    `request` makes this picture alone. `mask` (mode L) and `overlay` (RGBA, clear where it is made anew) are
    inpainting's: until the overlay is laid on, hooks may replace them by others of the same size. `entries`
    are written into its infotext: hooks may add to them. `index` counts over the run. `is_saved` and `folder`
    (empty: the tab's) say where it goes: hooks may set them. At the last place they may set `infotext`,
    None until then, to what is written in place of the program's own.
    """

    place: Place
    index: int
    request: GenerationRequest
    mask: Image | None = None
    overlay: Image | None = None
    entries: dict[str, str] = field(default_factory=dict[str, str])
    is_saved: bool = True
    folder: str = ""
    infotext: str | None = None


@dataclass(slots=True)
class SavingMoment:
    """A picture that is about to be written, or was. Hooks of `before_saving` may change all but the index.

    `path` is the file's; before it is written it is None, and may be set to have the file there, without its
    type: only in folders that settings may choose too, numbered where a file of that name is. `items` are
    texts written into the file beside the infotext. On the thread that saves, where no network may be used.
    """

    index: int
    image: Image
    infotext: str
    request: GenerationRequest | None = None
    path: Path | None = None
    items: dict[str, str] = field(default_factory=dict[str, str])
    # How the picture's job is told to end, which also tells jobs apart; None outside a job.
    stop: Stop | None = None


@dataclass(slots=True)
class GridMoment:
    """A sheet of a run's results that is about to be drawn, row by row. On the thread that saves.

    Hooks may change all: `images` (read when they are first asked for), and how many `columns` and `rows` of
    cells the sheet has; pictures for which there are no cells are left out.
    """

    columns: int
    rows: int
    read: Callable[[], list[Image]]
    _images: list[Image] | None = None

    @property
    def images(self) -> list[Image]:
        """The pictures of the cells, in order."""
        if self._images is None:
            self._images = self.read()
        return self._images

    @images.setter
    def images(self, images: list[Image]) -> None:
        self._images = images

    @property
    def was_read(self) -> bool:
        """Whether a hook asked for the pictures, or set others."""
        return self._images is not None
