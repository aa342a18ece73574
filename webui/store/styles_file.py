"""A1111's styles.csv: read whatever program wrote it, and written without losing what could not be read.

A file is UTF-8 with a byte-order mark and has the columns name, prompt, negative_prompt (very old ones: name,
text). Rows whose name starts with # are comments. Spreadsheets save other encodings and separators.
"""

import csv
import io
import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from webui.core.errors import StorageError
from webui.core.style import Style
from webui.store.files.atomic import write_atomically, write_new
from webui.store.files.regular_files import is_regular, is_there, open_regular, read_regular, regular_files

logger = logging.getLogger(__name__)

COLUMNS = ("name", "prompt", "negative_prompt")
# What the columns are called elsewhere; names are compared in small letters, with "_" for spaces.
PROMPT_COLUMNS, NEGATIVE_COLUMNS = ("prompt", "text"), ("negative_prompt", "negative", "negative_text")
SEPARATORS = ",;\t|"
MAX_BYTES = 20 * 2**20
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
class StylesFile:
    """One file as it was read. `messages` say what is wrong with it; `is_plain`: writing it loses nothing."""

    path: Path
    styles: tuple[Style, ...] = ()
    messages: tuple[str, ...] = ()
    is_plain: bool = True


@dataclass(frozen=True)
class StylesFiles:
    """Several files; a later style replaces an earlier one of its name. New styles go to the first file."""

    files: tuple[StylesFile, ...]
    changed: frozenset[Path] = frozenset()

    @classmethod
    def load(cls, paths: Sequence[Path]) -> "StylesFiles":
        """Read every file; a file name may hold `*` and `?`. Files that do not exist are empty."""
        return cls(tuple(read_styles_file(path) for path in find_styles_files(paths)))

    @property
    def styles(self) -> tuple[Style, ...]:
        """All of them, in the order of the files."""
        return tuple({style.name: style for file in self.files for style in file.styles}.values())

    @property
    def messages(self) -> tuple[str, ...]:
        """What is wrong with the files, in sentences."""
        return tuple(message for file in self.files for message in file.messages)

    def with_style(self, style: Style) -> "StylesFiles":
        """A copy with a style added, or replaced in its place if the name is taken."""
        known = next((each for each in self.styles if each.name == style.name), None)
        path = (known and known.path) or style.path or self.files[0].path
        files = tuple(_put_style(file, style) if file.path == path else file for file in self.files)
        return StylesFiles(files, self.changed | {path})

    def save(self) -> None:
        """Write every file that was changed. Raises StorageError.

        What stood there before is kept beside it as `.bak`; a file of which something could not be read also
        as `.original`, which is never replaced.
        """
        for file in self.files:
            if file.path in self.changed:
                _write(file)


def find_styles_files(paths: Sequence[Path]) -> tuple[Path, ...]:
    """The files meant, without repeats; patterns stand for the files they match."""
    files: list[Path] = []
    for index, path in enumerate(paths):
        if "*" not in path.name and "?" not in path.name:
            files.append(path)
            continue
        matches = [file for file in regular_files(path.parent) if fnmatchcase(file.name, path.name)]
        files += matches or ([path.parent / "styles.csv"] if index == 0 else [])
    return tuple(dict.fromkeys(files))


def read_styles_file(path: Path) -> StylesFile:
    """The styles that can be read of a file, and what is wrong with the rest. Never raises."""
    if not is_regular(path):
        there = is_there(path)
        return StylesFile(path, (), (_unread(path, "it is no file"),) if there else (), is_plain=not there)
    try:
        data = read_regular(path, MAX_BYTES)
    except OSError as error:
        return StylesFile(path, (), (_unread(path, f"it cannot be read: {error.strerror or error}"),), False)
    return _Reading(path, data).read()


