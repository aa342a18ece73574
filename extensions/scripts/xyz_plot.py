"""X/Y/Z plot: every combination of the values of up to three axes, on a sheet with a legend."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any, ClassVar, cast

from pydantic import Field, JsonValue, field_validator

from extensions.scripts.base import NestedRun, ScriptPart, is_result, list_of
from extensions.scripts.values import MOST_VALUES, Value, join_values, read_values
from webui.plugins import ImageReady, InvalidRequest, Message, SaveAs, WebuiError

if TYPE_CHECKING:
    from extensions.scripts.axes import Axis
    from extensions.scripts.sheets import CellPictures
    from webui.plugins import Context, Event, GenerationRequest

TITLE = "X/Y/Z plot"
FILE_NAME = "xyz_grid"
NAMES = ("X", "Y", "Z")
# A1111's bound for grids: a sheet of more takes 600 MB.
MOST_MEGAPIXELS = 200
# A1111 draws the seeds of an axis from this range.
RANDOM_SEEDS = 4294967294
# For the page: labels come from the server; its values are written, A1111's clients send lists.
FROM_SERVER: dict[str, JsonValue] = {"choices_from": "/v1/xyz/axes"}
HIDDEN: dict[str, JsonValue] = {"hidden": True}


class XyzPart(ScriptPart):
    """What is plotted, in the order of A1111's arguments."""

    key: ClassVar[str] = "xyz_plot"
    title: ClassVar[str] = TITLE
    about: ClassVar[str] = (
        "Values: 20, 30 or 10-30 (+5) or 10-30 [3]; texts parted by commas, in quotes where they have commas."
    )

    x_type: str = Field(default="Seed", title="X type", json_schema_extra=FROM_SERVER)
    x_values: str = Field(default="", title="X values", max_length=100_000)
    x_choices: tuple[str, ...] = Field(
        default=(), title="X choices", max_length=MOST_VALUES, json_schema_extra=HIDDEN
    )
    y_type: str = Field(default="Nothing", title="Y type", json_schema_extra=FROM_SERVER)
    y_values: str = Field(default="", title="Y values", max_length=100_000)
    y_choices: tuple[str, ...] = Field(
        default=(), title="Y choices", max_length=MOST_VALUES, json_schema_extra=HIDDEN
    )
    z_type: str = Field(default="Nothing", title="Z type", json_schema_extra=FROM_SERVER)
    z_values: str = Field(default="", title="Z values", max_length=100_000)
    z_choices: tuple[str, ...] = Field(
        default=(), title="Z choices", max_length=MOST_VALUES, json_schema_extra=HIDDEN
    )
    draw_legend: bool = Field(default=True, title="Draw legend")
    include_lone_images: bool = Field(default=False, title="Include Sub Images")
    include_sub_grids: bool = Field(default=False, title="Include Sub Grids")
    no_fixed_seeds: bool = Field(default=False, title="Keep -1 for seeds")
    vary_seeds_x: bool = Field(default=False, title="Vary seeds for X")
    vary_seeds_y: bool = Field(default=False, title="Vary seeds for Y")
    vary_seeds_z: bool = Field(default=False, title="Vary seeds for Z")
    margin_size: int = Field(default=0, ge=0, le=500, title="Grid margins (px)")
    csv_mode: bool = Field(
        default=False, title="Use text inputs instead of dropdowns", json_schema_extra=HIDDEN
    )

    @field_validator("x_type", "y_type", "z_type", mode="before")
    @classmethod
    def number_is_a_name(cls, value: object) -> object:
        """A1111's clients send the number of an axis."""
        return str(value) if isinstance(value, int) else value

    @field_validator("x_choices", "y_choices", "z_choices", mode="before")
    @classmethod
    def nothing_is_no_choice(cls, value: object) -> object:
        """A1111's clients send an empty text, or null, where nothing is chosen."""
        return list_of(value)


@dataclass(frozen=True, slots=True)
class PlotAxis:
    """An axis with its values. `written` is how they were asked for, `name` its letter."""

    name: str
    axis: Axis
    values: tuple[Value, ...]
    written: str
    has_fixed_seeds: bool = False

    def entries(self) -> dict[str, str]:
        """What the infotext of the sheet says of it."""
        if self.axis.is_nothing:
            return {}
        found = {f"{self.name} Type": self.axis.label, f"{self.name} Values": self.written}
        if self.has_fixed_seeds:
            found[f"Fixed {self.name} Values"] = ", ".join(str(value) for value in self.values)
        return found


@dataclass(frozen=True, slots=True)
class Cell:
    """One place of the plot: where it is on the axes, and its number in reading order."""

    x: int
    y: int
    z: int
    number: int


