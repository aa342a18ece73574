"""How an infotext is put together and taken apart, before any field has a meaning.

A1111's layout comes first: prompt, a line that begins with "Negative prompt:", and a last line of fields
between commas. Where a text has no such line, the layouts of other programs and of copying by hand are tried:
fields over several lines, between bars or semicolons, on one line with the prompts, or each on its own line.

Everything here takes time in proportion to the length of the text.
"""

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, cast

NEGATIVE_PROMPT = "Negative prompt:"
# Written by ourselves for pictures of other programs: what these hold in a way that is not understood.
NOT_READ = "Not read"
# A last line with fewer fields is the end of a prompt that happens to have colons.
FEWEST_FIELDS = 3
# Written by their extensions as JSON without quotes around it.
JSON_KEYS = ("Hashes", "Civitai resources", "Civitai metadata")
# Prompts before their wildcards were filled in: with commas, on lines of their own after the fields.
TEMPLATE_KEYS = ("Template", "Negative Template")
# Keys that tell a line of fields from a prompt with colons in it, in small letters.
TELLING_KEYS = (
    "steps",
    "sampling steps",
    "inference steps",
    "sampler",
    "sampling method",
    "schedule type",
    "scheduler",
    "cfg scale",
    "guidance scale",
    "seed",
    "size",
    "resolution",
    "width",
    "height",
    "model hash",
    "model",
    "base model",
    "stable diffusion model",
    "denoising strength",
    "clip skip",
    "vae",
)
_TELLING = frozenset(TELLING_KEYS)
_OTHER_SEPARATORS = "|;\t·•"
_PUNCTUATION = " \t\r\n,;|·•\uff0c\u3001"
# Shorter ones are smileys and the like.
SHORTEST_KEY = 2
_LINE_KEY = re.compile(r"[ \t]{0,8}(\w[\w \-/]{1,63}?) {0,2}[:\uff1a]")
_PROMPT_LABEL = re.compile(r"\A(?:positive prompt|prompt|positive)\s*[:\uff1a]", re.IGNORECASE)
_NEGATIVE_LABEL = re.compile(
    r"(?:negative prompt|negative|neg prompt|undesired content)\s*[:\uff1a]", re.IGNORECASE
)
_NEGATIVE_INSIDE = re.compile(r"\bnegative prompt\s*[:\uff1a]", re.IGNORECASE)
_TELLING_INSIDE = re.compile(
    rf"(?<![\w-])({'|'.join(sorted(TELLING_KEYS, key=len, reverse=True))})\s?[:\uff1a=]", re.IGNORECASE
)
_STEPS_INSIDE = re.compile(r"(?<![\w-])(?<!hires )steps\s?[:\uff1a=]", re.IGNORECASE)
_COUNTED = ("steps", "sampling steps", "inference steps", "seed")
_BREAK_TAG = re.compile(r"<br ?/?>\n?", re.IGNORECASE)
_ESCAPED_BREAK = re.compile(r"\\n(?:Negative prompt|Steps):")
# Keys as chats show them.
_BOLD_STEPS = re.compile(r"\*\*(?:sampling )?steps\s?(?::\*\*|\*\*:)", re.IGNORECASE)
_BOLD = re.compile(r"\*\*([\w \-/]{2,40}:?)\*\*")
# What only a text that was copied out of HTML source has: marks of LoRAs and quoted values that are escaped.
_ESCAPED = re.compile(r"&lt;(?:lora|lyco|hypernet):|: ?&quot;|&#39;|&#x27;", re.IGNORECASE)

Pairs = list[tuple[str, str]]


class Blocks(NamedTuple):
    """The parts of an infotext: both prompts, and the fields as they are written, quotes included."""

    prompt: str
    negative_prompt: str
    pairs: Pairs


def encode_value(value: object) -> object:
    """A value as a field holds it: unchanged, or as a JSON text if it has what ends fields or lines."""
    is_plain = not {",", ":", "\n"} & set(str(value))
    return value if is_plain else json.dumps(value, ensure_ascii=False)


