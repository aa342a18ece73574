"""Prompts from file or textbox: a run for each line, which may change values by `--flags`."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Generator
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from extensions.scripts.base import NestedRun, ScriptPart
from webui.plugins import ImageReady, InvalidRequest, Message, WebuiError

if TYPE_CHECKING:
    from webui.plugins import Context, Event, GenerationRequest

MOST_LINES = 10_000
MOST_SHOWN = 60
RANDOM_SEEDS = 4294967294
TEXT_FLAGS = ("prompt", "negative_prompt")
# Flags that name folders: a line of text may not choose where files go.
FOLDER_FLAGS = ("outpath_samples", "outpath_grids")


class PromptsPart(ScriptPart):
    """The lines and how they are used, in the order of A1111's arguments."""

    key: ClassVar[str] = "prompts_from_file"
    title: ClassVar[str] = "Prompts from file or textbox"

    iterate_seed: bool = Field(default=False, title="Iterate seed every line")
    same_seed: bool = Field(default=False, title="Use same random seed for all lines")
    position: Literal["start", "end"] = Field(default="start", title="Insert prompts at the")
    lines: str = Field(
        default="", title="List of prompt inputs", max_length=5_000_000, json_schema_extra={"lines": 6}
    )


def read_bool(text: str) -> bool:
    """A1111 takes nothing but "true" for yes."""
    return text == "true"


# How the value of each flag is read; in A1111 they are the names of its request's fields.
FLAGS: dict[str, Callable[[str], Any]] = {
    "sd_model": str,
    "outpath_samples": str,
    "outpath_grids": str,
    "prompt_for_display": str,
    "prompt": str,
    "negative_prompt": str,
    "styles": str,
    "seed": int,
    "subseed_strength": float,
    "subseed": int,
    "seed_resize_from_h": int,
    "seed_resize_from_w": int,
    "sampler_index": int,
    "sampler_name": str,
    "batch_size": int,
    "n_iter": int,
    "steps": int,
    "cfg_scale": float,
    "width": int,
    "height": int,
    "restore_faces": read_bool,
    "tiling": read_bool,
    "do_not_save_samples": read_bool,
    "do_not_save_grid": read_bool,
}
# Where our request calls a flag otherwise.
FIELDS = {
    "sd_model": "model",
    "subseed": "variation_seed",
    "subseed_strength": "variation_strength",
    "seed_resize_from_w": "seed_resize_width",
    "seed_resize_from_h": "seed_resize_height",
    "sampler_name": "sampler",
    "n_iter": "batch_count",
}
PLAIN_FLAGS = (
    "styles",
    "steps",
    "cfg_scale",
    "width",
    "height",
    "batch_size",
    "seed",
    "restore_faces",
    "tiling",
    *FIELDS,
)


@dataclass(frozen=True, slots=True)
class PromptLine:
    """One line: its text and its flags. `problem` says why its flags were taken for text."""

    text: str
    flags: dict[str, Any]
    problem: str = ""


def read_lines(text: str) -> list[PromptLine]:
    """The lines that are not blank. Raises InvalidRequest where there are none, or too many."""
    lines = [line for line in (each.strip() for each in text.splitlines()) if line]
    if not lines:
        raise InvalidRequest("Prompts from file: there is no line. Write a prompt a line, or load a file.")
    if len(lines) > MOST_LINES:
        raise InvalidRequest(f"Prompts from file: there are {len(lines)} lines. Use at most {MOST_LINES}.")
    return [read_line(line) for line in lines]


def read_line(line: str) -> PromptLine:
    """One line: flags, or a prompt alone. What cannot be read as flags is a prompt, as in A1111."""
    if "--" not in line:
        return PromptLine(line, {"prompt": line})
    try:
        return PromptLine(line, read_flags(line))
    except ValueError as error:
        return PromptLine(line, {"prompt": line}, str(error))


def read_flags(line: str) -> dict[str, Any]:
    """The flags of a line, whose prompts may be several words. Raises ValueError."""
    words, flags, place = shlex.split(line), dict[str, Any](), 0
    while place < len(words):
        word = words[place]
        name = word.removeprefix("--")
        if name == word:
            raise ValueError(f"{word!r} does not begin with --")
        if name not in FLAGS:
            raise ValueError(f"there is no flag {word!r}")
        place += 1
        if place >= len(words):
            raise ValueError(f"there is no value for {word!r}")
        last = place + 1
        while name in TEXT_FLAGS and last < len(words) and not words[last].startswith("--"):
            last += 1
        flags[name] = FLAGS[name](" ".join(words[place:last]))
        place = last
    return flags


