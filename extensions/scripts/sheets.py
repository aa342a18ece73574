"""Sheets of many pictures, of which only one is in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from PIL import Image

from extensions.scripts.legend import Label, Labels, Sheet
from webui.plugins import ImageReady, PictureSpool, encode_value, grid_of, grid_rows

if TYPE_CHECKING:
    from webui.plugins import Settings

PLACEHOLDER = Image.new("1", (1, 1))


class CellPictures:
    """The pictures of cells, in a temporary file; what is told of them stays in memory. Close it."""

    def __init__(self) -> None:
        self._spool = PictureSpool()
        self._places: dict[int, int] = {}
        self._events: dict[int, ImageReady] = {}
        self.sizes: dict[int, tuple[int, int]] = {}

    def __len__(self) -> int:
        return len(self._places)

    @property
    def cells(self) -> list[int]:
        """Those that have a picture, in order."""
        return sorted(self._places)

    def add(self, cell: int, made: Sequence[ImageReady], settings: Settings) -> None:
        """The picture of a cell: of several, all of them on a small sheet if the settings want grids."""
        image = made[0].image
        if len(made) > 1 and settings.saving.return_grid:
            rows = grid_rows(len(made), settings.saving.n_rows)
            image = grid_of([each.image.size for each in made], [each.image for each in made], rows)
        image = image if image.mode == "RGB" else image.convert("RGB")
        self._places[cell] = len(self._spool)
        self.sizes[cell] = image.size
        self._spool.add(image)
        self._events[cell] = made[0].model_copy(update={"image": PLACEHOLDER})

    def get(self, cell: int) -> Image.Image | None:
        """The picture of a cell; None if there is none."""
        place = self._places.get(cell)
        return None if place is None else self._spool.get(place)

    def first_of(self, start: int, count: int) -> ImageReady:
        """What was told of the first picture in a row of cells; of any, where none of them is there."""
        there = [cell for cell in range(start, start + count) if cell in self._events]
        return self._events[there[0] if there else min(self._events)]

    def close(self) -> None:
        """Let go of everything."""
        self._spool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def draw_plot(
    pictures: CellPictures, labels: Sequence[Sequence[str]], margin: int, *, draws_legend: bool
) -> Iterator[Image.Image]:
    """The sheet of each Z, then the one of all: those of each Z side by side."""
    xs, ys, zs = ([[Label(text)] for text in texts] for texts in labels)
    cells, largest = len(xs) * len(ys), (0, 0)
    with PictureSpool() as sheets:
        for number in range(len(zs)):
            own = range(number * cells, (number + 1) * cells)
            sheet = sheet_for(cell_size(pictures, own), xs, ys, margin, draws_legend=draws_legend)
            drawn = sheet.draw(pictures.get(cell) for cell in own)
            sheets.add(drawn)
            largest = max(largest[0], drawn.width), max(largest[1], drawn.height)
            yield drawn
            del drawn
        whole = sheet_for(largest, zs, [[Label("")]], 0, draws_legend=draws_legend)
        yield whole.draw(sheets.get(number) for number in range(len(zs)))


def cell_size(pictures: CellPictures, cells: Sequence[int]) -> tuple[int, int]:
    """Sides of the largest of these pictures; of all, where none of these is there."""
    sizes = [pictures.sizes[cell] for cell in cells if cell in pictures.sizes] or list(
        pictures.sizes.values()
    )
    return max(width for width, _ in sizes), max(height for _, height in sizes)


def sheet_for(
    cell: tuple[int, int],
    columns: Sequence[Labels],
    rows: Sequence[Labels],
    margin: int,
    *,
    draws_legend: bool,
) -> Sheet:
    """A sheet; without a legend there are no margins either, as in A1111."""
    if draws_legend:
        return Sheet(cell, columns, rows, margin)
    blank = [Label("")]
    return Sheet(cell, [blank] * len(columns), [blank] * len(rows))


def with_entries(infotext: str, entries: Mapping[str, str]) -> str:
    """The infotext with more keys, where A1111 has those of scripts: before the version."""
    if not entries:
        return infotext
    written = ", ".join(f"{key}: {encode_value(value)}" for key, value in entries.items())
    head, line, last = infotext.rpartition("\n")
    fields, version, number = last.rpartition(", Version: ")
    if version:
        return f"{head}{line}{fields}, {written}{version}{number}"
    return f"{infotext}, {written}" if last else f"{infotext}{written}"
