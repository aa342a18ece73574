"""A1111's scripts for what is a part of every request here: loopback and the two kinds of outpainting."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, ClassVar, Literal, cast

from pydantic import Field, field_validator

from extensions.scripts.base import ScriptPart, is_result, list_of
from extensions.scripts.changes import change
from webui.plugins import ImageReady, InvalidRequest, SaveAs

if TYPE_CHECKING:
    from extensions.scripts.sheets import CellPictures
    from webui.plugins import Context, Event, GenerationRequest

Direction = Literal["left", "right", "up", "down"]
ALL_SIDES: tuple[Direction, ...] = ("left", "right", "up", "down")


class LoopbackPart(ScriptPart):
    """How often, and how the strength changes, in the order of A1111's arguments."""

    key: ClassVar[str] = "loopback_script"
    title: ClassVar[str] = "Loopback"
    tabs: ClassVar = ("img2img",)

    loops: int = Field(default=4, ge=1, le=32, title="Loops")
    final_denoising_strength: float = Field(default=0.5, ge=0, le=1, title="Final denoising strength")
    curve: Literal["Aggressive", "Linear", "Lazy"] = Field(default="Linear", title="Denoising strength curve")
    append_interrogation: Literal["None", "CLIP", "DeepBooru"] = Field(
        default="None", title="Append interrogated prompt at each iteration"
    )


class LoopbackScript:
    """The script: img2img again and again, and a sheet of all results in one row, as A1111 has it."""

    title = "Loopback"
    part: type[LoopbackPart] = LoopbackPart

    def run(self, request: GenerationRequest, context: Context) -> Generator[Event]:
        """Every loop of every batch. Raises InvalidRequest."""
        from extensions.scripts.sheets import CellPictures

        part = LoopbackPart.of(request) or LoopbackPart()
        if part.append_interrogation != "None":
            raise InvalidRequest(
                "Loopback cannot append descriptions of pictures here. Choose 'None' for that."
            )
        values = part.model_dump(exclude={"append_interrogation"})
        with CellPictures() as pictures:
            for event in context.events(change(request, loopback=values)):
                if isinstance(event, ImageReady) and is_result(event):
                    pictures.add(event.index, [event], context.settings)
                yield event
            if len(pictures) > 1 and context.settings.saving.return_grid and not context.stop.is_cancelled:
                yield draw_row(pictures)


def draw_row(pictures: CellPictures) -> ImageReady:
    """All results side by side."""
    from extensions.scripts.sheets import cell_size, sheet_for

    cells = pictures.cells
    sheet = sheet_for(cell_size(pictures, cells), [()] * len(cells), [()], 0, draws_legend=False)
    changes = {
        "index": -1,
        "image": sheet.draw(pictures.get(cell) for cell in cells),
        "latent": "",
        "save_as": SaveAs(sheet="grid"),
    }
    return pictures.first_of(0, len(cells)).model_copy(update=changes)


class OutpaintingPart(ScriptPart):
    """Room on some sides, in the order of Outpainting mk2's arguments."""

    key: ClassVar[str] = "outpainting_mk2"
    title: ClassVar[str] = "Outpainting mk2"
    about: ClassVar[str] = "Recommended: 80-100 steps, Euler a, denoising strength 0.8"
    tabs: ClassVar = ("img2img",)
    has_note: ClassVar[bool] = True

    pixels: int = Field(default=128, ge=8, le=256, multiple_of=8, title="Pixels to expand")
    mask_blur: int = Field(default=8, ge=0, le=64, title="Mask blur")
    direction: tuple[Direction, ...] = Field(default=ALL_SIDES, title="Outpainting direction")
    fall_off: float = Field(default=1.0, ge=0, le=4, title="Fall-off exponent (lower=higher detail)")
    color_variation: float = Field(default=0.05, ge=0, le=1, title="Color variation")

    @field_validator("direction", mode="before")
    @classmethod
    def nothing_is_no_direction(cls, value: object) -> object:
        """Clients may send one name, or null."""
        return list_of(value)


class OutpaintingMk2:
    """The script: the canvas grows, filled with noise that has the picture's spectrum."""

    title = "Outpainting mk2"
    part: type[OutpaintingPart] = OutpaintingPart

    def run(self, request: GenerationRequest, context: Context) -> Generator[Event]:
        """One run. Raises InvalidRequest."""
        part = OutpaintingPart.of(request) or OutpaintingPart()
        room = {
            **dict.fromkeys(part.direction, part.pixels),
            "fill": "noise",
            "blend": part.mask_blur,
            "fall_off": part.fall_off,
            "colour_variation": part.color_variation,
        }
        yield from context.events(extend(request, room, "original", part.mask_blur))


class PoorMansPart(ScriptPart):
    """Room on some sides, in the order of Poor man's outpainting's arguments."""

    key: ClassVar[str] = "poor_mans_outpainting"
    title: ClassVar[str] = "Poor man's outpainting"
    tabs: ClassVar = ("img2img",)

    pixels: int = Field(default=128, ge=8, le=256, multiple_of=8, title="Pixels to expand")
    mask_blur: int = Field(default=4, ge=0, le=64, title="Mask blur")
    masked_content: Literal["fill", "original", "latent noise", "latent nothing"] = Field(
        default="fill", title="Masked content"
    )
    direction: tuple[Direction, ...] = Field(default=ALL_SIDES, title="Outpainting direction")

    @field_validator("direction", mode="before")
    @classmethod
    def nothing_is_no_direction(cls, value: object) -> object:
        """Clients may send one name, or null."""
        return list_of(value)

    @field_validator("masked_content", mode="before")
    @classmethod
    def number_is_a_name(cls, value: object) -> object:
        """A1111's clients send its number."""
        names = ("fill", "original", "latent noise", "latent nothing")
        return names[value] if isinstance(value, int) and 0 <= value < len(names) else value


class PoorMansOutpainting:
    """The script: the canvas grows, filled as masked parts of pictures are."""

    title = "Poor man's outpainting"
    part: type[PoorMansPart] = PoorMansPart

    def run(self, request: GenerationRequest, context: Context) -> Generator[Event]:
        """One run. Raises InvalidRequest."""
        part = PoorMansPart.of(request) or PoorMansPart()
        room = {**dict.fromkeys(part.direction, part.pixels), "fill": "stretch", "blend": part.mask_blur}
        yield from context.events(extend(request, room, part.masked_content, part.mask_blur))


def extend(request: GenerationRequest, room: dict[str, object], content: str, blur: int) -> GenerationRequest:
    """The request with room around its picture. Raises InvalidRequest without a picture, or without room."""
    if not request.init_images:
        raise InvalidRequest("Outpainting needs a picture. Choose the tab img2img and add one.")
    if not any(side in room for side in ALL_SIDES):
        raise InvalidRequest("Outpainting has no direction. Choose at least one.")
    mask = cast("dict[str, object]", request.inpainting.model_dump() if request.inpainting else {})
    mask |= {"masked_content": content, "mask_blur_x": blur, "mask_blur_y": blur}
    return change(request, outpainting=room, inpainting=mask)
