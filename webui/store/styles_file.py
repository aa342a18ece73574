"""The files of styles: several may be given, each style stays in its own, and a change never loses a row."""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path

from webui.core.errors import Busy, StorageError
from webui.core.style import Style
from webui.store.files.atomic import write_atomically, write_new
from webui.store.files.regular_files import is_regular, is_there, open_regular, read_regular, regular_files
from webui.store.styles_table import Table, read_table, unread

logger = logging.getLogger(__name__)

MAX_BYTES = 20 * 2**20


@dataclass(frozen=True, slots=True)
class StylesFile:
    """One file as it was read. `messages` say what is wrong with it; `is_plain`: writing it loses nothing.

    `digest` is of the bytes that were read, empty where there is no file or none that can be read.
    """

    path: Path
    table: Table = field(default_factory=Table)
    messages: tuple[str, ...] = ()
    is_plain: bool = True
    digest: str = ""

    @property
    def styles(self) -> tuple[Style, ...]:
        """The styles in the order of the file; of several with one name the last counts."""
        return tuple(replace(style, path=self.path) for _, style in self.table.styles())

    def find(self, name: str) -> int | None:
        """The row of the style of that name."""
        return next((at for at, style in reversed(list(self.table.styles())) if style.name == name), None)


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
    def version(self) -> str:
        """What changes with anything in the files."""
        parts = (f"{file.path}\0{file.digest}" for file in self.files)
        return digest_of("\n".join(parts).encode("utf-8", errors="surrogatepass"))

    @property
    def messages(self) -> tuple[str, ...]:
        """What is wrong with the files, in sentences."""
        return tuple(message for file in self.files for message in file.messages)

    def find(self, name: str) -> Style | None:
        """The style of that name, with the file it lies in."""
        return next((style for style in self.styles if style.name == name), None)

    def file_of(self, path: Path | None) -> StylesFile:
        """The file at a path, else the first."""
        return next((file for file in self.files if file.path == path), self.files[0])

    def with_style(self, style: Style, old_name: str | None = None) -> "StylesFiles":
        """A copy with a style added, or put in the place of the one of that name, or of `old_name`."""
        known = self.find(old_name or style.name)
        file = self.file_of(known.path if known else style.path)
        return self._with_table(file, file.table.with_style(style, file.find(known.name) if known else None))

    def without(self, style: Style) -> tuple["StylesFiles", tuple[str, ...], int]:
        """A copy without one of the styles, the cells of its row, and where that stood."""
        file = self.file_of(style.path)
        at = file.find(style.name)
        assert at is not None
        return self._with_table(file, file.table.without_row(at)), file.table.rows[at].cells or (), at

    def with_row(self, path: Path, cells: Sequence[str], at: int) -> "StylesFiles":
        """A copy with a row of that file put back."""
        file = self.file_of(path)
        return self._with_table(file, file.table.with_row(at, cells))

    def save(self) -> None:
        """Write every file that was changed. Raises StorageError, and Busy if somebody else changed it.

        What stood there before is kept beside it as `.bak`; a file of which something could not be read also
        as `.original`, which is never replaced.
        """
        for file in self.files:
            if file.path in self.changed:
                _write(file)

    def _with_table(self, file: StylesFile, table: Table) -> "StylesFiles":
        files = tuple(replace(each, table=table) if each is file else each for each in self.files)
        return StylesFiles(files, self.changed | {file.path})


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
        return StylesFile(
            path, messages=(unread(path, "it is no file"),) if there else (), is_plain=not there
        )
    try:
        data = read_regular(path, MAX_BYTES)
    except OSError as error:
        message = unread(path, f"it cannot be read: {error.strerror or error}")
        return StylesFile(path, messages=(message,), is_plain=False)
    reading = read_table(path, data)
    return StylesFile(path, reading.table, reading.messages, reading.is_plain, digest_of(data))


def digest_of(data: bytes) -> str:
    """What tells one content of a file from another."""
    return hashlib.sha256(data).hexdigest()


def _write(file: StylesFile) -> None:
    """Replace a file in one move, keeping the old one. A link stays a link."""
    path = file.path.resolve() if is_regular(file.path) else file.path
    if not path.parent.is_dir():
        raise StorageError(
            f"The styles could not be saved to {path}: there is no such folder. Make it first."
        )
    if is_there(path):
        before = _content_before(path)
        if file.messages and not file.digest:
            raise StorageError(f"The styles could not be saved. {' '.join(file.messages)}")
        if file.digest != digest_of(before):
            raise Busy(f"{path.name} was changed by somebody else in the meantime. Try again.")
        if not file.is_plain:
            write_new(path.with_name(f"{path.name}.original"), before)
        write_atomically(path.with_name(f"{path.name}.bak"), before)
    write_atomically(path, file.table.encode())


def _content_before(path: Path) -> bytes:
    """The bytes of a file that is to be replaced. Raises StorageError for what is none."""
    if not is_regular(path):
        raise StorageError(f"The styles could not be saved to {path}: it is no file. Move it away.")
    try:
        with open_regular(path) as old:
            return old.read()
    except OSError as error:
        raise StorageError(f"The styles could not be saved: {path} cannot be read. {error}.") from error


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
