"""What the data-set desk does to many captions at once. Tags are what stands between commas."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from webui.core.errors import InvalidRequest
from webui.training.data.captions import join_lines, join_tags, tags_of

Action = Literal["add", "add_front", "remove", "replace", "reorder", "dedupe"]
ACTIONS: tuple[Action, ...] = get_args(Action)


@dataclass(frozen=True, slots=True)
class CaptionEdit:
    """`text` are the tags that it is about, `replacement` what `replace` puts there.

    `reorder` puts the tags of `text` at the front, in their order; without text, the most frequent tags.
    """

    action: Action
    text: str = ""
    replacement: str = ""


def edit_captions(captions: Mapping[str, str], edit: CaptionEdit) -> dict[str, str]:
    """The captions that an edit changes, by the same names. Raises InvalidRequest without a text."""
    tags = tags_of(join_lines(edit.text))
    if not tags and edit.action not in ("reorder", "dedupe"):
        raise InvalidRequest("There is no tag to work on. Type one, or several with commas between them.")
    change = make_change(edit, tags, captions.values())
    changed = {name: change(caption) for name, caption in captions.items()}
    return {name: caption for name, caption in changed.items() if caption != captions[name]}


def make_change(edit: CaptionEdit, tags: list[str], captions: Iterable[str]) -> Callable[[str], str]:
    """What an edit makes of one caption."""
    if edit.action == "add":
        return lambda caption: join_tags([*tags_of(caption), *without(tags, tags_of(caption))])
    if edit.action == "add_front":
        return lambda caption: join_tags([*without(tags, tags_of(caption)), *tags_of(caption)])
    if edit.action == "remove":
        return lambda caption: remove(caption, tags)
    if edit.action == "replace":
        return lambda caption: replace(caption, join_lines(edit.text).strip(), join_lines(edit.replacement))
    if edit.action == "dedupe":
        return drop_repeats
    order = tags or [tag for tag, _ in count_tags(captions)]
    return lambda caption: reorder(caption, order)


def count_tags(captions: Iterable[str]) -> list[tuple[str, int]]:
    """How many captions have each tag, the most frequent first."""
    counts = Counter(tag for caption in captions for tag in dict.fromkeys(tags_of(caption)))
    return sorted(counts.items(), key=lambda each: (-each[1], each[0]))


def without(tags: Iterable[str], others: Iterable[str]) -> list[str]:
    """The tags that are not among others, whatever their capitals."""
    taken = {tag.casefold() for tag in others}
    return [tag for tag in tags if tag.casefold() not in taken]


def remove(caption: str, tags: list[str]) -> str:
    """The caption without some tags; untouched if it has none of them."""
    kept = without(tags_of(caption), tags)
    return caption if len(kept) == len(tags_of(caption)) else join_tags(kept)


def replace(caption: str, text: str, replacement: str) -> str:
    """The caption with other tags in place of one; where no tag is just that, of words in a sentence."""
    old, new = tags_of(caption), tags_of(replacement)
    if any(tag.casefold() == text.casefold() for tag in old):
        return join_tags(
            [each for tag in old for each in (new if tag.casefold() == text.casefold() else [tag])]
        )
    pattern = rf"(?<!\w){re.escape(text)}(?!\w)"
    return join_lines(re.sub(pattern, lambda _: replacement, caption))


def drop_repeats(caption: str) -> str:
    """The caption with each tag once, at its first place; untouched if none comes twice."""
    tags = tags_of(caption)
    first: dict[str, str] = {}
    for tag in tags:
        first.setdefault(tag.casefold(), tag)
    return caption if len(first) == len(tags) else join_tags(list(first.values()))


def reorder(caption: str, order: list[str]) -> str:
    """The caption with some tags at the front, in that order; the others stay as they follow each other."""
    places = {tag.casefold(): place for place, tag in reversed(list(enumerate(order)))}
    tags = tags_of(caption)
    moved = sorted(tags, key=lambda tag: places.get(tag.casefold(), len(places) + len(tags)))
    return caption if moved == tags else join_tags(moved)
