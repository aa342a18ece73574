"""File and folder names after A1111's patterns, such as `[seed]-[prompt_words]`.

Facts from A1111 1.10.1. Beyond it, every value is sanitised (a user's name may hold a separator), names are
cut to what file systems take, and names that Windows keeps for itself are avoided.
"""

import hashlib
import re
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from PIL.Image import Image

from webui.core.request import GenerationRequest
from webui.core.sampling import effective_schedule

MAX_PART_CHARACTERS = 128
# Common file systems take 255 bytes; the rest is for a number, a suffix and the file type.
MAX_NAME_BYTES = 220
DEFAULT_TIME = "%Y%m%d%H%M%S"
DEFAULT_WORDS = 8

PATTERN = re.compile(r"\[([^\[\]]+)\]")
NOT_LETTERS = re.compile(rf"[\s{re.escape(string.punctuation)}]+")
INVALID_IN_VALUES = re.compile(r'[#<>:"/\\|?*\x00-\x1f\x7f\ud800-\udfff]')
INVALID_IN_NAMES = re.compile(r'[<>:"|?*\x00-\x1f\x7f\ud800-\udfff]')
RESERVED_BY_WINDOWS = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)", re.IGNORECASE)


class Nothing(Enum):
    """What a pattern answers that has nothing to say: the text before it goes too."""

    AND_SKIP_PREVIOUS_TEXT = 0


Value = str | int | float | Nothing | None


@dataclass(frozen=True, slots=True)
class NameFacts:
    """What the patterns may tell of a picture. Where a fact is None its pattern stays as it was written.

    `index` counts over the run. `style_prompts` are the styles' texts, for `[prompt_no_styles]`.
    `started` is when the job began, `now` when the name is made (None: the clock's time).
    """

    request: GenerationRequest | None = None
    seed: int | None = None
    index: int = 0
    model_name: str | None = None
    model_hash: str | None = None
    vae_name: str | None = None
    denoising_strength: float | None = None
    styles: tuple[str, ...] = ()
    style_prompts: tuple[str, ...] = ()
    user: str | None = None
    started: datetime | None = None
    now: datetime | None = None

    @classmethod
    def of(
        cls,
        request: GenerationRequest | None,
        index: int,
        seed: int | None,
        facts: Mapping[str, str | int | float | bool | None] | None = None,
        *,
        started: datetime | None = None,
        user: str | None = None,
    ) -> Self:
        """Of a finished picture; `facts` are those of its ImageReady, other keys are left out."""
        known = facts or {}
        strength = known.get("denoising_strength")
        return cls(
            request=request,
            index=index,
            seed=seed,
            model_name=text_or_none(known.get("model_name")),
            model_hash=text_or_none(known.get("model_hash")),
            vae_name=text_or_none(known.get("vae_name")),
            denoising_strength=strength if isinstance(strength, int | float) else None,
            user=user,
            started=started,
        )


@dataclass(frozen=True, slots=True)
class Naming:
    """One picture's name being made."""

    facts: NameFacts
    image: Image
    max_words: int = DEFAULT_WORDS
    in_archive: bool = False
    clock: datetime = field(default_factory=lambda: datetime.now().astimezone())

    @property
    def now(self) -> datetime:
        """When the name is made, with a time zone."""
        return (self.facts.now or self.clock).astimezone()


def text_or_none(value: object) -> str | None:
    """A value as text; None and empty text are None."""
    return str(value) if value not in (None, "") else None


def sanitise(text: str, *, replace_spaces: bool = False) -> str:
    """One value made fit for a name: no separators, not too long, no dots or spaces at the end."""
    if replace_spaces:
        text = text.replace(" ", "_")
    text = INVALID_IN_VALUES.sub("_", text)
    return text.lstrip(" ")[:MAX_PART_CHARACTERS].rstrip(" .")


def name_part(text: str, max_bytes: int = MAX_NAME_BYTES) -> str:
    """A whole file or folder name, without suffix: valid on every system, or empty."""
    text = INVALID_IN_NAMES.sub("_", text)
    text = text.encode()[:max_bytes].decode(errors="ignore").strip(" ").rstrip(" .")
    return f"_{text}" if RESERVED_BY_WINDOWS.match(text) else text


def file_name(pattern: str, naming: Naming) -> str:
    """A file name, without number and suffix; may be empty."""
    return name_part(re.sub(r"[/\\]", "_", expand(pattern, naming)))