@dataclass(frozen=True)
class Plot:
    """A plot that is ready to be made: every value is known to be possible."""

    part: XyzPart
    request: GenerationRequest
    x: PlotAxis
    y: PlotAxis
    z: PlotAxis
    random: Random = field(default_factory=Random)

    @property
    def axes(self) -> tuple[PlotAxis, PlotAxis, PlotAxis]:
        """All three."""
        return self.x, self.y, self.z

    @property
    def cells_of_sheet(self) -> int:
        """Cells with the same Z."""
        return len(self.x.values) * len(self.y.values)

    @property
    def count(self) -> int:
        """Cells in all."""
        return self.cells_of_sheet * len(self.z.values)

    def cells(self) -> Iterator[Cell]:
        """All, in the order of the work: the axis that is slowest to change is the outermost loop."""
        order = sorted(range(3), key=lambda place: (-self.axes[place].axis.cost, -place))
        sizes = [len(self.axes[place].values) for place in order]
        for first in range(sizes[0]):
            for second in range(sizes[1]):
                for third in range(sizes[2]):
                    x, y, z = (
                        dict(zip(order, (first, second, third), strict=True))[place] for place in range(3)
                    )
                    yield Cell(x, y, z, x + len(self.x.values) * y + self.cells_of_sheet * z)

    def request_of(self, cell: Cell) -> GenerationRequest:
        """What makes the picture of a cell. Raises InvalidRequest."""
        made = self.request
        if self.part.no_fixed_seeds and made.is_seed_random:
            made = made.model_copy(update={"seed": self.random.randrange(RANDOM_SEEDS)})
        for own, place in zip(self.axes, (cell.x, cell.y, cell.z), strict=True):
            value = own.values[place]
            if own.axis.is_seed and value == -1:
                value = self.random.randrange(RANDOM_SEEDS)
            made = own.axis.change(made, value, own.values)
        return self._vary_seed(made, cell)

    def _vary_seed(self, request: GenerationRequest, cell: Cell) -> GenerationRequest:
        part = self.part
        across = len(self.x.values) if part.vary_seeds_x else 1
        down = len(self.y.values) if part.vary_seeds_y else 1
        more = cell.x * part.vary_seeds_x + cell.y * across * part.vary_seeds_y
        more += cell.z * across * down * part.vary_seeds_z
        return request.model_copy(update={"seed": request.seed + more}) if more else request

    def announce(self) -> str:
        """How much work it is, in A1111's words."""
        x, y, z = (len(own.values) for own in self.axes)
        each = self.request.count
        cells = f"; {each} images per cell" if each > 1 else ""
        grids = "grids" if z > 1 else "grid"
        return (
            f"X/Y/Z plot will create {x * y * z * each} images on {z} {x}x{y} {grids}{cells}. "
            f"(Total steps to process: {self.count_steps()})"
        )

    def count_steps(self) -> int:
        """Steps of all pictures."""
        request = self.request
        first = self._sum_of("Steps", request.steps)
        if request.hires is None:
            return first * request.batch_count
        hires = self._sum_of("Hires steps", request.hires.steps)
        return (first + (hires or first)) * request.batch_count

    def _sum_of(self, label: str, steps: int) -> int:
        for own in self.axes:
            if own.axis.label == label:
                return int(sum(cast("tuple[int, ...]", own.values))) * self.count // len(own.values)
        return steps * self.count


class XyzPlot:
    """The script."""

    title = TITLE
    part: type[XyzPart] = XyzPart

    def run(self, request: GenerationRequest, context: Context) -> Generator[Event]:
        """Make the cells, tell each as it is finished, and then the sheet of all. Raises WebuiError."""
        from extensions.scripts.sheets import CellPictures

        plot = prepare(XyzPart.of(request) or XyzPart(), request, context)
        yield Message(text=plot.announce(), level="info")
        for text in list_remarks(plot):
            yield Message(text=text, level="warning")
        with CellPictures() as pictures:
            yield from make_cells(plot, context, pictures)
            if pictures and not context.stop.is_cancelled:
                yield from make_sheets(plot, pictures, context)


def prepare(part: XyzPart, request: GenerationRequest, context: Context) -> Plot:
    """The plot, with every value checked. Raises InvalidRequest with what is wrong on which axis."""
    # Drawn from the request's seed: the same request gives the same plot.
    random = Random(request.seed)
    x, y, z = (read_axis(name, part, request, context, random) for name in NAMES)
    plot = Plot(part, request, x, y, z, random)
    if plot.count > MOST_VALUES:
        raise InvalidRequest(f"The plot would have {plot.count} cells. Make at most {MOST_VALUES}.")
    megapixels = round(plot.count * request.width * request.height / 1_000_000)
    if megapixels >= MOST_MEGAPIXELS:
        raise InvalidRequest(
            f"The grid would have {megapixels} megapixels, and more than {MOST_MEGAPIXELS} are too many. "
            "Use fewer values or smaller pictures."
        )
    for own in plot.axes:
        check_values(own, plot.request, context)
    return plot


