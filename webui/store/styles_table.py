"""One styles.csv as a table: read whatever program wrote it, changed row by row, written with all the rest.

A file is UTF-8 with a byte-order mark and has the columns name, prompt, negative_prompt (very old ones: name,
text). Rows whose name starts with # are comments. Spreadsheets save other encodings and separators. Whatever
is not changed (further columns, comments, lines that cannot be read) is written as it was read.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from webui.core.style import Style

COLUMNS = ("name", "prompt", "negative_prompt")
# What the columns are called elsewhere; names are compared in small letters, with "_" for spaces.
PROMPT_COLUMNS, NEGATIVE_COLUMNS = ("prompt", "text"), ("negative_prompt", "negative", "negative_text")
SEPARATORS = ",;\t|"
LINE_END = "\r\n"
COMMENT = "#"
# Rows that cannot be read are told by their lines; where there are more, the file is something else.
MAX_BAD_ROWS = 200
SHOWN_LINES = 5
# The longest marks first: that of UTF-32 begins with that of UTF-16.
MARKS = (
    (b"\xff\xfe\x00\x00", "utf-32"), (b"\x00\x00\xfe\xff", "utf-32"), (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"),
)  # fmt: skip
# Excel's own first line, which names the separator.
SEPARATOR_LINE = re.compile(r'\s*"?sep=(.)"?\s*\Z', re.IGNORECASE)
PAGE_STARTS = ("<!doctype", "<html", "<?xml", "{", "<head", "pk\x03\x04")


@dataclass(frozen=True, slots=True)
class TableRow:
    """Some lines as they stand in the file, with their line ends; `cells` is None where they are no row."""

    text: str
    cells: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of one file. `head` is what stands before them, `places` where name and prompts stand."""

    rows: tuple[TableRow, ...] = ()
    columns: tuple[str, ...] = COLUMNS
    places: tuple[int, ...] = (0, 1, 2)
    separator: str = ","
    head: str = ""

    def styles(self) -> Iterator[tuple[int, Style]]:
        """Each style with the number of its row."""
        for at, row in enumerate(self.rows):
            if row.cells and (style := self._style(row.cells)).name and not style.name.startswith(COMMENT):
                yield at, style

    def with_style(self, style: Style, at: int | None = None) -> "Table":
        """A copy with the style in that row, the row's other columns kept; None adds a row."""
        table = self._with_negative_column() if style.negative_prompt else self
        old = table.rows[at].cells if at is not None else None
        cells = list(old or ())
        cells += [""] * (max(table.places) + 1 - len(cells))
        for place, text in zip(table.places, (style.name, style.prompt, style.negative_prompt), strict=False):
            cells[place] = text
        if at is None:
            return table.with_row(len(table.rows), cells)
        return replace(table, rows=(*table.rows[:at], table._row(cells), *table.rows[at + 1 :]))

    def with_row(self, at: int, cells: Sequence[str]) -> "Table":
        """A copy with one row more, before the row of that number."""
        return replace(self, rows=(*self.rows[:at], self._row(cells), *self.rows[at:]))

    def without_row(self, at: int) -> "Table":
        """A copy without that row."""
        return replace(self, rows=(*self.rows[:at], *self.rows[at + 1 :]))

    def encode(self) -> bytes:
        """The file's new content, from which the same styles are read again."""
        data = self._encode()
        wanted = [style for _, style in self.styles()]
        if [style for _, style in read_table(Path("styles.csv"), data).table.styles()] == wanted:
            return data
        # A line that cannot be read swallowed others: it is kept as a comment.
        plain = replace(self, separator=",", head="")
        cells = (row.cells or (COMMENT + row.text.rstrip("\r\n"),) for row in self.rows)
        return replace(plain, rows=tuple(map(plain._row, cells)))._encode()

    def _encode(self) -> bytes:
        parts = [self.head or self._row(self.columns).text, *(row.text for row in self.rows)]
        ended = [part if part.endswith(("\r", "\n")) else part + LINE_END for part in parts]
        return "".join(ended).encode("utf-8-sig", errors="replace")

    def _style(self, cells: Sequence[str]) -> Style:
        texts = [cells[at] if at < len(cells) else "" for at in self.places]
        name, prompt, negative_prompt = [*texts, ""][:3]
        return Style(name, prompt, negative_prompt)

    def _row(self, cells: Sequence[str]) -> TableRow:
        text = self.separator.join(quote_cell(cell, self.separator) for cell in cells)
        return TableRow(text + LINE_END, tuple(cells))

    def _with_negative_column(self) -> "Table":
        """A copy with a column for negative prompts, behind whatever the rows hold."""
        if len(self.places) == len(COLUMNS):
            return self
        width = max([len(self.columns), *(len(row.cells or ()) for row in self.rows)])
        columns = (*self.columns, *[""] * (width - len(self.columns)), COLUMNS[2])
        return replace(self, columns=columns, places=(*self.places, width), head="")


