"""Text files that arrive: styles, wildcards, infotext."""

from pathlib import Path

from webui.core.errors import UnusableFile
from webui.core.infotext import parse_fields
from webui.core.style import Style
from webui.library.intake.arrival import Arrival
from webui.store.files.staging import file_away
from webui.store.styles_file import StylesFiles

MAX_TEXT_BYTES = 20 * 2**20
# What an infotext always says.
MARKS = ("Steps", "Sampler", "Seed")


def read_text(path: Path) -> str | None:
    """The text of a file, None if it is no text."""
    if path.stat().st_size > MAX_TEXT_BYTES:
        return None
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def is_styles(text: str) -> bool:
    """Whether the first row names the columns of A1111's styles.csv."""
    columns = {column.strip(' "') for column in text.split("\n", 1)[0].strip().split(",")}
    return "name" in columns and bool({"prompt", "text"} & columns)


def is_infotext(text: str) -> bool:
    """Whether it tells how a picture was made."""
    if len(text) > 100_000:
        return False
    fields = parse_fields(text)
    return sum(mark in fields for mark in MARKS) >= 2


def add_styles(path: Path, files: tuple[Path, ...]) -> Arrival:
    """Take over the styles of a file: a style of the same name but another text gets a number."""
    arriving = StylesFiles.load([path]).styles
    if not arriving:
        # The sentence about our own styles.csv does not fit a file that has only come by.
        raise UnusableFile(f"{path.name} is no table of styles as A1111 writes it.")
    styles = StylesFiles.load(files)
    known_styles = {style.name: style for style in styles.styles}
    added: list[str] = []
    for style in arriving:
        name, number = style.name, 1
        while (known := known_styles.get(name)) is not None:
            if (known.prompt, known.negative_prompt) == (style.prompt, style.negative_prompt):
                break
            number += 1
            name = f"{style.name} ({number})"
        if known is None:
            known_styles[name] = Style(name, style.prompt, style.negative_prompt)
            styles = styles.with_style(known_styles[name])
            added.append(name)
    if added:
        styles.save()
    were = "was" if len(added) == 1 else "were"
    sentence = (
        f"{len(added)} of {len(arriving)} styles {were} added; the others are here already."
        if len(added) < len(arriving)
        else f"{len(added)} style{'' if len(added) == 1 else 's'} {were} added."
    )
    return Arrival(outcome="styles", name=path.name, sentence=sentence, added=tuple(added))


def add_wildcard(path: Path, folder: Path, relative: Path | None = None) -> Arrival:
    """File a list of phrases, one a line; an equal one that is there already stays alone."""
    wanted = folder / (relative or path.name)
    target, number = wanted, 1
    data = path.read_bytes()
    while True:
        if target.is_file() and target.read_bytes() == data:
            sentence = f"The wildcard {target.stem} is here already."
            return Arrival(outcome="duplicate", name=path.name, sentence=sentence)
        if file_away(path, target):
            name = target.relative_to(folder).with_suffix("").as_posix()
            sentence = f"The wildcard __{name}__ was filed."
            return Arrival(outcome="wildcard", name=path.name, sentence=sentence)
        target = wanted.with_name(f"{wanted.stem}-{number}{wanted.suffix}")
        number += 1
