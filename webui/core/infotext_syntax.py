"""How an infotext's fields are written and read, before any of them has a meaning.

Reading takes time in proportion to the length of the text.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, cast

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
TELLING_KEYS = frozenset(
    (
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
)
_OTHER_SEPARATORS = "|;\t·•"
PUNCTUATION = " \t\r\n,;|·•\uff0c\u3001"
# Shorter ones are smileys and the like.
SHORTEST_KEY = 2
_LINE_KEY = re.compile(r"[ \t]{0,8}(\w[\w \-/]{1,63}?) {0,2}[:\uff1a]")
_TELLING_INSIDE = re.compile(
    rf"(?<![\w-])({'|'.join(sorted(TELLING_KEYS, key=len, reverse=True))})\s?[:\uff1a=]", re.IGNORECASE
)

Pairs = list[tuple[str, str]]


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
    """Infotext from its three blocks, without fields that are None; a key equal to its value stands alone.

    Templates of prompts stand on lines of their own at the end, as their extension writes them.
    """
    pairs = (
        key if key == value else f"{key}: {encode_value(value)}"
        for key, value in fields.items()
        if value is not None and key not in TEMPLATE_KEYS
    )
    templates = "".join(
        f"\n{key}: {encode_template(str(fields[key]))}" for key in TEMPLATE_KEYS if fields.get(key)
    )
    negative = f"\n{NEGATIVE_PROMPT} {negative_prompt}" if negative_prompt else ""
    return f"{prompt}{negative}\n{', '.join(pairs)}{templates}".strip()


def encode_template(text: str) -> str:
    """A template as its line holds it: as it is, or as a JSON text where it has lines or is quoted itself."""
    is_plain = "\n" not in text and text == text.strip() and not (text.startswith('"') and text.endswith('"'))
    return text if is_plain else json.dumps(text, ensure_ascii=False)


def read_pairs(text: str) -> Pairs:
    """Keys and written values of a block of fields, whatever stands between them."""
    found = split_pairs(text, ",")
    if count_telling(found) >= FEWEST_FIELDS or not _TELLING_INSIDE.search(text):
        return found
    others = [split_pairs(text, separator) for separator in _OTHER_SEPARATORS if separator in text]
    return max([found, *others, _scan_pairs(text)], key=count_telling)


def split_pairs(text: str, separator: str) -> Pairs:
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
        values.setdefault(match[1], text[match.end() : end].strip(PUNCTUATION + "."))
    return list(values.items())


def count_telling(pairs: Iterable[tuple[str, str]]) -> int:
    """How many different keys there are that tell fields from a prompt."""
    return len({key.lower() for key, _ in pairs} & TELLING_KEYS)


def line_key(line: str) -> str:
    """What a line says it holds, in small letters; empty if it does not."""
    found = _LINE_KEY.match(line)
    return found[1].lower() if found else ""


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
