"""A tagger's list of tags, which of them are taken for a picture, and how they are written."""

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from webui.core.errors import UnusableFile
from webui.core.events import ScoredTag
from webui.core.work.caption_request import CaptionOptions
from webui.store.files.regular_files import read_regular

MAX_BYTES, MOST_TAGS, LONGEST_TAG = 32_000_000, 500_000, 500
Category = Literal["general", "character", "rating"]
# Danbooru's numbers of categories: 4 are characters, 9 is how a picture is rated; 0 and all others describe.
CATEGORIES: dict[str, Category] = {"4": "character", "9": "rating"}
# Faces made of signs, whose underscores stand for something.
FACES = frozenset({
    "0_0", "(o)_(o)", "+_+", "+_-", "._.", "<o>_<o>", "<|>_<|>", "=_=", ">_<", "3_3", "6_9", ">_o", "@_@",
    "^_^", "o_o", "u_u", "x_x", "|_|", "||_||",
})  # fmt: skip
BRACKETS = re.compile(r"([\\()])")


@dataclass(frozen=True, slots=True)
class Tag:
    """One line of the list."""

    name: str
    category: Category


def read_tags(path: Path) -> tuple[Tag, ...]:
    """The tags of `selected_tags.csv` in their order: the network's outputs. Raises UnusableFile."""
    try:
        text = read_regular(path, MAX_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnusableFile(
            f"{path.name} is not in UTF-8, so it cannot be read. Download it again, or save it as UTF-8."
        ) from error
    except OSError as error:
        raise UnusableFile(f"{path.name} cannot be read: {error.strerror or error}.") from error
    try:
        rows = list(csv.DictReader(text.splitlines()))
    except csv.Error as error:
        raise UnusableFile(f"{path.name} is no table of tags: {error}. Download it again.") from error
    tags = tuple(
        Tag(row["name"].strip(), CATEGORIES.get(str(row.get("category") or "").strip(), "general"))
        for row in rows
        if row.get("name")
    )
    if not tags or len(tags) != len(rows) or len(tags) > MOST_TAGS or is_odd(tags):
        raise UnusableFile(
            f"{path.name} is no table of tags with the columns name and category. Download it again."
        )
    return tags


def is_odd(tags: Iterable[Tag]) -> bool:
    """Whether one of the tags is longer than any tag is."""
    return any(len(tag.name) > LONGEST_TAG for tag in tags)


def choose_tags(tags: Sequence[Tag], scores: Sequence[float], options: CaptionOptions) -> list[ScoredTag]:
    """Tags with at least the score of their category, the highest first; equal ones in the list's order.

    Ratings are left out, and so is what the options leave out, in either spelling.
    """
    left_out = {underscored(word) for word in options.left_out.split(",")}
    thresholds = {"general": options.general_threshold, "character": options.character_threshold}
    chosen = [
        ScoredTag(tag=tag.name, score=score, category=tag.category)
        for tag, score in zip(tags, scores, strict=True)
        if tag.category != "rating" and score >= thresholds[tag.category]
    ]
    kept = [each for each in chosen if underscored(each.tag) not in left_out]
    return sorted(kept, key=lambda each: -each.score)


def underscored(word: str) -> str:
    """A tag as lists spell it, to compare."""
    return word.strip().casefold().replace(" ", "_")


def write_tags(tags: Sequence[ScoredTag], options: CaptionOptions) -> str:
    """Tags as one line, with commas between them."""
    ordered = sorted(tags, key=lambda each: each.tag) if options.order == "alphabet" else tags
    return ", ".join(write_tag(each, options) for each in ordered)


def write_tag(tag: ScoredTag, options: CaptionOptions) -> str:
    """A tag as the options want it."""
    text = tag.tag
    if options.use_spaces and text not in FACES:
        text = text.replace("_", " ")
    if options.escape_brackets:
        text = BRACKETS.sub(r"\\\1", text)
    return f"({text}:{tag.score:.3f})" if options.with_scores else text
