"""A whole prompt, ready for a text encoder: AND parts, each with its schedule of texts.

planned = plan("a [cat:dog:5] :1.2 AND the sea", steps=20)
for part in planned.parts:                      # part.weight: its share of the guidance
    for entry in part.schedule:                 # entry.end_at_step, entry.text
        chunked = chunk_text(entry.text, chunking)
"""

from dataclasses import dataclass

from webui.core.attention import parse_attention
from webui.prompts.chunks import Chunking, chunk_text, token_limit
from webui.prompts.schedule import ScheduledText, prompt_schedule
from webui.prompts.syntax import AndPart, lift_networks, split_and, strip_comments


@dataclass(frozen=True, slots=True)
class Timeline:
    """The steps a prompt is spread over; `hires_steps` when planning for the second pass."""

    steps: int
    hires_steps: int | None = None
    old_timelines: bool = False


@dataclass(frozen=True, slots=True)
class PromptPart:
    """One side of an AND with its share of the guidance and its texts in order of time."""

    weight: float
    schedule: tuple[ScheduledText, ...]


@dataclass(frozen=True, slots=True)
class PromptPlan:
    """All AND parts of a prompt, at least one, and what the artist should hear about it."""

    parts: tuple[PromptPart, ...]
    warnings: tuple[str, ...] = ()

    @property
    def texts(self) -> tuple[str, ...]:
        """Every text that will be encoded, in order, without repeats."""
        return tuple(dict.fromkeys(entry.text for part in self.parts for entry in part.schedule))


def plan(prompt: str, timeline: Timeline, *, is_negative: bool = False) -> PromptPlan:
    """Split a prompt (networks and comments already taken out) at AND and schedule each part.

    A negative prompt is not split: AND in it is a word, as in A1111.
    """
    and_parts = (AndPart(prompt, 1.0),) if is_negative else split_and(prompt)
    parts = tuple(PromptPart(part.weight, _scheduled(part.text, timeline)) for part in and_parts)
    warnings = (warning for part in and_parts for warning in parse_attention(part.text).warnings)
    return PromptPlan(parts, tuple(dict.fromkeys(warnings)))


def token_count(
    prompt: str, timeline: Timeline, chunking: Chunking, *, is_negative: bool = False
) -> tuple[int, int]:
    """What the counter at a prompt shows: the tokens of its longest text, and how many its chunks hold."""
    text, _ = lift_networks(strip_comments(prompt))
    planned = plan(text, timeline, is_negative=is_negative)
    used = max(chunk_text(each, chunking).token_count for each in planned.texts)
    return used, token_limit(used)


def _scheduled(text: str, timeline: Timeline) -> tuple[ScheduledText, ...]:
    return prompt_schedule(text, timeline.steps, timeline.hires_steps, old_timelines=timeline.old_timelines)
