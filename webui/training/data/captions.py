"""Captions: read from files in whatever encoding they have, and as each epoch shows them."""

import codecs
import re
from collections.abc import Sequence
from pathlib import Path
from random import Random

from webui.store.files.regular_files import is_regular, read_regular
from webui.training.data.dataset import Rules

MAX_CAPTION_BYTES = 1_000_000
# Their bytes stand at the beginning of files that tell their encoding; UTF-32's begins as UTF-16's does.
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# In templates the caption stands here, as in A1111's.
CAPTION_PLACE = "[filewords]"
# Numbers that sort pictures, as in "00012-0-a cat"; A1111's [filewords] drops them too.
NUMBERS_AT_START = re.compile(r"^[-\d]+\s*")
# Control characters, marks of encodings, and halves of characters, which no file can hold.
NO_TEXT = re.compile("[\0-\x08\x0e-\x1f\x7f\ufeff\ud800-\udfff]")


def decode_text(data: bytes) -> str:
    """The text of a file of unknown encoding: as its mark says, UTF-8, else what Windows or Latin-1 has."""
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return data.decode(encoding, errors="replace")
    for encoding in ("utf-8", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def join_lines(text: str) -> str:
    """A caption as one line of characters that files can hold; the same again for what it gave."""
    lines = (line.strip() for line in text.splitlines())
    line = " ".join(line for line in lines if line)
    return NO_TEXT.sub("", line).strip()


def find_caption_file(picture: Path, suffixes: Sequence[str]) -> Path | None:
    """The caption file beside a picture: `a.txt`, or `a.png.txt` as some programs call it."""
    names = (name + suffix for suffix in suffixes for name in (picture.stem, picture.name))
    return next((path for name in names if is_regular(path := picture.with_name(name))), None)


def read_caption(path: Path) -> str:
    """The caption in a file. Raises OSError, for files beyond a megabyte too."""
    return join_lines(decode_text(read_regular(path, MAX_CAPTION_BYTES)))


def caption_of_name(picture: Path) -> str:
    """What a picture's name says of it, without numbers at the front, as A1111's [filewords] has it."""
    return NUMBERS_AT_START.sub("", picture.stem).strip()


def show_caption(caption: str, rules: Rules, random: Random, *, with_trigger: bool = True) -> str:
    """The caption as it is shown this time: some are left out, tags are shuffled and left out.

    The same `random` gives the same caption. The trigger is neither shuffled nor left out alone. Templates
    say the rest around it.
    """
    if random.random() < rules.caption_dropout:
        return ""
    front = [rules.trigger] if with_trigger and lacks(caption, rules.trigger) else []
    whole = " ".join(part for part in (rules.prefix, caption, rules.suffix) if part)
    if rules.shuffle or rules.tag_dropout > 0:
        fixed, loose, last = split_tags(whole, rules)
        if rules.shuffle:
            random.shuffle(loose)
        loose = [tag for tag in loose if random.random() >= rules.tag_dropout]
        whole = join_tags([*fixed, *loose, *last])
    elif rules.keep_separator:
        whole = join_tags([tag for part in split_tags(whole, rules) for tag in part])
    shown = join_tags([*front, whole] if whole else front)
    return put_in_template(shown, rules.templates, random) if rules.templates else shown


def put_in_template(caption: str, templates: Sequence[str], random: Random) -> str:
    """One of some templates, by chance, with the caption where it says so."""
    said = random.choice(templates).replace(CAPTION_PLACE, caption)
    return re.sub(r"\s+", " ", said).strip(" ,")


def lacks(caption: str, trigger: str) -> bool:
    """Whether the trigger is to be put before a caption."""
    return bool(trigger) and not re.search(rf"(?<!\w){re.escape(trigger)}(?!\w)", caption, re.IGNORECASE)


def split_tags(caption: str, rules: Rules) -> tuple[list[str], list[str], list[str]]:
    """The tags that stay at the front, those between, and those that stay at the end."""
    if rules.keep_separator and rules.keep_separator in caption:
        front, rest = caption.split(rules.keep_separator, 1)
        middle, _, last = rest.partition(rules.keep_separator)
        return tags_of(front), tags_of(middle), tags_of(last)
    tags = tags_of(caption)
    return tags[: rules.keep_tokens], tags[rules.keep_tokens :], []


def tags_of(caption: str) -> list[str]:
    """What stands between commas."""
    return [tag for part in caption.split(",") if (tag := part.strip())]


def join_tags(tags: Sequence[str]) -> str:
    """Tags as a caption."""
    return ", ".join(tags)
