"""The writing beside a sheet of pictures: what its columns and rows are, as A1111 draws it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

FONT = Path(__file__).parent / "fonts" / "Roboto-Regular.ttf"
ACTIVE, INACTIVE, BACKGROUND = "#000000", "#999999", "#ffffff"
STROKE = 4
Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Label:
    """A text in the legend; one that is not active is struck out."""

    text: str
    is_active: bool = True


# What stands beside a column or a row, one below the other.
Labels = Sequence[Label]


@dataclass(frozen=True, slots=True)
class LegendLine:
    """One line of a wrapped label, and its size as drawn, in pixels."""

    text: str
    is_active: bool
    width: int
    height: int


@lru_cache(maxsize=64)
def load_font(size: int) -> ImageFont.FreeTypeFont:
    """The font in a size of pixels."""
    return ImageFont.truetype(str(FONT), max(size, 1))


@dataclass(frozen=True)
class Sheet:
    """Pictures in columns and rows with a legend. `cell` is the width and height of the largest picture.

    Without labels it is the pictures alone; `margin` is the room between them.
    """

    cell: Size
    columns: Sequence[Labels]
    rows: Sequence[Labels]
    margin: int = 0
    _drawer: ImageDraw.ImageDraw = field(
        default_factory=lambda: ImageDraw.Draw(Image.new("RGB", (1, 1))), repr=False, compare=False
    )

    @property
    def font_size(self) -> int:
        """In pixels: it grows with the pictures."""
        return sum(self.cell) // 25

    @property
    def line_gap(self) -> int:
        """Between two lines of text."""
        return self.font_size // 2

    @property
    def left(self) -> int:
        """Room for the labels of the rows."""
        has_text = any(label.text for labels in self.rows for label in labels)
        return self.cell[0] * 3 // 4 if has_text else 0

    @property
    def top(self) -> int:
        """Room for the labels of the columns."""
        heights = [self.column_height(lines) for lines in self.column_lines]
        return max(heights) + 2 * self.line_gap if sum(heights) else 0

    @property
    def size(self) -> Size:
        """Width and height of the whole."""
        width = self.left + len(self.columns) * (self.cell[0] + self.margin) - self.margin
        return width, self.top + len(self.rows) * (self.cell[1] + self.margin) - self.margin

    @property
    def column_lines(self) -> list[list[LegendLine]]:
        """The lines above each column."""
        return [self.wrap(labels, self.cell[0]) for labels in self.columns]

    @property
    def row_lines(self) -> list[list[LegendLine]]:
        """The lines beside each row."""
        return [self.wrap(labels, self.left) for labels in self.rows]

    def column_height(self, lines: Sequence[LegendLine]) -> int:
        """Of the text above a column."""
        return sum(line.height + self.line_gap for line in lines) - self.line_gap

    def wrap(self, labels: Labels, width: int) -> list[LegendLine]:
        """The labels in lines that fit; a word that is too long has a line of its own."""
        font, lines = load_font(self.font_size), list[LegendLine]()
        for label in labels:
            texts = [""]
            for word in label.text.split():
                longer = f"{texts[-1]} {word}".strip()
                if self._drawer.textlength(longer, font=font) <= width:
                    texts[-1] = longer
                else:
                    texts.append(word)
            lines += [self._measure(text, label) for text in texts]
        return lines

    def _measure(self, text: str, label: Label) -> LegendLine:
        left, top, right, bottom = self._drawer.multiline_textbbox(
            (0, 0), text, font=load_font(self.font_size)
        )
        return LegendLine(text, label.is_active, int(right - left), int(bottom - top))

    def place(self, number: int) -> Size:
        """Where the cell of a picture begins: pictures go row by row."""
        column, row = number % len(self.columns), number // len(self.columns)
        return (
            self.left + (self.cell[0] + self.margin) * column,
            self.top + (self.cell[1] + self.margin) * row,
        )

    def draw(self, pictures: Iterable[Image.Image | None]) -> Image.Image:
        """The whole; pictures come one at a time, each in the middle of its cell. None is a black cell."""
        whole = Image.new("RGB", self.size, BACKGROUND)
        for number, picture in enumerate(pictures):
            left, top = self.place(number)
            shown = picture or Image.new("RGB", self.cell)
            across, down = (self.cell[0] - shown.width) // 2, (self.cell[1] - shown.height) // 2
            whole.paste(shown, (left + across, top + down))
        self._write(ImageDraw.Draw(whole))
        return whole

    def _write(self, drawer: ImageDraw.ImageDraw) -> None:
        for number, lines in enumerate(self.column_lines):
            middle = self.left + (self.cell[0] + self.margin) * number + self.cell[0] / 2
            self._write_lines(
                drawer, middle, self.top / 2 - self.column_height(lines) / 2, lines, self.cell[0]
            )
        for number, lines in enumerate(self.row_lines):
            height = sum(line.height for line in lines)
            middle = self.top + (self.cell[1] + self.margin) * number + self.cell[1] / 2
            self._write_lines(drawer, self.left / 2, middle - height / 2, lines, self.left)

    def _write_lines(
        self, drawer: ImageDraw.ImageDraw, middle: float, top: float, lines: Sequence[LegendLine], width: int
    ) -> None:
        for line in lines:
            colour = ACTIVE if line.is_active else INACTIVE
            drawer.multiline_text(
                (middle, top + line.height / 2),
                line.text,
                font=self._fit_font(drawer, line.text, width),
                fill=colour,
                anchor="mm",
                align="center",
            )
            if not line.is_active:
                height, half = top + line.height // 2, line.width // 2
                ends = int(middle - half), int(height), int(middle + half), int(height)
                drawer.line(ends, fill=INACTIVE, width=STROKE)
            top += line.height + self.line_gap

    def _fit_font(self, drawer: ImageDraw.ImageDraw, text: str, width: int) -> ImageFont.FreeTypeFont:
        """As large as fits: a long word is written small."""
        size = self.font_size
        while size > 1:
            box = drawer.multiline_textbbox((0, 0), text, font=load_font(size))
            if box[2] - box[0] <= width:
                break
            size -= 1
        return load_font(size)
