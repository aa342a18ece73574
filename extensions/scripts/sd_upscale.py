"""SD upscale: a larger picture, worked over by img2img in tiles that overlap."""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from extensions.scripts.base import NestedRun, ScriptPart, Upscaler
from webui.plugins import ImageReady, Message, Phase

if TYPE_CHECKING:
    from PIL import Image

    from extensions.scripts.tiles import TileGrid
    from webui.plugins import Context, Event, GenerationRequest


class SdUpscalePart(ScriptPart):
    """In the order of A1111's arguments. Width and height of the request are those of a tile."""

    key: ClassVar[str] = "sd_upscale"
    title: ClassVar[str] = "SD upscale"
    about: ClassVar[str] = (
        "Will upscale the image by the selected scale factor; use width and height sliders to set tile size"
    )
    tabs: ClassVar = ("img2img",)
    has_note: ClassVar[bool] = True

    overlap: int = Field(default=64, ge=0, le=256, title="Tile overlap")
    upscaler: Upscaler = Field(
        default="None", title="Upscaler", json_schema_extra={"choices_from": "upscalers"}
    )
    scale_factor: float = Field(default=2.0, ge=1, le=4, title="Scale Factor")


class SdUpscale:
    """The script."""

    title = "SD upscale"
    part: type[SdUpscalePart] = SdUpscalePart

    def run(self, request: GenerationRequest, context: Context) -> Generator[Event]:
        """A picture for each batch of the request. Raises WebuiError."""
        from extensions.scripts.tiles import TileGrid, enlarge, name_of_upscaler, open_picture

        part = SdUpscalePart.of(request) or SdUpscalePart()
        name = name_of_upscaler(part.upscaler, context)
        image = open_picture(request, context)
        if name != "None":
            yield Phase(name="Upscaling", detail=name)
            image = enlarge(image, part.scale_factor, name, request, context)
        grid = TileGrid.of(image.size, (request.width, request.height), part.overlap)
        yield Message(text=announce(grid, request))
        entries = {"SD upscale overlap": str(part.overlap), "SD upscale upscaler": name}
        for number in range(request.batch_count):
            if context.stop.is_stopped:
                return
            yield from make_picture(number, image, grid, request, context, entries)


def announce(grid: TileGrid, request: GenerationRequest) -> str:
    """How much work it is."""
    tiles = len(grid.boxes)
    batches = math.ceil(tiles / request.batch_size)
    return (
        f"SD upscaling will process a total of {tiles} images tiled as {len(grid.starts(0))}x"
        f"{len(grid.starts(1))} per upscale in a total of {batches * request.batch_count} batches."
    )


def make_picture(
    number: int,
    image: Image.Image,
    grid: TileGrid,
    request: GenerationRequest,
    context: Context,
    entries: dict[str, str],
) -> Generator[Event]:
    """One result: all tiles, joined. Tiles that a stopped job did not reach stay as they were."""
    from extensions.scripts.sheets import with_entries
    from extensions.scripts.tiles import batches_of, redraw

    tiles = [image.crop(box) for box in grid.boxes]
    batches = list(batches_of(grid.boxes, request.batch_size))
    first: ImageReady | None = None
    done = 0
    for place, boxes in enumerate(batches):
        made: list[ImageReady] = []
        seed = request.seed + number + place
        run = NestedRun(number * len(batches) + place, len(batches) * request.batch_count, what="")
        yield from redraw(tiles[done : done + len(boxes)], request, context, run, made, seed=seed)
        for ready in made:
            first = first or ready
            tiles[done] = ready.image
            done += 1
        if context.stop.is_stopped:
            break
    if first is None:
        return
    changes = {
        "index": number,
        "image": grid.join(tiles),
        "infotext": with_entries(first.infotext, entries),
        "latent": "",
        "request": None,
    }
    yield first.model_copy(update=changes)
