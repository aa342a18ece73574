"""What is asked for when a network describes pictures: which network, which pictures, how it is written."""

from typing import Literal, Self

from pydantic import Field, ValidationError, model_validator

from webui.core.errors import InvalidRequest
from webui.core.image_options import Number
from webui.core.request import explain
from webui.core.request_parts import Frozen, ImageRef

CaptionMode = Literal["write", "append", "missing"]
Detail = Literal["short", "detailed", "long"]


class CaptionOptions(Frozen):
    """How pictures are described. Scores of tags and their thresholds are 0 to 1, lengths are tokens."""

    general_threshold: Number = Field(
        default=0.35,
        ge=0,
        le=1,
        title="Threshold of tags",
        description="Of taggers: the least score of a tag.",
    )
    character_threshold: Number = Field(
        default=0.85, ge=0, le=1, title="Threshold of characters", description="The least score of a name."
    )
    order: Literal["score", "alphabet"] = Field(default="score", title="Order of tags")
    use_spaces: bool = Field(default=True, title="Spaces instead of _ in tags")
    escape_brackets: bool = Field(
        default=False, title="Escape brackets", description="Write \\( and \\), as prompts want them."
    )
    with_scores: bool = Field(default=False, title="Write scores", description="As (tag:0.932).")
    left_out: str = Field(
        default="", max_length=20_000, title="Tags to leave out", description="With commas between them."
    )
    detail: Detail = Field(default="detailed", title="Detail", description="Of Florence-2.")
    beams: int = Field(default=1, ge=1, le=16, title="Beams", description="More are slower and more careful.")
    min_length: int = Field(default=24, ge=1, le=128, title="Least length", description="Of BLIP, in tokens.")
    max_length: int = Field(default=48, ge=1, le=256, title="Most length", description="Of BLIP, in tokens.")
    prefix: str = Field(
        default="",
        max_length=1000,
        title="Begin with",
        description="Words before each caption, such as the trigger word.",
    )

    @model_validator(mode="after")
    def has_room(self) -> Self:
        """The least length is not above the most."""
        if self.min_length > self.max_length:
            raise InvalidRequest(
                f"The least length of a caption ({self.min_length}) is above the most ({self.max_length})."
            )
        return self


class CaptionRequest(Frozen):
    """Describe pictures given by reference, or files of a data set of the data-set desk.

    `captioner` is the id or the name of one (`webui.library.captioners`). Without `files` all pictures of the
    data set are meant. `mode` is what becomes of captions that are there: replaced, added to, or kept.
    """

    captioner: str = Field(min_length=1, max_length=1000)
    images: tuple[ImageRef, ...] = Field(default=(), max_length=10_000)
    dataset: str = Field(default="", max_length=500)
    files: tuple[str, ...] = Field(default=(), max_length=100_000)
    mode: CaptionMode = "missing"
    options: CaptionOptions = CaptionOptions()

    @model_validator(mode="after")
    def has_pictures(self) -> Self:
        """There is something to describe, in one place."""
        if bool(self.images) == bool(self.dataset):
            raise InvalidRequest("Give pictures to describe, or the name of a data set: one of the two.")
        return self


def make_caption_request(**fields: object) -> CaptionRequest:
    """A request from loose values. Raises InvalidRequest with one sentence about the first wrong field."""
    try:
        return CaptionRequest.model_validate(fields)
    except ValidationError as error:
        raise InvalidRequest(explain(error)) from error
