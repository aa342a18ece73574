"""A1111's `Grid`: a picture as overlapping tiles, and back again."""

from typing import Any, NamedTuple

from PIL import Image

from extensions.scripts.tiles import TileGrid


class Grid(NamedTuple):
    """Tiles by rows: [top, height of the row, [[left, width, picture], …]], as extensions change them."""

    tiles: list[Any]
    tile_w: int
    tile_h: int
    image_w: int
    image_h: int
    overlap: int


def split_grid(image: Image.Image, tile_w: int = 512, tile_h: int = 512, overlap: int = 64) -> Grid:
    """Cut a picture into tiles that overlap. Raises InvalidRequest for tiles that are all overlap."""
    places = TileGrid(image.size, (tile_w, tile_h), overlap)
    rows: list[Any] = []
    for top in places.starts(1):
        row = [
            [left, tile_w, image.crop((left, top, left + tile_w, top + tile_h))] for left in places.starts(0)
        ]
        rows.append([top, tile_h, row])
    return Grid(rows, tile_w, tile_h, image.width, image.height, overlap)


def combine_grid(grid: Grid) -> Image.Image:
    """One picture of a grid's tiles, each fading in over what is left of it and above."""
    places = TileGrid((grid.image_w, grid.image_h), (grid.tile_w, grid.tile_h), grid.overlap)
    return places.join([tile[2] for row in grid.tiles for tile in row[2]])
