"""What is asked of Extras: pictures made larger, faces restored, pictures cut and mirrored."""

from typing import Literal, Self

from pydantic import Field, JsonValue, ValidationError, model_validator

from webui.core.errors import InvalidRequest
from webui.core.image_options import Number
from webui.core.request import explain
from webui.core.request_parts import MAX_SIDE, Frozen, ImageRef
from webui.core.work.caption_request import CaptionOptions

NO_UPSCALER = "None"
FlipMode = Literal["Horizontal", "Vertical", "Both"]


class ExtrasImage(Frozen):
    """A picture of the inputs folder, and the name of the file it came from."""

    image: ImageRef
    name: str = Field(default="", max_length=1000)


class Upscaling(Frozen):
    """How large pictures become, and by which upscalers.

    "by": sides times `scale`, brought down until none passes `max_side` (0: no limit). "to": covering
    `width` x `height`, and cut to it where `crop` says so. The second upscaler's result is laid over the
    first's with `upscaler_2_visibility`. Where it is not enabled, its size still tells what cutting aims at.
    """

    enabled: bool = True
    mode: Literal["by", "to"] = "by"
    scale: Number = Field(default=4.0, gt=0, le=16)
    max_side: int = Field(default=0, ge=0, le=4 * MAX_SIDE)
    width: int = Field(default=512, ge=1, le=2 * MAX_SIDE)
    height: int = Field(default=512, ge=1, le=2 * MAX_SIDE)
    crop: bool = True
    upscaler_1: str = NO_UPSCALER
    upscaler_2: str = NO_UPSCALER
    upscaler_2_visibility: Number = Field(default=0.0, ge=0, le=1)


class FaceRestoration(Frozen):
    """How much of each restorer's faces is seen: 0 not at all. CodeFormer's weight: 0 changes most."""

    gfpgan_visibility: Number = Field(default=0.0, ge=0, le=1)
    codeformer_visibility: Number = Field(default=0.0, ge=0, le=1)
    codeformer_weight: Number = Field(default=0.0, ge=0, le=1)


class SplitOversized(Frozen):
    """Cut long pictures into several of the target's shape.

    Only those that would lose more than the share `threshold` of their longer side otherwise; the parts
    overlap by at least the share `overlap`.
    """

    threshold: Number = Field(default=0.5, ge=0, le=1)
    overlap: Number = Field(default=0.2, ge=0, le=0.9)


class FocalCrop(Frozen):
    """Cut to the target's shape around what the eye goes to: faces, busy areas, edges, each with a weight."""

    face_weight: Number = Field(default=0.9, ge=0, le=1)
    entropy_weight: Number = Field(default=0.15, ge=0, le=1)
    edges_weight: Number = Field(default=0.5, ge=0, le=1)


class SizedCrop(Frozen):
    """Cut to one of the sizes, sides multiples of 64, within these bounds in pixels: "Auto-sized crop".

    Of those whose shape is off by no more than the share `threshold`: the largest, or the nearest in shape.
    """

    min_side: int = Field(default=384, ge=64, le=2048)
    max_side: int = Field(default=768, ge=64, le=2048)
    min_area: int = Field(default=64 * 64, ge=64 * 64, le=2048 * 2048)
    max_area: int = Field(default=640 * 640, ge=64 * 64, le=2048 * 2048)
    objective: Literal["Maximize area", "Minimize error"] = "Maximize area"
    threshold: Number = Field(default=0.1, ge=0, le=1)


class Captions(Frozen):
    """Describe each result, in the order of the captioners, into a text file beside it.

    `captioners` are ids or names (`webui.library.captioners`).
    """

    captioners: tuple[str, ...] = Field(min_length=1, max_length=8)
    options: CaptionOptions = CaptionOptions()


class ExtrasRequest(Frozen):
    """One job of Extras. Without any part the pictures are saved as they are.

    With `input_folder` the pictures are that folder's files, in place of `images`. `output_folder` is in
    place of the settings' folder. A1111 restores faces after it made pictures larger; `faces_first` turns
    that round.
    """

    images: tuple[ExtrasImage, ...] = Field(default=(), max_length=10_000)
    input_folder: str = Field(default="", max_length=4000)
    output_folder: str = Field(default="", max_length=4000)
    upscaling: Upscaling = Upscaling()
    faces: FaceRestoration = FaceRestoration()
    faces_first: bool = False
    split: SplitOversized | None = None
    focal_crop: FocalCrop | None = None
    sized_crop: SizedCrop | None = None
    flipped_copies: tuple[FlipMode, ...] = ()
    captions: Captions | None = None
    keep_names: bool = Field(default=False, description="Name results after the files they came from.")
    show_results: bool = Field(default=True, description="Show results on the page too.")
    tile: int = Field(default=192, ge=0, le=2048, description="Side of upscalers' tiles; 0 is no tiles.")
    tile_overlap: int = Field(default=8, ge=0, le=256)
    extras: dict[str, JsonValue] = Field(
        default={}, max_length=64, description="Values of extensions, by the keys of theirs."
    )

    @model_validator(mode="after")
    def has_pictures(self) -> Self:
        """There is something to work on."""
        if not self.images and not self.input_folder.strip():
            raise InvalidRequest("There is no picture. Add one, or name a folder of pictures.")
        return self


def make_extras_request(**fields: object) -> ExtrasRequest:
    """A request from loose values. Raises InvalidRequest with one sentence about the first wrong field."""
    try:
        return ExtrasRequest.model_validate(fields)
    except ValidationError as error:
        raise InvalidRequest(explain(error)) from error