@dataclass(frozen=True, slots=True)
class TableReading:
    """What was read of a file: its table, what is wrong with it in sentences, and whether writing it would
    lose nothing of the file.
    """

    table: Table
    messages: tuple[str, ...] = ()
    is_plain: bool = True


def read_table(path: Path, data: bytes) -> TableReading:
    """The rows of a file's bytes. Never raises."""
    return _Reading(path, data).read()


def quote_cell(text: str, separator: str) -> str:
    """A cell as it is written: in quotation marks where it would be read as something else."""
    if text[:1].isspace() or any(mark in text for mark in (separator, '"', "\r", "\n")):
        return '"' + text.replace('"', '""') + '"'
    return text


class _Reading:
    """One file being read, and what is odd about it."""

    def __init__(self, path: Path, data: bytes) -> None:
        self.path = path
        self.data = data
        self.messages: list[str] = []
        self.is_plain = True

    def read(self) -> TableReading:
        lines = io.StringIO(self._decode(), newline="").readlines()
        head, separator = self._take_separator(lines)
        rows = list(self._rows(lines, separator))
        table = self._table(head, separator, rows)
        return TableReading(table, tuple(self.messages), self.is_plain)

    def _decode(self) -> str:
        data = self.data
        encoding = next((name for mark, name in MARKS if data.startswith(mark)), None) or _guess(data)
        text, is_damaged = _decode(data, encoding)
        if encoding == "cp1252":
            self._note(
                f"The styles in {self.path.name} are not in UTF-8; they were read as Western European "
                "(Windows-1252). Check letters such as é, and save the file as “CSV UTF-8”."
            )
        elif is_damaged:
            self._note(f"Some letters in {self.path.name} are damaged. Save the file as “CSV UTF-8”.")
        self.is_plain &= encoding in {"utf-8", "utf-8-sig"} and "\0" not in text
        return text.replace("\0", "").removeprefix("\ufeff")

    def _take_separator(self, lines: list[str]) -> tuple[str, str]:
        """The line that says what parts the columns, which is taken away, and what does."""
        if lines and (named := SEPARATOR_LINE.match(lines[0])):
            return lines.pop(0), named[1]
        first = lines[0] if lines else ""
        known = [
            mark for mark in SEPARATORS if _places([cell.strip(' "') for cell in first.strip().split(mark)])
        ]
        return "", known[0] if known else max(SEPARATORS, key=lambda mark: _score(lines, mark))

    def _rows(self, lines: list[str], separator: str) -> Iterator[TableRow]:
        """Each row; lines that are none are noted."""
        at, bad = 0, list[int]()
        while at < len(lines) and len(bad) < MAX_BAD_ROWS:
            cells, taken = _row_at(lines, at, separator)
            if cells is None:
                bad.append(at + 1)
            yield TableRow("".join(lines[at : at + taken]), None if cells is None else tuple(cells))
            at += taken
        yield from (TableRow(line, None) for line in lines[at:])
        if bad:
            shown = ", ".join(map(str, bad[:SHOWN_LINES])) + (" and others" if len(bad) > SHOWN_LINES else "")
            # No loss: they are written as they stand.
            self.messages.append(
                f"{self.path.name} has lines that cannot be read ({shown}): a quotation mark is missing, or "
                "a text is too long. The other styles are there. Mend these lines."
            )

    def _table(self, head: str, separator: str, rows: list[TableRow]) -> Table:
        first = next((at for at, row in enumerate(rows) if _is_filled(row)), None)
        if first is None:
            return Table(tuple(rows))
        cells = rows[first].cells or ()
        if (places := _places(cells)) is not None:
            head += "".join(row.text for row in rows[: first + 1])
            return Table(tuple(rows[first + 1 :]), cells, places, separator, head)
        if self._has_header_of_others(cells, rows):
            return Table()
        return Table(tuple(rows), separator=separator)

    def _has_header_of_others(self, first: Sequence[str], rows: Iterable[TableRow]) -> bool:
        """Whether this is no table of styles at all; noted."""
        start = self.data[:200].decode("latin-1").lower().lstrip("\xef\xbb\xbf \t\r\n")
        is_other = start.startswith(PAGE_STARTS) or "name" in [cell.strip().lower() for cell in first]
        if is_other or all(len(row.cells or ()) < 2 for row in rows):
            self._note(unread(self.path, "its first row lacks the columns name, prompt, negative_prompt"))
            return True
        return False

    def _note(self, message: str) -> None:
        self.messages.append(message)
        self.is_plain = False