class PromptsFromFile:
    """The script."""

    title = "Prompts from file or textbox"
    part: type[PromptsPart] = PromptsPart

    def run(self, request: GenerationRequest, context: Context) -> Generator[Event]:
        """A run for each line. What one refuses is told, and the rest go on. Raises the refusal if all do."""
        part = PromptsPart.of(request) or PromptsPart()
        lines = read_lines(part.lines)
        seeds = list_seeds(part, request, len(lines))
        yield Message(text=f"Will process {len(lines)} lines in {count_jobs(lines, request)} jobs.")
        refusal: WebuiError | None = None
        shown = 0
        for number, line in enumerate(lines):
            if context.stop.is_stopped:
                return
            yield from warn(line)
            try:
                made = apply_line(line, part, request.model_copy(update={"seed": seeds[number]}), context)
                run = NestedRun(number, len(lines), shown)
                for event in context.events(made):
                    placed = run.place(event)
                    if isinstance(placed, ImageReady):
                        shown = max(shown, placed.index + 1)
                        placed = mark_saved(placed, line)
                    if placed is not None:
                        yield placed
            except WebuiError as error:
                refusal = error
                yield Message(text=f"Line {number + 1} ({shorten(line.text)}): {error}", level="warning")
        if refusal is not None and shown == 0:
            raise refusal


def warn(line: PromptLine) -> Generator[Event]:
    """What of a line is used otherwise than its writer may think."""
    if line.problem:
        text = f"{shorten(line.text)} was used as a prompt: {line.problem}. Begin it with --prompt."
        yield Message(text=text, level="warning")
    for name in FOLDER_FLAGS:
        if name in line.flags:
            text = f"--{name} was passed over: the settings say where pictures are saved."
            yield Message(text=text, level="warning")


def list_seeds(part: PromptsPart, request: GenerationRequest, count: int) -> list[int]:
    """The seed of each line that names none: one by chance for each where the form asks for that."""
    if part.iterate_seed:
        return [request.seed + number * request.batch_size * request.batch_count for number in range(count)]
    if part.same_seed or not request.is_seed_random:
        return [request.seed] * count
    random = Random(request.seed)
    return [request.seed, *(random.randrange(RANDOM_SEEDS) for _ in range(count - 1))]


def count_jobs(lines: list[PromptLine], request: GenerationRequest) -> int:
    """Batches in all."""
    return sum(int(line.flags.get("n_iter", request.batch_count)) for line in lines)


def apply_line(
    line: PromptLine, part: PromptsPart, request: GenerationRequest, context: Context
) -> GenerationRequest:
    """The request with what a line says. Raises InvalidRequest or NotFound."""
    from extensions.scripts.changes import change

    changes = read_changes(line, request)
    if "model" in changes:
        changes["model"] = context.models.catalog.find_checkpoint(changes["model"]).title
    for name in TEXT_FLAGS:
        if line.flags.get(name):
            changes[name] = join_texts(line.flags[name], getattr(request, name), part.position)
    return change(request, **add_styles(request, changes, context))


def read_changes(line: PromptLine, request: GenerationRequest) -> dict[str, Any]:
    """The fields of a request that the flags of a line set, but for its texts. Raises InvalidRequest."""
    flags = line.flags
    changes: dict[str, Any] = {FIELDS.get(name, name): flags[name] for name in PLAIN_FLAGS if name in flags}
    for name in ("width", "height"):
        if name in changes:
            changes[name] = changes[name] // 8 * 8
    for name in ("seed_resize_width", "seed_resize_height"):
        if name in changes:
            changes[name] = max(changes[name], 0)
    for name in ("seed", "variation_seed"):
        if changes.get(name, 0) < 0:
            changes[name] = Random(f"{request.seed} {line.text}").randrange(RANDOM_SEEDS)
    if "sampler_index" in flags:
        changes["sampler"] = sampler_at(flags["sampler_index"])
    return changes


def sampler_at(number: int) -> str:
    """The sampler that A1111's oldest files name by its place. Raises InvalidRequest."""
    from webui.plugins import all_samplers

    samplers = all_samplers()
    if not 0 <= number < len(samplers):
        raise InvalidRequest(f"There is no sampler number {number}. Use --sampler_name.")
    return samplers[number].label


def join_texts(own: str, of_form: str, position: str) -> str:
    """A line's text and the form's, one after the other."""
    if not of_form:
        return own
    return f"{own} {of_form}" if position == "start" else f"{of_form} {own}"


def add_styles(request: GenerationRequest, changes: dict[str, Any], context: Context) -> dict[str, Any]:
    """The changes with the prompt presets that a line names put into its texts. Raises InvalidRequest."""
    if "styles" not in changes:
        return changes
    styles = context.styles()
    names = [name.strip() for name in changes.pop("styles").split(",")]
    if sentence := styles.describe_unknown(names):
        raise InvalidRequest(sentence)
    negative = changes.get("negative_prompt", request.negative_prompt)
    return changes | {
        "prompt": styles.apply(changes.get("prompt", request.prompt), names),
        "negative_prompt": styles.apply_negative(negative, names),
    }


def mark_saved(ready: ImageReady, line: PromptLine) -> ImageReady:
    """A picture of a line that says not to save it."""
    return ready.model_copy(update={"is_saved": False}) if line.flags.get("do_not_save_samples") else ready


def shorten(text: str) -> str:
    """A line as it is named in a message."""
    return repr(text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 1]}…")