def folder_parts(pattern: str, naming: Naming) -> list[str]:
    """The folders a pattern asks for, outermost first. Only separators in the pattern itself make folders."""
    parts = [name_part(part) for part in re.split(r"[/\\]", expand(pattern, naming))]
    return [part for part in parts if part]


def expand(pattern: str, naming: Naming) -> str:
    """The pattern with every token replaced; unknown ones stay."""
    result: list[str] = []
    end = 0
    for match in PATTERN.finditer(pattern):
        text, end = pattern[end : match.start()], match.end()
        name, arguments = split_arguments(match[1])
        value = look_up(name, arguments, naming)
        if value is Nothing.AND_SKIP_PREVIOUS_TEXT:
            continue
        result.append(f"{text}[{name}]" if value is None else f"{text}{value}")
    return "".join(result) + pattern[end:]


def split_arguments(token: str) -> tuple[str, list[str]]:
    """`datetime<%Y><UTC>` into the name and its arguments."""
    arguments: list[str] = []
    end = len(token)
    while token.endswith(">", 0, end):
        start = token.rfind("<", 0, end)
        if start < 0 or token.find(">", start, end) != end - 1:
            break
        arguments.append(token[start + 1 : end - 1])
        end = start
    return token[:end], arguments[::-1]


def look_up(name: str, arguments: list[str], naming: Naming) -> Value:
    """A token's value; None where it is unknown, or its arguments make no sense."""
    lower = name.lower()
    if plain := PLAIN.get(lower):
        value = plain(naming)
    elif with_arguments := WITH_ARGUMENTS.get(lower):
        try:
            value = with_arguments(naming, arguments)
        except ValueError:
            return None
    elif (of_request := OF_REQUEST.get(lower)) and naming.facts.request:
        value = of_request(naming, naming.facts.request)
    else:
        return None
    return sanitise(value) if isinstance(value, str) else value


def format_time(naming: Naming, arguments: list[str]) -> str:
    """`[datetime<format><time zone>]`; A1111's default where either makes no sense."""
    time = naming.now
    if len(arguments) > 1 and (zone := time_zone(arguments[1])):
        time = time.astimezone(zone)
    try:
        return time.strftime((arguments[0] if arguments else "") or DEFAULT_TIME)
    except ValueError:
        return time.strftime(DEFAULT_TIME)


def time_zone(name: str) -> ZoneInfo | None:
    """The zone of an IANA name in any case; None if there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        known = {zone.lower(): zone for zone in available_timezones()}
        return ZoneInfo(known[name.lower()]) if name.lower() in known else None


def digest(data: bytes, arguments: list[str], default: int | None) -> str:
    """The first hex digits of a SHA-256; raises ValueError where the length is no number."""
    length = int(arguments[0]) if arguments and arguments[0] else default
    return hashlib.sha256(data).hexdigest()[:length]


def request_digest(
    naming: Naming, arguments: list[str], text: Callable[[GenerationRequest], str]
) -> str | None:
    """A digest of some text of the request, 8 digits if not told otherwise."""
    request = naming.facts.request
    return digest(text(request).encode(errors="replace"), arguments, 8) if request else None


def find_prompts(naming: Naming, arguments: list[str]) -> str | None:
    """`[hasprompt<word|otherwise>…]`: the words that stand in the prompt, or their alternatives."""
    if naming.facts.request is None:
        return None
    prompt, result = naming.facts.request.prompt.lower(), ""
    for argument in filter(None, arguments):
        expected, otherwise = [*argument.split("|"), ""][:2]
        result += expected.lower() if expected.lower() in prompt else otherwise
    return sanitise(result, replace_spaces=True)


def prompt_words(naming: Naming, request: GenerationRequest) -> str:
    """The first words of the prompt."""
    words = [word for word in NOT_LETTERS.split(request.prompt) if word]
    return " ".join(words[: naming.max_words]) or "empty"


def remove_styles(naming: Naming, request: GenerationRequest) -> str:
    """The prompt without what the styles added to it."""
    prompt = request.prompt
    for style in naming.facts.style_prompts:
        for added in style.split("{prompt}"):
            prompt = remove_phrase(prompt, added)
    return prompt.strip(" ,\n")


def remove_phrase(text: str, phrase: str) -> str:
    """A text without every occurrence of a phrase; what was apart by a comma stays so."""
    if not phrase.strip(" ,"):
        return text
    rest, *parts = text.split(phrase)
    kept = [rest]
    for part in parts:
        is_listed = kept[-1].rstrip().endswith(",") or part.lstrip().startswith(",")
        left, right = kept[-1].rstrip(" ,"), part.lstrip(" ,")
        between = (", " if is_listed else " ") if left and right else ""
        kept[-1] = left + between
        kept.append(right)
    return "".join(kept)


def schedule_name(request: GenerationRequest) -> str:
    """The schedule that runs, written as A1111 does: only the first letter large."""
    return effective_schedule(request.sampler, request.schedule).capitalize()


def last_seed(naming: Naming, request: GenerationRequest) -> Value:
    """The run's last seed; nothing where a batch has one picture."""
    return Nothing.AND_SKIP_PREVIOUS_TEXT if request.batch_size == 1 else request.seed_of(request.count - 1)


