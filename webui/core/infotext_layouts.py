"""Prompts and fields out of a text in any layout.

A1111's layout comes first: prompt, a line that begins with "Negative prompt:", and a last line of fields
between commas. Where a text has no such line, the layouts of other programs and of copying by hand are tried:
fields over several lines, between bars or semicolons, on one line with the prompts, or each on its own line.

Everything here takes time in proportion to the length of the text.
"""

import html
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from webui.core.infotext_syntax import (
    FEWEST_FIELDS,
    NEGATIVE_PROMPT,
    PUNCTUATION,
    TELLING_KEYS,
    Pairs,
    count_telling,
    line_key,
    read_pairs,
    split_pairs,
)

_PROMPT_LABEL = re.compile(r"\A(?:positive prompt|prompt|positive)\s*[:\uff1a]", re.IGNORECASE)
_NEGATIVE_LABEL = re.compile(
    r"(?:negative prompt|negative|neg prompt|undesired content)\s*[:\uff1a]", re.IGNORECASE
)
_NEGATIVE_INSIDE = re.compile(r"\bnegative prompt\s*[:\uff1a]", re.IGNORECASE)
_STEPS_INSIDE = re.compile(r"(?<![\w-])(?<!hires )steps\s?[:\uff1a=]", re.IGNORECASE)
_COUNTED = ("steps", "sampling steps", "inference steps", "seed")
_BREAK_TAG = re.compile(r"<br ?/?>\n?", re.IGNORECASE)
_ESCAPED_BREAK = re.compile(r"\\n(?:Negative prompt|Steps):")
# Keys as chats show them.
_BOLD_STEPS = re.compile(r"\*\*(?:sampling )?steps\s?(?::\*\*|\*\*:)", re.IGNORECASE)
_BOLD = re.compile(r"\*\*([\w \-/]{2,40}:?)\*\*")
# What only a text that was copied out of HTML source has: marks of LoRAs and quoted values that are escaped.
_ESCAPED = re.compile(r"&lt;(?:lora|lyco|hypernet):|: ?&quot;|&#39;|&#x27;", re.IGNORECASE)


class Blocks(NamedTuple):
    """The parts of an infotext: both prompts, and the fields as they are written, quotes included."""

    prompt: str
    negative_prompt: str
    pairs: Pairs


def split_infotext(text: str) -> Blocks:
    """Prompt, negative prompt and fields of a text in any layout; without fields it is all prompt."""
    lines = clean(text).strip().split("\n")
    start = _first_line_of_fields(lines)
    if start is None:
        return _split_labelled_lines(lines) or _split_one_line(lines) or Blocks(*_split_prompts(lines), [])
    above, (before, fields) = lines[:start], _split_off_prompt(lines[start])
    prompts = _split_prompts([*above, before] if before else above)
    block = "\n".join([fields, *lines[start + 1 :]])
    if before or len(split_pairs(fields, ",")) < FEWEST_FIELDS:
        # Nobody who writes fields like this means the word to be part of the prompt.
        prompts = _PROMPT_LABEL.sub("", prompts[0], count=1).strip(), prompts[1]
    return Blocks(*prompts, read_pairs(block))


def clean(text: str) -> str:
    """The text with plain line breaks, and without the traces of byte order marks, HTML and NULs."""
    text = text.lstrip("\ufeff\ufffe").replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    if _ESCAPED.search(text):
        text = html.unescape(text)
    if _BOLD_STEPS.search(text):
        text = _BOLD.sub(r"\1", text)
    if "\n" in text.strip():
        return text
    # Copied out of a JSON text or of HTML source.
    text = text.replace("\\n", "\n") if _ESCAPED_BREAK.search(text) else text
    return _BREAK_TAG.sub("\n", text)


