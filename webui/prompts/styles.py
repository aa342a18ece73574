"""Named prompt presets in A1111's styles.csv: load, apply, save, and find again in a finished prompt.

A file is UTF-8 with a byte-order mark and has the columns name, prompt, negative_prompt (very old ones: name,
text). Rows whose name starts with # are comments.
"""

import csv
import io
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from webui.core.errors import InvalidRequest, StorageError, UnusableFile

PLACEHOLDER = "{prompt}"
# Five times as long as prompts may be.
MAX_CHARACTERS = 1_000_000
COLUMNS = ("name", "prompt", "negative_prompt")
# The width of A1111's line between the styles of one file and the next.
_DIVIDER_WIDTH = 40


@dataclass(frozen=True, slots=True)
class Style:
    """A preset; `path` is the file it lives in, or None for the default file."""

    name: str
    prompt: str = ""
    negative_prompt: str = ""
    path: Path | None = None


@dataclass(frozen=True, slots=True)
class ExtractedStyles:
    """Styles found in a prompt, in the order to apply them, and the prompts without them."""

    names: tuple[str, ...]
    prompt: str
    negative_prompt: str


@dataclass(frozen=True)
class Styles:
    """All presets of one or several files; a later style replaces an earlier one of its name."""

    files: tuple[Path, ...]
    styles: tuple[Style, ...] = ()

    @classmethod
    def load(cls, paths: Sequence[Path]) -> "Styles":
        """Read every file; a file name may hold `*` and `?`. Files that do not exist are empty.

        New styles go to the first file. Raises UnusableFile for a file that is no table of styles.
        """
        files = _found(paths)
        by_name = {style.name: style for file in files if file.is_file() for style in _read(file)}
        return cls(files, tuple(by_name.values()))

    @property
    def names(self) -> tuple[str, ...]:
        """The names, in the order of the files."""
        return tuple(style.name for style in self.styles)

    @property
    def listed_names(self) -> tuple[str, ...]:
        """The names for a list to pick from; with several files, a line with its name stands above each."""
        if len(self.files) < 2:
            return self.names
        listed: list[str] = []
        for file in self.files:
            listed.append(f" {file.stem.upper()} ".center(_DIVIDER_WIDTH, "-"))
            listed += (style.name for style in self.styles if self._file_of(style) == file)
        return tuple(listed)

    def find(self, name: str) -> Style | None:
        """The style of that very name."""
        return next((style for style in self.styles if style.name == name), None)

    def apply(self, prompt: str, names: Iterable[str]) -> str:
        """The prompt with styles joined on, in order; unknown names add nothing."""
        for name in names:
            style = self.find(name)
            prompt = _merged(style.prompt if style else "", prompt)
        return prompt

    def apply_negative(self, negative_prompt: str, names: Iterable[str]) -> str:
        """The negative prompt with styles joined on, in order; unknown names add nothing."""
        for name in names:
            style = self.find(name)
            negative_prompt = _merged(style.negative_prompt if style else "", negative_prompt)
        return negative_prompt

    def extract(self, prompt: str, negative_prompt: str) -> ExtractedStyles:
        """Take styles off finished prompts, outermost first, as long as one fits both; each style once."""
        names: list[str] = []
        remaining = [style for style in self.styles if style.prompt or style.negative_prompt]
        while True:
            for style in remaining:
                inner = _without(style.prompt, prompt)
                inner_negative = _without(style.negative_prompt, negative_prompt)
                if inner is not None and inner_negative is not None:
                    break
            else:
                return ExtractedStyles(tuple(reversed(names)), prompt, negative_prompt)
            prompt, negative_prompt = inner, inner_negative
            remaining.remove(style)
            names.append(style.name)

    def with_style(self, style: Style) -> "Styles":
        """A copy with a style added, or replaced in its place if the name is taken."""
        if self.find(style.name) is None:
            return Styles(self.files, (*self.styles, style))
        return Styles(self.files, tuple(style if old.name == style.name else old for old in self.styles))

    def without_style(self, name: str) -> "Styles":
        """A copy without the style of that name, if there was one."""
        return Styles(self.files, tuple(style for style in self.styles if style.name != name))

    def save(self) -> None:
        """Write every file whose styles changed; what stood there before is kept beside it as `.bak`."""
        for file in self.files:
            styles = [style for style in self.styles if self._file_of(style) == file]
            is_unchanged = _read(file) == styles if file.is_file() else not styles
            if not is_unchanged:
                _write(file, styles)

    def _file_of(self, style: Style) -> Path:
        return style.path or self.files[0]