def read_axis(
    name: str, part: XyzPart, request: GenerationRequest, context: Context, random: Random
) -> PlotAxis:
    """One axis with its values. Raises InvalidRequest."""
    from extensions.scripts.axes import find_axis

    letter = name.lower()
    text = cast(str, getattr(part, f"{letter}_values"))
    chosen = cast("tuple[str, ...]", getattr(part, f"{letter}_choices"))
    tab = "img2img" if request.is_img2img else "txt2img"
    axis = find_axis(getattr(part, f"{letter}_type"), tab, context)
    if axis.is_nothing:
        return PlotAxis(name, axis, (0,), "")
    try:
        uses_choices = axis.choices is not None and not part.csv_mode and bool(chosen)
        written = list(chosen) if uses_choices else list(axis.split(text))
        values = read_values(written, axis.kind)
    except InvalidRequest as error:
        raise InvalidRequest(f"{name} values ({axis.label}): {error}") from error
    if not values:
        raise InvalidRequest(
            f"{name} values: there are none for {axis.label!r}. Write some, or choose Nothing."
        )
    is_fixed = axis.is_seed and not part.no_fixed_seeds
    if is_fixed:
        values = [random.randrange(RANDOM_SEEDS) if value == -1 else value for value in values]
    return PlotAxis(name, axis, tuple(values), join_values(chosen) if uses_choices else text, is_fixed)


def check_values(own: PlotAxis, request: GenerationRequest, context: Context) -> None:
    """Try every value of an axis before anything is made. Raises InvalidRequest or NotFound."""
    for value in own.values:
        try:
            if own.axis.look_up is not None:
                own.axis.look_up(context, str(value))
            if not (own.axis.is_seed and value == -1):
                own.axis.change(request, value, own.values)
        except WebuiError as error:
            raise type(error)(f"{own.name} values ({own.axis.label}): {error}") from error


def list_remarks(plot: Plot) -> list[str]:
    """Sentences on axes that change nothing."""
    needed = {"hires": "hires fix", "refiner": "a refiner"}
    chosen = {own.axis.label for own in plot.axes}
    return [
        f"The axis {own.axis.label!r} changes nothing without {needed[own.axis.needs]}."
        for own in plot.axes
        if own.axis.needs
        and getattr(plot.request, own.axis.needs) is None
        and not (own.axis.needs == "refiner" and "Refiner checkpoint" in chosen)
    ]


def make_cells(plot: Plot, context: Context, pictures: CellPictures) -> Generator[Event]:
    """All cells. What one refuses is told, and its place stays black; raises the refusal if all do."""
    refusal: WebuiError | None = None
    each = plot.request.count
    for number, cell in enumerate(plot.cells()):
        if context.stop.is_stopped:
            return
        run = NestedRun(number, plot.count, cell.number * each)
        made: list[ImageReady] = []
        try:
            for event in context.events(plot.request_of(cell)):
                placed = run.place(event)
                if isinstance(placed, ImageReady) and is_result(placed):
                    made.append(placed)
                    placed = placed.model_copy(update={"is_passing": not plot.part.include_lone_images})
                if placed is not None:
                    yield placed
        except WebuiError as error:
            refusal = error
            yield Message(text=f"{describe_cell(plot, cell)}: {error}", level="warning")
        if made:
            pictures.add(cell.number, made, context.settings)
    if refusal is not None and not pictures:
        raise refusal


def describe_cell(plot: Plot, cell: Cell) -> str:
    """Where a cell stands, for the artist."""
    places = zip(plot.axes, (cell.x, cell.y, cell.z), strict=True)
    texts = [own.axis.describe(own.values[place]) for own, place in places if not own.axis.is_nothing]
    return ", ".join(texts) or "The picture"


def make_sheets(plot: Plot, pictures: CellPictures, context: Context) -> Iterator[Event]:
    """The sheet of all, and before it, where they are wanted, those of each Z."""
    from extensions.scripts.sheets import draw_plot, with_entries

    entries = {"Script": TITLE} | plot.x.entries() | plot.y.entries()
    labels = [[own.axis.describe(value) for value in own.values] for own in plot.axes]
    part, many = plot.part, len(plot.z.values)
    sheets = draw_plot(pictures, labels, part.margin_size, draws_legend=part.draw_legend)
    shows_parts = part.include_sub_grids
    for number, sheet in enumerate(sheets):
        is_whole = number == many
        if not (is_whole or shows_parts):
            continue
        first = (
            pictures.first_of(0, plot.count)
            if is_whole
            else pictures.first_of(number * plot.cells_of_sheet, plot.cells_of_sheet)
        )
        own = entries | (plot.z.entries() if is_whole else {})
        yield first.model_copy(
            update={
                "index": -1 - (many if shows_parts else 0) if is_whole else number - many,
                "image": sheet,
                "infotext": with_entries(first.infotext, own),
                "latent": "",
                "is_passing": False,
                "save_as": SaveAs(sheet=FILE_NAME),
            }
        )


def make_script() -> Any:  # noqa: ANN401 - for the hook
    """The script, for `register_scripts`."""
    return XyzPlot()