def batch_number(naming: Naming, request: GenerationRequest) -> Value:
    """Which picture of its batch this is, from 1."""
    if request.batch_size == 1 or naming.in_archive:
        return Nothing.AND_SKIP_PREVIOUS_TEXT
    return naming.facts.index % request.batch_size + 1


def generation_number(naming: Naming, request: GenerationRequest) -> Value:
    """Which picture of the run this is, from 1."""
    if request.count == 1 or naming.in_archive:
        return Nothing.AND_SKIP_PREVIOUS_TEXT
    return naming.facts.index + 1


def vae_filename(naming: Naming) -> str:
    """The VAE file's name up to its first dot; A1111 writes NoneType where none was chosen."""
    parts = (naming.facts.vae_name or "NoneType").split(".")
    return parts[0] or (parts[1] if len(parts) > 1 else "")


def job_timestamp(naming: Naming) -> str:
    """When the job began."""
    return (naming.facts.started or naming.now).strftime(DEFAULT_TIME)


PLAIN: dict[str, Callable[[Naming], Value]] = {
    "none": lambda naming: "",
    "basename": lambda naming: "img",
    "seed": lambda naming: "" if naming.facts.seed is None else naming.facts.seed,
    "width": lambda naming: naming.image.width,
    "height": lambda naming: naming.image.height,
    "styles": lambda naming: ", ".join(style for style in naming.facts.styles if style != "None") or "None",
    "model_hash": lambda naming: naming.facts.model_hash,
    "model_name": lambda naming: naming.facts.model_name,
    "date": lambda naming: naming.now.strftime("%Y-%m-%d"),
    "job_timestamp": job_timestamp,
    "denoising": lambda naming: naming.facts.denoising_strength or Nothing.AND_SKIP_PREVIOUS_TEXT,
    "user": lambda naming: naming.facts.user,
    "vae_filename": vae_filename,
}
OF_REQUEST: dict[str, Callable[[Naming, GenerationRequest], Value]] = {
    "seed_first": lambda naming, request: (
        naming.facts.seed if request.batch_size == 1 else request.seed_of(0)
    ),
    "seed_last": last_seed,
    "steps": lambda naming, request: request.steps,
    "cfg": lambda naming, request: request.cfg_scale,
    "sampler": lambda naming, request: request.sampler,
    "scheduler": lambda naming, request: schedule_name(request),
    "sampler_scheduler": lambda naming, request: f"{request.sampler} {schedule_name(request)}",
    "prompt": lambda naming, request: sanitise(request.prompt, replace_spaces=True),
    "prompt_spaces": lambda naming, request: request.prompt,
    "prompt_words": prompt_words,
    "prompt_no_styles": remove_styles,
    "batch_number": batch_number,
    "batch_size": lambda naming, request: request.batch_size,
    "generation_number": generation_number,
    "clip_skip": lambda naming, request: request.options.clip_skip,
}
WITH_ARGUMENTS: dict[str, Callable[[Naming, list[str]], Value]] = {
    "datetime": format_time,
    "hasprompt": find_prompts,
    "image_hash": lambda naming, arguments: digest(naming.image.tobytes(), arguments, None),
    "prompt_hash": lambda naming, arguments: request_digest(
        naming, arguments, lambda request: request.prompt
    ),
    "negative_prompt_hash": lambda naming, arguments: request_digest(
        naming, arguments, lambda request: request.negative_prompt
    ),
    "full_prompt_hash": lambda naming, arguments: request_digest(
        naming, arguments, lambda request: f"{request.prompt} {request.negative_prompt}"
    ),
}