def unread(path: Path, reason: str) -> str:
    """The sentence on a file of which nothing was read."""
    return (
        f"The styles in {path} were not read because {reason}. "
        f"Mend it, or put {path.name}.bak, the file as it was before the last change, in its place."
    )


def _is_filled(row: TableRow) -> bool:
    return any(cell.strip() for cell in row.cells or ())


def _decode(data: bytes, encoding: str) -> tuple[str, bool]:
    """The text, and whether some of it could not be read."""
    try:
        return data.decode(encoding), False
    except UnicodeDecodeError:
        return data.decode(encoding, errors="replace"), True


def _guess(data: bytes) -> str:
    """The encoding of a text without a mark."""
    even, odd = data[::2].count(0), data[1::2].count(0)
    if max(even, odd) * 4 > len(data):
        return "utf-16-le" if odd > even else "utf-16-be"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _score(lines: Sequence[str], separator: str) -> int:
    """How many of the first lines have two or three columns with this separator."""
    return sum(1 <= line.count(separator) <= 2 for line in lines[:50])


def _row_at(lines: Sequence[str], at: int, separator: str) -> tuple[list[str] | None, int]:
    """The row that begins at a line, None if it is broken, and how many lines it took."""

    def rest() -> Iterator[str]:
        # By its place: a copy of what follows each row would take quadratic time.
        for index in range(at, len(lines)):
            yield lines[index]

    reader = csv.reader(rest(), delimiter=separator, skipinitialspace=True, strict=True)
    try:
        return next(reader), reader.line_num
    except csv.Error:
        pass
    # Quotation marks within a text that is not quoted as a whole: A1111 reads what is on the line.
    if lines[at].count('"') % 2 == 0:
        try:
            return next(csv.reader([lines[at]], delimiter=separator, skipinitialspace=True)), 1
        except csv.Error:
            pass
    return None, 1


def _places(header: Sequence[str]) -> tuple[int, ...] | None:
    """Where name, prompt and, if there is one, negative prompt stand; None if the row names no columns."""
    names = [cell.strip().lower().replace(" ", "_") for cell in header]
    prompt = next((names.index(each) for each in PROMPT_COLUMNS if each in names), None)
    if "name" not in names or prompt is None:
        return None
    negative = next((names.index(each) for each in NEGATIVE_COLUMNS if each in names), None)
    return (names.index("name"), prompt, *([] if negative is None else [negative]))
