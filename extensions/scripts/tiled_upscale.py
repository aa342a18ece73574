"""Tiled upscale with seams fix: tiles with room around them, and then their seams, each redrawn in place.

Its arguments have the names and the order of those of the script "Ultimate SD upscale", for its clients.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

from pydantic import Field, field_validator

from extensions.scripts.base import NestedRun, ScriptPart, Upscaler
from webui.plugins import ImageReady, InvalidRequest, Message, Phase

if TYPE_CHECKING:
    from PIL import Image

    from webui.plugins import Context, Event, GenerationRequest

Redraw = Literal["Linear", "Chess", "None"]
SeamsFix = Literal["None", "Band pass", "Half tile offset pass", "Half tile offset pass + intersections"]
Target = Literal["From img2img2 settings", "Custom size", "Scale from image size"]
MOST_SIDE = 8192
Box = tuple[int, int, int, int]


class TiledUpscalePart(ScriptPart):
    """How tiles and seams are redrawn, and the size of the result."""

    key: ClassVar[str] = "ultimate_sd_upscale"
    title: ClassVar[str] = "Ultimate SD upscale"
    about: ClassVar[str] = "Enlarge a picture and redraw it tile by tile, then the seams between tiles."
    tabs: ClassVar = ("img2img",)
    has_note: ClassVar[bool] = True

    tile_width: int = Field(default=512, ge=0, le=2048, multiple_of=8, title="Tile width")
    tile_height: int = Field(default=0, ge=0, le=2048, multiple_of=8, title="Tile height (0: as wide)")
    mask_blur: int = Field(default=8, ge=0, le=64, title="Mask blur")
    padding: int = Field(default=32, ge=0, le=512, title="Padding")
    seams_fix_width: int = Field(default=64, ge=0, le=128, title="Seams fix width")
    seams_fix_denoise: float = Field(default=0.35, ge=0, le=1, title="Seams fix denoise")
    seams_fix_padding: int = Field(default=16, ge=0, le=128, title="Seams fix padding")
    upscaler: Upscaler = Field(
        default="None", title="Upscaler", json_schema_extra={"choices_from": "upscalers"}
    )
    save_upscaled_image: bool = Field(default=True, title="Upscaled")
    redraw_mode: Redraw = Field(default="Linear", title="Type")
    save_seams_fix_image: bool = Field(default=False, title="Seams fix")
    seams_fix_mask_blur: int = Field(default=8, ge=0, le=64, title="Seams fix mask blur")
    seams_fix_type: SeamsFix = Field(default="None", title="Seams fix type")
    target_size_type: Target = Field(default="From img2img2 settings", title="Target size type")
    custom_width: int = Field(default=2048, ge=64, le=MOST_SIDE, title="Custom width")
    custom_height: int = Field(default=2048, ge=64, le=MOST_SIDE, title="Custom height")
    custom_scale: float = Field(default=2, ge=1, le=16, title="Scale")

    @field_validator("redraw_mode", mode="before")
    @classmethod
    def redraw_mode_is_a_name(cls, value: object) -> object:
        """Its clients send numbers."""
        return name_at(get_args(Redraw), value)

    @field_validator("seams_fix_type", mode="before")
    @classmethod
    def seams_fix_type_is_a_name(cls, value: object) -> object:
        """Its clients send numbers."""
        return name_at(get_args(SeamsFix), value)

    @field_validator("target_size_type", mode="before")
    @classmethod
    def target_size_type_is_a_name(cls, value: object) -> object:
        """Its clients send numbers."""
        return name_at(get_args(Target), value)

    @property
    def tile(self) -> tuple[int, int]:
        """Width and height of a tile."""
        width = self.tile_width or self.tile_height or 512
        return width, self.tile_height or width


def name_at(names: Sequence[str], value: object) -> object:
    """The name of a number; other values as they are."""
    return names[value] if isinstance(value, int) and 0 <= value < len(names) else value


@dataclass(frozen=True, slots=True)
class Patch:
    """What is redrawn: a box of the picture, with room around it that is only looked at."""

    box: Box
    padding: int
    blur: int
    strength: float | None = None

    def region(self, size: tuple[int, int]) -> Box:
        """The box with its room, within the picture."""
        left, top, right, bottom = self.box
        room = self.padding
        return (
            max(left - room, 0),
            max(top - room, 0),
            min(right + room, size[0]),
            min(bottom + room, size[1]),
        )


class TiledUpscale:
    """The script."""

    title = "Ultimate SD upscale"
    part: type[TiledUpscalePart] = TiledUpscalePart

    def run(self, request: GenerationRequest, context: Context) -> Generator[Event]:
        """One picture, redrawn in place patch by patch. Raises WebuiError."""
        from extensions.scripts.tiles import enlarge, name_of_upscaler, open_picture

        part = TiledUpscalePart.of(request) or TiledUpscalePart()
        name = name_of_upscaler(part.upscaler, context)
        image = open_picture(request, context)
        size = target_size(part, request, image.size)
        yield Phase(name="Upscaling", detail=name)
        scale = max(size[0] / image.width, size[1] / image.height)
        if name != "None" and scale > 1:
            image = enlarge(image, scale, name, request, context)
        image = image if image.size == size else image.resize(size, resample=1)
        patches = list_patches(part, size)
        if not patches:
            raise InvalidRequest("There is nothing to redraw. Choose a type of redraw, or of seams fix.")
        yield Message(text=f"{self.title} will redraw {len(patches)} parts of {size[0]}x{size[1]} pixels.")
        yield from redraw_patches(image, patches, request, context, name)


def target_size(part: TiledUpscalePart, request: GenerationRequest, size: tuple[int, int]) -> tuple[int, int]:
    """Sides of the result, multiples of 8. Raises InvalidRequest where they are too large."""
    wanted = {
        "From img2img2 settings": (request.width, request.height),
        "Custom size": (part.custom_width, part.custom_height),
        "Scale from image size": (int(size[0] * part.custom_scale), int(size[1] * part.custom_scale)),
    }[part.target_size_type]
    width, height = (max(side // 8 * 8, 64) for side in wanted)
    if max(width, height) > MOST_SIDE:
        raise InvalidRequest(f"The result would have {width}x{height} pixels. At most {MOST_SIDE} a side.")
    return width, height


def list_patches(part: TiledUpscalePart, size: tuple[int, int]) -> list[Patch]:
    """Tiles in their order, then seams."""
    tiles = cut(size, part.tile)
    boxes = [box for row in tiles for box in row]
    if part.redraw_mode == "Chess":
        marked = [(row + column, box) for row, line in enumerate(tiles) for column, box in enumerate(line)]
        boxes = [box for odd in (0, 1) for number, box in marked if number % 2 == odd]
    found = [] if part.redraw_mode == "None" else [Patch(box, part.padding, part.mask_blur) for box in boxes]
    seams = list_seams(part, size)
    return found + [
        Patch(box, part.seams_fix_padding, part.seams_fix_mask_blur, part.seams_fix_denoise) for box in seams
    ]


def cut(size: tuple[int, int], tile: tuple[int, int], start: tuple[int, int] = (0, 0)) -> list[list[Box]]:
    """Rows of boxes that cover the picture from a start on; the last ones are smaller."""
    return [
        [
            (left, top, min(left + tile[0], size[0]), min(top + tile[1], size[1]))
            for left in range(start[0], size[0], tile[0])
        ]
        for top in range(start[1], size[1], tile[1])
    ]


def list_seams(part: TiledUpscalePart, size: tuple[int, int]) -> list[Box]:
    """What is redrawn over the borders of tiles."""
    if part.seams_fix_type == "None":
        return []
    (width, height), tile = size, part.tile
    across = range(tile[0], width, tile[0])
    down = range(tile[1], height, tile[1])
    is_band = part.seams_fix_type == "Band pass"
    half_x = part.seams_fix_width // 2 if is_band else tile[0] // 2
    half_y = part.seams_fix_width // 2 if is_band else tile[1] // 2
    rows, columns = range(0, height, tile[1]), range(0, width, tile[0])
    boxes = [(x - half_x, top, x + half_x, top + tile[1]) for x in across for top in rows]
    boxes += [(left, y - half_y, left + tile[0], y + half_y) for y in down for left in columns]
    if part.seams_fix_type == "Half tile offset pass + intersections":
        boxes += [(x - half_x, y - half_y, x + half_x, y + half_y) for y in down for x in across]
    inside = [
        (max(left, 0), max(top, 0), min(right, width), min(bottom, height))
        for left, top, right, bottom in boxes
    ]
    return [box for box in inside if box[2] > box[0] and box[3] > box[1]]


def redraw_patches(
    image: Image.Image, patches: Sequence[Patch], request: GenerationRequest, context: Context, name: str
) -> Generator[Event]:
    """The picture with all patches redrawn; those that a stopped job did not reach stay as they were."""
    from extensions.scripts.sheets import with_entries

    first: ImageReady | None = None
    for number, patch in enumerate(patches):
        if context.stop.is_stopped:
            break
        made: list[ImageReady] = []
        run = NestedRun(number, len(patches))
        yield from redraw_patch(image, patch, request, context, run, made)
        first = first or (made[0] if made else None)
    if first is None:
        return
    entries = {"Ultimate SD upscale upscaler": name, "Ultimate SD upscale parts": str(len(patches))}
    changes = {
        "index": 0,
        "image": image,
        "infotext": with_entries(first.infotext, entries),
        "latent": "",
        "request": None,
    }
    yield first.model_copy(update=changes)


def redraw_patch(
    image: Image.Image,
    patch: Patch,
    request: GenerationRequest,
    context: Context,
    run: NestedRun,
    made: list[ImageReady],
) -> Generator[Event]:
    """Redraw one patch, and put it into the picture with soft edges."""
    from extensions.scripts.tiles import redraw

    region = patch.region(image.size)
    crop = image.crop(region)
    sides = tuple(max(-(-side // 8) * 8, 64) for side in crop.size)
    strength = request.denoising_strength if patch.strength is None else patch.strength
    given = crop if crop.size == sides else crop.resize((sides[0], sides[1]), resample=1)
    yield from redraw([given], request, context, run, made, denoising_strength=strength)
    if not made:
        return
    result = made[0].image.convert("RGB")
    result = result if result.size == crop.size else result.resize(crop.size, resample=1)
    image.paste(result, region[:2], soft_mask(patch, region, image.size))


def soft_mask(patch: Patch, region: Box, size: tuple[int, int]) -> Image.Image:
    """White over the box, black around it, soft between; not soft along the picture's own edges."""
    from PIL import Image, ImageFilter

    blur = patch.blur
    # Drawn beyond the picture's edges, where there is nothing to fade into.
    wide = Image.new("L", (region[2] - region[0] + 4 * blur, region[3] - region[1] + 4 * blur))
    left, top, right, bottom = patch.box
    box = (
        0 if left == 0 else left - region[0] + 2 * blur,
        0 if top == 0 else top - region[1] + 2 * blur,
        wide.width if right == size[0] else right - region[0] + 2 * blur,
        wide.height if bottom == size[1] else bottom - region[1] + 2 * blur,
    )
    wide.paste(255, box)
    if blur:
        wide = wide.filter(ImageFilter.GaussianBlur(blur))
    return wide.crop((2 * blur, 2 * blur, wide.width - 2 * blur, wide.height - 2 * blur))
