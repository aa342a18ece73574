"""Large pictures as tiles that overlap, and back again."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image

from extensions.scripts.base import NestedRun, is_result
from extensions.scripts.changes import change
from webui.plugins import ImageReady, InvalidRequest, upscaler_names

if TYPE_CHECKING:
    from webui.plugins import Context, Event, GenerationRequest

Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class TileGrid:
    """Where tiles of one size lie on a picture, each `overlap` pixels over its neighbours, as in A1111.

    Tiles are no larger than the picture, whose sides are multiples of 8.
    """

    size: tuple[int, int]
    tile: tuple[int, int]
    overlap: int

    @classmethod
    def of(cls, size: tuple[int, int], tile: tuple[int, int], overlap: int) -> TileGrid:
        """For a picture of a size. Raises InvalidRequest for tiles that are all overlap."""
        fitting = min(tile[0], size[0] // 8 * 8 or size[0]), min(tile[1], size[1] // 8 * 8 or size[1])
        if overlap >= min(fitting):
            raise InvalidRequest(
                f"Tiles of {fitting[0]}x{fitting[1]} cannot overlap by {overlap}. Use a smaller overlap."
            )
        return cls(size, fitting, overlap)

    def starts(self, axis: int) -> list[int]:
        """Where tiles begin across (0) or down (1)."""
        whole, tile = self.size[axis], self.tile[axis]
        count = max(math.ceil((whole - self.overlap) / (tile - self.overlap)), 1)
        # In whole numbers: a fraction's error would leave the last line of pixels out.
        return [number * (whole - tile) // max(count - 1, 1) for number in range(count)]

    @property
    def boxes(self) -> list[Box]:
        """Of all tiles, row by row."""
        return [
            (left, top, left + self.tile[0], top + self.tile[1])
            for top in self.starts(1)
            for left in self.starts(0)
        ]

    def join(self, tiles: Sequence[Image.Image]) -> Image.Image:
        """One picture, where each tile fades in over what is left of it and above."""
        whole = Image.new("RGB", self.size)
        lefts, tops = self.starts(0), self.starts(1)
        for row, top in enumerate(tops):
            band = Image.new("RGB", (self.size[0], self.tile[1]))
            for column, left in enumerate(lefts):
                tile = tiles[row * len(lefts) + column]
                band.paste(tile, (left, 0), self.fade(tile.size, 0) if column else None)
            whole.paste(band, (0, top), self.fade(band.size, 1) if row else None)
        return whole

    def fade(self, size: tuple[int, int], axis: int) -> Image.Image:
        """A mask that grows from black to white within the overlap."""
        mask = Image.new("L", size, 255)
        for place in range(min(self.overlap, size[axis])):
            line = (place, 0, place + 1, size[1]) if axis == 0 else (0, place, size[0], place + 1)
            mask.paste(place * 255 // self.overlap, line)
        return mask


def name_of_upscaler(value: str, context: Context) -> str:
    """An upscaler by its name, or by its number among all, as A1111's clients send it.

    Raises InvalidRequest or NotFound.
    """
    from webui.plugins import find_upscaler

    names = upscaler_names(context.models.catalog)
    if value.isdecimal():
        if int(value) >= len(names):
            raise InvalidRequest(f"There is no upscaler number {value}. Those here are: {', '.join(names)}.")
        return names[int(value)]
    if value.lower() != "none":
        find_upscaler(context.models.catalog, value)
    return next((name for name in names if name.lower() == value.lower()), value)


def enlarge(
    image: Image.Image, scale: float, name: str, request: GenerationRequest, context: Context
) -> Image.Image:
    """A picture made larger."""
    options = request.options
    return context.upscalers.upscale(
        image, scale, name, tile=options.ESRGAN_tile, overlap=options.ESRGAN_tile_overlap, stop=context.stop
    )


def open_picture(request: GenerationRequest, context: Context) -> Image.Image:
    """The init picture without transparency. Raises InvalidRequest without one."""
    if not request.init_images:
        raise InvalidRequest("There is no picture. Choose the tab img2img and add one.")
    image = context.inputs.open(request.init_images[0]).convert("RGBA")
    background = Image.new("RGBA", image.size, request.options.img2img_background_color)
    return Image.alpha_composite(background, image).convert("RGB")


def redraw(
    images: Sequence[Image.Image],
    request: GenerationRequest,
    context: Context,
    run: NestedRun,
    made: list[ImageReady],
    **changes: object,
) -> Generator[Event]:
    """img2img of pictures of one size as one batch. Results go into `made`, and are not told."""
    width, height = images[0].size
    plain: dict[str, object] = {
        "init_images": tuple(context.inputs.add_image(image) for image in images),
        "width": width,
        "height": height,
        "batch_size": len(images),
        "batch_count": 1,
        "inpainting": None,
        "outpainting": None,
        "loopback": None,
        "resize_mode": "Just resize",
        "plan": None,
    }
    for event in context.events(change(request, **plain | changes)):
        placed = run.place(event)
        if isinstance(placed, ImageReady):
            if is_result(placed):
                made.append(placed)
        elif placed is not None:
            yield placed


def batches_of(values: Iterable[Box], size: int) -> Iterator[list[Box]]:
    """So many at a time."""
    values = list(values)
    for start in range(0, len(values), size):
        yield values[start : start + size]
