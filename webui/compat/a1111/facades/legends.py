"""Texts on grids, drawn as our own X/Y/Z plot draws them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from PIL import Image, ImageFont

from extensions.scripts import legend


@dataclass(slots=True)
class GridAnnotation:
    """A text beside a row or column; one that is not active is struck out. Extensions use the rest."""

    text: str = ""
    is_active: bool = True
    lines: list[object] = field(default_factory=list[object])
    size: tuple[int, int] | None = None


Annotations = Sequence[GridAnnotation]


def load_font(size: int) -> ImageFont.FreeTypeFont:
    """The bundled font in a size of pixels."""
    return legend.load_font(int(size))


def draw_annotations(
    image: Image.Image,
    width: int,
    height: int,
    columns: Sequence[Annotations],
    rows: Sequence[Annotations],
    margin: int = 0,
) -> Image.Image:
    """A grid of cells of width x height with texts above its columns and beside its rows."""
    sheet = legend.Sheet(
        (width, height), [labels_of(each) for each in columns], [labels_of(each) for each in rows], margin
    )
    cells = [
        image.crop((column * width, row * height, (column + 1) * width, (row + 1) * height))
        for row in range(len(rows))
        for column in range(len(columns))
    ]
    return sheet.draw(cells)


def labels_of(annotations: Annotations) -> list[legend.Label]:
    """The texts of one column or row."""
    return [legend.Label(str(each.text), is_active=each.is_active) for each in annotations]


def draw_prompt_matrix(
    image: Image.Image, width: int, height: int, all_prompts: Sequence[str], margin: int = 0
) -> Image.Image:
    """A grid of every combination of the prompts after the first: half of them go across, the others down."""
    prompts = list(all_prompts[1:])
    half = (len(prompts) + 1) // 2
    across, down = prompts[:half], prompts[half:]

    def combine(part: Sequence[str]) -> list[list[GridAnnotation]]:
        return [
            [GridAnnotation(text, is_active=bool(place & 1 << bit)) for bit, text in enumerate(part)]
            for place in range(1 << len(part))
        ]

    return draw_annotations(image, width, height, combine(across), combine(down), margin)
