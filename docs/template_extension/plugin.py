"""A template: warms or cools finished pictures. Copy its folder to extensions/NAME, and change it."""

from typing import Any, ClassVar

from pydantic import Field

# At the top only what is quick to import; torch, numpy and the like within the functions.
from webui.plugins import RequestPart, hookimpl


class Warmth(RequestPart):
    """What the artist chooses: a form on the page, values in the API, and an entry in the infotext."""

    key: ClassVar[str] = "warmth"
    title: ClassVar[str] = "Warmth"
    about: ClassVar[str] = "Makes finished pictures warmer or cooler."
    enabled: bool = False
    amount: float = Field(default=0.2, ge=-1, le=1, title="Amount", description="Below 0 it cools.")


@hookimpl
def register_request_part() -> type[RequestPart]:
    """The form."""
    return Warmth


@hookimpl
def change_image(image: Any, picture: Any) -> Any:  # noqa: ANN401 - a PIL image, and what is known of it
    """Called for each picture, at four places; this one is where nothing more is done to it."""
    part = Warmth.of(picture.request)
    if part is None or picture.place != "composed":
        return None
    red, green, blue = image.split()
    warm, cool = 1 + part.amount / 2, 1 - part.amount / 2
    scaled = red.point(lambda value: value * warm), green, blue.point(lambda value: value * cool)
    # PIL is loaded long before a picture is made.
    from PIL import Image

    return Image.merge("RGB", scaled)
