"""The marks of a prompt besides attention: AND, extra networks and comments, as A1111 1.10.1 reads them."""

import re
from dataclasses import dataclass

_AND = re.compile(r"\bAND\b")
_PART_WEIGHT = re.compile(r"[-+]?(?:\d+\.?|\d*\.\d+)")
_NETWORK = re.compile(r"<(\w+):([^>]+)>")
_COMMENT_LINE = re.compile(r"(?:^|\n)#[^\n]*(?:\n|$)")
_COMMENT_TAIL = re.compile(r"#[^\n]*(?:\n|$)")


@dataclass(frozen=True, slots=True)
class ExtraNetwork:
    """One `<kind:first:second:key=value>`; `arguments` are the pieces between colons as written."""

    kind: str
    arguments: tuple[str, ...]

    @property
    def positional(self) -> tuple[str, ...]:
        """The pieces that are not `key=value`."""
        return tuple(piece for piece in self.arguments if piece.count("=") != 1)

    @property
    def named(self) -> dict[str, str]:
        """The pieces that are `key=value`; the last of a name counts."""
        return dict(piece.split("=") for piece in self.arguments if piece.count("=") == 1)


@dataclass(frozen=True, slots=True)
class AndPart:
    """One side of an AND: its text, not yet scheduled, and its share of the guidance."""

    text: str
    weight: float


def split_and(prompt: str) -> tuple[AndPart, ...]:
    """Split at the word AND; a part may end in its weight: `a cat :1.2 AND a dog`."""
    return tuple(_weighted_part(part) for part in _AND.split(prompt))


def _weighted_part(part: str) -> AndPart:
    text = part.rstrip()
    before, colon, number = text.rpartition(":")
    number = number.lstrip()
    if colon and _PART_WEIGHT.fullmatch(number):
        return AndPart(before.rstrip(), float(number))
    return AndPart(text, 1.0)


def lift_networks(prompt: str) -> tuple[str, tuple[ExtraNetwork, ...]]:
    """The prompt without its `<kind:...>` marks, and those in the order written, repeats kept."""
    # Nothing after the last ">" is a network; leaving it out keeps thousands of unclosed "<a:" quick.
    end = prompt.rfind(">") + 1
    marked = prompt[:end]
    found = _NETWORK.findall(marked)
    networks = tuple(ExtraNetwork(kind, tuple(pieces.split(":"))) for kind, pieces in found)
    return _NETWORK.sub("", marked) + prompt[end:], networks


def strip_comments(prompt: str) -> str:
    """The prompt without text from `#` to the end of its line (option `enable_prompt_comments`)."""
    return _COMMENT_TAIL.sub("\n", _COMMENT_LINE.sub("\n", prompt))