def decode_value(written: str) -> str:
    """The text that `encode_value` was given; a text that is no whole JSON string stands for itself."""
    if not (written.startswith('"') and written.endswith('"')):
        return written
    try:
        return json.loads(written)
    except ValueError:
        return written


def join_fields(prompt: str, negative_prompt: str, fields: Mapping[str, object]) -> str:
    """Infotext from its three blocks, without fields that are None; a key equal to its value stands alone."""
    pairs = (
        key if key == value else f"{key}: {encode_value(value)}"
        for key, value in fields.items()
        if value is not None
    )
    negative = f"\n{NEGATIVE_PROMPT} {negative_prompt}" if negative_prompt else ""
    return f"{prompt}{negative}\n{', '.join(pairs)}".strip()


def split_infotext(text: str) -> Blocks:
    """Prompt, negative prompt and fields of a text in any layout; without fields it is all prompt."""
    lines = clean(text).strip().split("\n")
    start = _first_line_of_fields(lines)
    if start is None:
        return _split_labelled_lines(lines) or _split_one_line(lines) or Blocks(*_split_prompts(lines), [])
    above, (before, fields) = lines[:start], _split_off_prompt(lines[start])
    prompts = _split_prompts([*above, before] if before else above)
    block = "\n".join([fields, *lines[start + 1 :]])
    if before or len(_split_pairs(fields, ",")) < FEWEST_FIELDS:
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


def read_pairs(text: str) -> Pairs:
    """Keys and written values of a block of fields, whatever stands between them."""
    found = _split_pairs(text, ",")
    if _count_telling(found) >= FEWEST_FIELDS or not _TELLING_INSIDE.search(text):
        return found
    others = [_split_pairs(text, separator) for separator in _OTHER_SEPARATORS if separator in text]
    return max([found, *others, _scan_pairs(text)], key=_count_telling)


def _split_pairs(text: str, separator: str) -> Pairs:
    """Pairs between separators, which quoted values may hold; a line that begins with a key begins a pair."""
    found: Pairs = []
    position = 0
    while (colon := text.find(":", position)) >= 0:
        key = _key_before(text, position, colon)
        position = colon + 1
        if key:
            value, position = _value_after(text, position, separator, key)
            # A1111 keeps the spaces before its commas.
            found.append((key, value if separator == "," else value.strip()))
    return found


def _key_before(text: str, start: int, colon: int) -> str:
    """The longest key between two places that ends at the second; empty if there is none."""
    first = colon
    while first > start and (text[first - 1].isalnum() or text[first - 1] in "_ -/"):
        first -= 1
    key = text[first:colon].lstrip(" -/")
    return key if len(key) >= SHORTEST_KEY else ""


def _value_after(text: str, start: int, separator: str, key: str) -> tuple[str, int]:
    """A value as it is written, and where the next pair may begin."""
    while start < len(text) and text[start].isspace() and text[start] != "\n":
        start += 1
    if key in TEMPLATE_KEYS:
        end = text.find("\n", start)
        return (text[start:].strip(), len(text)) if end < 0 else (text[start:end].strip(), end + 1)
    end = _end_of_quoted(text, start) if text.startswith('"', start) else None
    if end is None and key in JSON_KEYS:
        end = _end_of_json(text, start)
    if end is not None and (end == len(text) or text[end] in (separator, "\n")):
        return text[start:end], end + 1
    return _plain_value(text, start, separator)


def _plain_value(text: str, start: int, separator: str) -> tuple[str, int]:
    """A value up to the separator, over line breaks that no key follows."""
    for mark in re.compile(rf"[\n{re.escape(separator)}]").finditer(text, start):
        if mark[0] == separator or _LINE_KEY.match(text, mark.end()):
            return text[start : mark.start()], mark.end()
    return text[start:], len(text)


def _end_of_quoted(text: str, start: int) -> int | None:
    """Where a quoted value is over; None if it is empty or its end is missing."""
    position = start + 1
    while (position := text.find('"', position)) >= 0:
        backslashes = 0
        while text[position - 1 - backslashes] == "\\":
            backslashes += 1
        if backslashes % 2 == 0:
            return position + 1 if position > start + 1 else None
        position += 1
    return None


