"""One sheet of all pictures of a run."""

import math
from collections.abc import Iterable, Sequence
from itertools import islice

from PIL import Image


def grid_rows(count: int, n_rows: int = -1, batch_size: int = 1) -> int:
    """Rows for `count` pictures: `n_rows`; one a batch if that is 0, about as many as columns if it is -1."""
    rows = n_rows if n_rows > 0 else batch_size if n_rows == 0 else round(math.sqrt(count))
    return max(1, min(rows, count))


def columns_of(count: int, rows: int) -> int:
    """Columns that so many pictures in so many rows take."""
    return math.ceil(count / rows)


def image_grid(images: Sequence[Image.Image], rows: int, background: str = "white") -> Image.Image:
    """The pictures row by row, each in the middle of a cell as large as the largest."""
    return grid_of([image.size for image in images], images, rows, background)


def grid_of(
    sizes: Sequence[tuple[int, int]],
    images: Iterable[Image.Image],
    rows: int,
    background: str = "white",
    columns: int | None = None,
) -> Image.Image:
    """The same of pictures that come one at a time; `sizes` are theirs: width and height.

    With `columns`, pictures for which there are no cells are left out.
    """
    assert sizes, "A grid needs a picture."
    columns = columns_of(len(sizes), rows) if columns is None else columns
    width, height = max(width for width, _ in sizes), max(height for _, height in sizes)
    sheet = Image.new("RGB", (columns * width, rows * height), background)
    for index, image in enumerate(islice(images, columns * rows)):
        left = index % columns * width + (width - image.width) // 2
        top = index // columns * height + (height - image.height) // 2
        sheet.paste(image, (left, top))
    return sheet
