"""A picture of Extras on its way, as recipes and extensions hand it on."""

from dataclasses import dataclass, field

from PIL import Image

from webui.core.infotext_syntax import encode_value


@dataclass(frozen=True, slots=True)
class ExtrasPicture:
    """A picture (RGB or RGBA), and the fields that its infotext will have.

    Nothing more is done to one that is `is_finished`, but for cutting and mirroring.
    """

    image: Image.Image
    info: dict[str, object] = field(default_factory=dict[str, object])
    is_finished: bool = False

    def with_info(self, image: Image.Image, **info: object) -> "ExtrasPicture":
        """The next state of the picture; underscores in keys stand for spaces."""
        named = {key.replace("_", " "): value for key, value in info.items()}
        return ExtrasPicture(image, self.info | named, self.is_finished)

    @property
    def infotext(self) -> str:
        """As A1111 writes it."""
        return ", ".join(f"{key}: {encode_value(value)}" for key, value in self.info.items())