def _end_of_json(text: str, start: int) -> int | None:
    """Where a JSON value is over; None if it is none."""
    if text[start : start + 1] not in ("{", "["):
        return None
    try:
        return json.JSONDecoder().raw_decode(text, start)[1]
    except (ValueError, RecursionError):
        return None


def _scan_pairs(text: str) -> Pairs:
    """Pairs of the keys that every program has, where nothing certain stands between them."""
    found = list(_TELLING_INSIDE.finditer(text))
    ends = [match.start() for match in found[1:]] + [len(text)]
    values: dict[str, str] = {}
    for match, end in zip(found, ends, strict=True):
        # The first counts: "Variation seed" ends like "Seed".
        values.setdefault(match[1], text[match.end() : end].strip(_PUNCTUATION + "."))
    return list(values.items())


def _count_telling(pairs: Iterable[tuple[str, str]]) -> int:
    return len({key.lower() for key, _ in pairs} & _TELLING)


def _first_line_of_fields(lines: list[str]) -> int | None:
    """Where the block of fields begins: the last line, or a line above that begins with "Steps:"."""
    last = len(lines) - 1
    steps = next((at for at in range(last, -1, -1) if lines[at].lstrip().startswith("Steps:")), None)
    if steps is not None and _count_telling(read_pairs("\n".join(lines[steps:]))) >= FEWEST_FIELDS:
        return steps
    if len(_split_pairs(lines[last], ",")) >= FEWEST_FIELDS:
        return last
    every = (at for at in range(last, -1, -1) if lines[at].count(":") >= FEWEST_FIELDS)
    return next((at for at in every if _tells_numbers(read_pairs(lines[at]))), None)


def _split_off_prompt(line: str) -> tuple[str, str]:
    """What of a line of fields is prompt: text without a colon before "Steps:". Then the fields."""
    found = _STEPS_INSIDE.search(line)
    before = line[: found.start()].strip(_PUNCTUATION) if found else ""
    if not found or not before or _line_key(before) in _TELLING:
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
    if sum(_line_key(line) in _TELLING for line in lines) < FEWEST_FIELDS:
        return None
    prompts: tuple[list[str], list[str]] = ([], [])
    pairs: Pairs = []
    # Where lines go that do not say what they hold; fields have none.
    block: list[str] | None = prompts[0]
    for line in map(str.strip, lines):
        key = _line_key(line)
        if label := _NEGATIVE_LABEL.match(line) or _PROMPT_LABEL.match(line):
            block = prompts[label.re is _NEGATIVE_LABEL]
            block.append(line[label.end() :].strip())
        elif key in _TELLING or (block is None and key):
            block = None
            pairs += read_pairs(line)
        elif block is not None:
            block.append(line)
    positive, negative = ("\n".join(block).strip() for block in prompts)
    return Blocks(positive, negative, pairs) if _tells_numbers(pairs) else None


def _tells_numbers(pairs: Pairs) -> bool:
    """Whether pairs are of an infotext, and not of a prompt with many colons."""
    counts = (value.strip()[:1].isdigit() for key, value in pairs if key.lower() in _COUNTED)
    return _count_telling(pairs) >= FEWEST_FIELDS and any(counts)


def _line_key(line: str) -> str:
    """What a line says it holds, in small letters; empty if it does not."""
    found = _LINE_KEY.match(line)
    return found[1].lower() if found else ""


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
        yield line[: found.start()].strip(_PUNCTUATION)
        yield f"{NEGATIVE_PROMPT} {line[found.end() :].strip()}"


def as_json_object(text: str) -> dict[str, Any] | None:
    """The object that a JSON text holds; None for other texts."""
    if not text.lstrip("\ufeff \t\r\n").startswith("{"):
        return None
    try:
        found = json.loads(text.lstrip("\ufeff \t\r\n").rstrip("\0 \t\r\n"))
    except (ValueError, RecursionError):
        return None
    # Keys of JSON objects are texts.
    return cast(dict[str, Any], found) if isinstance(found, dict) else None
