"""What a captioner says of a picture, and what every captioner can do."""

from dataclasses import dataclass
from typing import Protocol

from PIL import Image
from torch import nn

from webui.core.events import ScoredTag
from webui.core.work.caption_request import CaptionOptions


@dataclass(frozen=True, slots=True)
class Description:
    """The caption, and of taggers the tags that it is made of, the highest score first."""

    caption: str
    tags: tuple[ScoredTag, ...] = ()


class LoadedCaptioner(Protocol):
    """A captioner in memory, as the holder of networks keeps it."""

    @property
    def size_bytes(self) -> int:
        """Memory that its weights take."""
        ...

    def modules(self) -> list[nn.Module]:
        """Modules of torch that hold weights."""
        ...

    def describe(self, image: Image.Image, options: CaptionOptions) -> Description:
        """What is in a picture of any mode and size. Raises WebuiError."""
        ...


def flatten(image: Image.Image) -> Image.Image:
    """The picture in RGB; what is transparent is white."""
    if image.mode not in {"RGBA", "LA", "PA"} and "transparency" not in image.info:
        return image.convert("RGB")
    picture = image.convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture).convert("RGB")