def _first_line_of_fields(lines: list[str]) -> int | None:
    """Where the block of fields begins: the last line, or a line above that begins with "Steps:"."""
    last = len(lines) - 1
    steps = next((at for at in range(last, -1, -1) if lines[at].lstrip().startswith("Steps:")), None)
    if steps is not None and count_telling(read_pairs("\n".join(lines[steps:]))) >= FEWEST_FIELDS:
        return steps
    if len(split_pairs(lines[last], ",")) >= FEWEST_FIELDS:
        return last
    every = (at for at in range(last, -1, -1) if lines[at].count(":") >= FEWEST_FIELDS)
    return next((at for at in every if _tells_numbers(read_pairs(lines[at]))), None)


def _split_off_prompt(line: str) -> tuple[str, str]:
    """What of a line of fields is prompt: text without a colon before "Steps:". Then the fields."""
    found = _STEPS_INSIDE.search(line)
    before = line[: found.start()].strip(PUNCTUATION) if found else ""
    if not found or not before or line_key(before) in TELLING_KEYS:
        return "", line
    is_prompt = _NEGATIVE_INSIDE.search(before) or any(":" not in piece for piece in before.split(","))
    return (before, line[found.start() :]) if is_prompt else ("", line)


def _split_one_line(lines: list[str]) -> Blocks | None:
    """A text whose last line has fields after a prompt, with other separators than commas."""
    before, fields = _split_off_prompt(lines[-1])
    pairs = read_pairs(fields)
    if not _tells_numbers(pairs):
        return None
    return Blocks(*_split_prompts([*lines[:-1], before] if before else lines[:-1]), pairs)


def _split_labelled_lines(lines: list[str]) -> Blocks | None:
    """A text of lines that each begin with what they hold, in any order."""
    if sum(line_key(line) in TELLING_KEYS for line in lines) < FEWEST_FIELDS:
        return None
    prompts: tuple[list[str], list[str]] = ([], [])
    pairs: Pairs = []
    # Where lines go that do not say what they hold; fields have none.
    block: list[str] | None = prompts[0]
    for line in map(str.strip, lines):
        key = line_key(line)
        if label := _NEGATIVE_LABEL.match(line) or _PROMPT_LABEL.match(line):
            block = prompts[label.re is _NEGATIVE_LABEL]
            block.append(line[label.end() :].strip())
        elif key in TELLING_KEYS or (block is None and key):
            block = None
            pairs += read_pairs(line)
        elif block is not None:
            block.append(line)
    positive, negative = ("\n".join(block).strip() for block in prompts)
    return Blocks(positive, negative, pairs) if _tells_numbers(pairs) else None


def _tells_numbers(pairs: Pairs) -> bool:
    """Whether pairs are of an infotext, and not of a prompt with many colons."""
    counts = (value.strip()[:1].isdigit() for key, value in pairs if key.lower() in _COUNTED)
    return count_telling(pairs) >= FEWEST_FIELDS and any(counts)


def _split_prompts(lines: Iterable[str]) -> tuple[str, str]:
    """Prompt and negative prompt, which begins where a line says so, or else where one does in the middle."""
    prompts: tuple[list[str], list[str]] = ([], [])
    is_negative = False
    for line in _with_negative_apart(list(lines)):
        if line.lower().startswith(NEGATIVE_PROMPT.lower()):
            is_negative = True
            line = line[len(NEGATIVE_PROMPT) :].strip()  # noqa: PLW2901 - the rest of that very line
        block = prompts[is_negative]
        # Blank lines before a prompt are no part of it.
        if block or line:
            block.append(line)
    return "\n".join(prompts[0]), "\n".join(prompts[1])


def _with_negative_apart(lines: list[str]) -> Iterator[str]:
    """The lines without spaces around; if none begins with the negative prompt, it is set apart."""
    stripped = [line.strip() for line in lines]
    if any(line.lower().startswith(NEGATIVE_PROMPT.lower()) for line in stripped):
        yield from stripped
        return
    is_apart = False
    for line in stripped:
        found = None if is_apart else _NEGATIVE_INSIDE.search(line)
        if found is None:
            yield line
            continue
        is_apart = True
        yield line[: found.start()].strip(PUNCTUATION)
        yield f"{NEGATIVE_PROMPT} {line[found.end() :].strip()}"