class _Reading:
    """One file being read, and what is odd about it."""

    def __init__(self, path: Path, data: bytes) -> None:
        self.path = path
        self.data = data
        self.messages: list[str] = []
        self.is_plain = True

    def read(self) -> StylesFile:
        text = self._decode()
        lines = io.StringIO(text, newline="").readlines()
        separator = self._take_separator(lines)
        rows = [(at, row) for at, row in self._rows(lines, separator) if any(cell.strip() for cell in row)]
        styles = self._styles(rows)
        return StylesFile(self.path, styles, tuple(self.messages), self.is_plain)

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

    def _take_separator(self, lines: list[str]) -> str:
        """What parts the columns; a line that says so is taken away."""
        if lines and (named := SEPARATOR_LINE.match(lines[0])):
            del lines[0]
            self.is_plain = False
            return named[1]
        first = lines[0] if lines else ""
        known = [
            mark for mark in SEPARATORS if _places([cell.strip(' "') for cell in first.strip().split(mark)])
        ]
        separator = known[0] if known else max(SEPARATORS, key=lambda mark: _score(lines, mark))
        self.is_plain &= separator == ","
        return separator

    def _rows(self, lines: list[str], separator: str) -> Iterator[tuple[int, list[str]]]:
        """Each row with its first line, counted from 0; what is no row is noted."""
        at, bad = 0, list[int]()
        while at < len(lines) and len(bad) < MAX_BAD_ROWS:
            row, taken = _row_at(lines, at, separator)
            if row is None:
                bad.append(at + 1)
            else:
                yield at, row
            at += taken
        if bad:
            shown = ", ".join(map(str, bad[:SHOWN_LINES])) + (" and others" if len(bad) > SHOWN_LINES else "")
            self._note(
                f"{self.path.name} has lines that cannot be read ({shown}): a quotation mark is missing, or "
                "a text is too long. The other styles are there. Mend these lines."
            )

    def _styles(self, rows: list[tuple[int, list[str]]]) -> tuple[Style, ...]:
        if not rows:
            return ()
        places = _places(rows[0][1])
        if places is not None:
            self.is_plain &= len(rows[0][1]) == len(places)
            rows = rows[1:]
        elif self._has_header_of_others(rows):
            return ()
        else:
            places = (0, 1, 2)
            self.is_plain = False
        styles = [_style(row, places, self.path) for _, row in rows]
        self.is_plain &= all(len(row) <= max(places) + 1 for _, row in rows)
        named = [style for style in styles if style.name and not style.name.startswith("#")]
        self.is_plain &= len(named) == len(styles)
        return tuple(named)

    def _has_header_of_others(self, rows: list[tuple[int, list[str]]]) -> bool:
        """Whether this is no table of styles at all; noted."""
        first = [cell.strip().lower() for cell in rows[0][1]]
        is_other = (
            self.data[:200].decode("latin-1").lower().lstrip("\xef\xbb\xbf \t\r\n").startswith(PAGE_STARTS)
        )
        if is_other or "name" in first or all(len(row) < 2 for _, row in rows):
            self._note(_unread(self.path, "its first row lacks the columns name, prompt, negative_prompt"))
            return True
        return False

    def _note(self, message: str) -> None:
        self.messages.append(message)
        self.is_plain = False


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


def _style(row: Sequence[str], places: Sequence[int], path: Path) -> Style:
    name, prompt, negative = [*(row[at] if at < len(row) else "" for at in places), ""][:3]
    return Style(name, prompt, negative, path)


def _unread(path: Path, reason: str) -> str:
    return (
        f"The styles in {path} were not read because {reason}. "
        f"Mend it, or put {path.name}.bak, the file as it was before the last change, in its place."
    )


def _put_style(file: StylesFile, style: Style) -> StylesFile:
    style = replace(style, path=file.path)
    known = [each.name for each in file.styles]
    if style.name not in known:
        return replace(file, styles=(*file.styles, style))
    # Of several with one name the last counts.
    last = len(known) - 1 - known[::-1].index(style.name)
    return replace(file, styles=(*file.styles[:last], style, *file.styles[last + 1 :]))


def _write(file: StylesFile) -> None:
    """Replace a file in one move, keeping the old one."""
    path = file.path
    if not path.parent.is_dir():
        raise StorageError(
            f"The styles could not be saved to {path}: there is no such folder. Make it first."
        )
    if is_there(path):
        if not is_regular(path):
            raise StorageError(f"The styles could not be saved to {path}: it is no file. Move it away.")
        try:
            with open_regular(path) as old:
                before = old.read()
        except OSError as error:
            raise StorageError(f"The styles could not be saved: {path} cannot be read. {error}.") from error
        if not file.is_plain:
            write_new(path.with_name(f"{path.name}.original"), before)
        write_atomically(path.with_name(f"{path.name}.bak"), before)
    write_atomically(path, table_of(file.styles))


def table_of(styles: Iterable[Style]) -> bytes:
    """Styles as A1111 writes them."""
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(COLUMNS)
    writer.writerows((style.name, style.prompt, style.negative_prompt) for style in styles)
    return table.getvalue().encode("utf-8-sig", errors="replace")


class StylesReader:
    """Reads the same files again and again, and tells the log what is wrong with them once."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """Reads nothing yet."""
        self._paths = tuple(paths)
        self._told: set[str] = set()

    def load(self) -> StylesFiles:
        """The files as they are now."""
        loaded = StylesFiles.load(self._paths)
        for message in loaded.messages:
            if message not in self._told:
                self._told.add(message)
                logger.warning("%s", message)
        return loaded