def _found(paths: Sequence[Path]) -> tuple[Path, ...]:
    """The files meant, without repeats; patterns stand for the files they match."""
    files: list[Path] = []
    for index, path in enumerate(paths):
        if "*" not in path.name and "?" not in path.name:
            files.append(path)
            continue
        matches = sorted(path.parent.glob(path.name))
        files += matches or ([path.parent / "styles.csv"] if index == 0 else [])
    return tuple(dict.fromkeys(files))


def _read(file: Path) -> list[Style]:
    try:
        text = file.read_bytes().decode("utf-8-sig")
        table = csv.DictReader(io.StringIO(text, newline=""), skipinitialspace=True)
        rows = list(table)
    except OSError as error:
        raise StorageError(f"The styles in {file} could not be read: {error.strerror}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnusableFile(_not_styles(file, "it is not a CSV table in UTF-8")) from error
    columns = table.fieldnames or []
    if columns and ("name" not in columns or not {"prompt", "text"} & set(columns)):
        raise UnusableFile(_not_styles(file, "its first row lacks the columns name, prompt, negative_prompt"))
    return [_style(row, file) for row in rows if row["name"] and not row["name"].startswith("#")]


def _style(row: dict[str, str | None], file: Path) -> Style:
    prompt = row["prompt"] if "prompt" in row else row["text"]
    return Style(row["name"] or "", prompt or "", row.get("negative_prompt") or "", file)


def _not_styles(file: Path, reason: str) -> str:
    return (
        f"The styles in {file} were not read because {reason}. "
        f"Mend it, or put {file.name}.bak, the file as it was before the last change, in its place."
    )


def _write(file: Path, styles: Iterable[Style]) -> None:
    """Replace a file in one move, keeping the old one as `.bak`."""
    fresh = file.with_name(file.name + ".tmp")
    try:
        with fresh.open("w", encoding="utf-8-sig", newline="") as table:
            writer = csv.writer(table)
            writer.writerow(COLUMNS)
            writer.writerows((style.name, style.prompt, style.negative_prompt) for style in styles)
            table.flush()
            os.fsync(table.fileno())
        if file.exists():
            shutil.copy2(file, file.with_name(file.name + ".bak"))
        fresh.replace(file)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise StorageError(
            f"The styles could not be saved to {file}: {error.strerror}. The old file was left."
        ) from error


def _merged(style_prompt: str, prompt: str) -> str:
    if PLACEHOLDER in style_prompt:
        # One that repeats the prompt doubles it each time it is named.
        if len(style_prompt) + style_prompt.count(PLACEHOLDER) * len(prompt) > MAX_CHARACTERS:
            raise InvalidRequest(
                f"The chosen styles make a prompt of more than {MAX_CHARACTERS:,} characters. Choose fewer."
            )
        return style_prompt.replace(PLACEHOLDER, prompt)
    return ", ".join(text for text in (prompt.strip(), style_prompt.strip()) if text)


def _without(style_prompt: str, prompt: str) -> str | None:
    """The prompt a style was applied to, or None if it was not applied."""
    prompt, style_prompt = prompt.strip(), style_prompt.strip()
    before, placeholder, after = style_prompt.partition(PLACEHOLDER)
    if not placeholder:
        return prompt.removesuffix(style_prompt).removesuffix(", ") if prompt.endswith(style_prompt) else None
    # A style that repeats the prompt cannot be told apart from it, so it is never found.
    if PLACEHOLDER in after or not (prompt.startswith(before) and prompt.endswith(after)):
        return None
    return prompt[len(before) : len(prompt) - len(after)]
