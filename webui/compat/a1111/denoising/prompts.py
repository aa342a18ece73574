"""Prompts as A1111's functions read them: schedules, AND, attention, and their embeddings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any

from webui.compat.a1111.denoising.conds import (
    ComposableScheduledPromptConditioning,
    MulticondLearnedConditioning,
    ScheduledPromptConditioning,
    SdConditioning,
    stack_embeddings,
    to_cond,
)
from webui.compat.a1111.denoising.replaced import watched
from webui.core.attention import parse_attention
from webui.diffusion.denoising import EncodeTexts
from webui.plugins.batch import Batch
from webui.prompts.schedule import prompt_schedule
from webui.prompts.syntax import lift_networks, split_and

# Functions whose replacements decide what prompts are encoded to.
ENCODING = (
    "get_learned_conditioning",
    "get_multicond_learned_conditioning",
    "get_learned_conditioning_prompt_schedules",
    "get_multicond_prompt_list",
)


def attention_of(text: str) -> list[list[Any]]:
    """[[text, weight], ...]; BREAK has the weight -1."""
    return [[run.text, run.weight] for run in parse_attention(text).runs]


def schedules_of(
    prompts: Iterable[str], steps: int, hires_steps: int | None, *, old_timelines: bool
) -> list[list[list[Any]]]:
    """Of each prompt: [[last step, text], ...], steps counted from 1."""
    return [
        [
            [entry.end_at_step, entry.text]
            for entry in prompt_schedule(prompt, steps, hires_steps, old_timelines=old_timelines)
        ]
        for prompt in prompts
    ]


def split_prompts(
    prompts: Sequence[str],
) -> tuple[list[list[tuple[int, float]]], SdConditioning, dict[str, int]]:
    """Of each prompt its AND parts, as indexes of a list of all different texts, and weights."""
    flat = SdConditioning([], copy_from=prompts)
    indexes: dict[str, int] = {}
    found: list[list[tuple[int, float]]] = []
    for prompt in prompts:
        parts: list[tuple[int, float]] = []
        for part in split_and(prompt):
            if part.text not in indexes:
                indexes[part.text] = len(flat)
                flat.append(part.text)
            parts.append((indexes[part.text], part.weight))
        found.append(parts)
    return found, flat, indexes


def encode_schedules(
    model: Any,  # noqa: ANN401 - what has get_learned_conditioning
    prompts: Sequence[str],
    schedules: Sequence[Sequence[Sequence[Any]]],
) -> list[list[ScheduledPromptConditioning]]:
    """The schedules of prompts with their embeddings; alike prompts share theirs."""
    known: dict[str, list[ScheduledPromptConditioning]] = {}
    for prompt, schedule in zip(prompts, schedules, strict=True):
        if prompt in known:
            continue
        texts = SdConditioning([entry[1] for entry in schedule], copy_from=prompts)
        conds = model.get_learned_conditioning(texts)
        known[prompt] = [
            ScheduledPromptConditioning(int(entry[0]), row_of(conds, index))
            for index, entry in enumerate(schedule)
        ]
    return [known[prompt] for prompt in prompts]


def row_of(conds: Any, index: int) -> Any:  # noqa: ANN401 - a tensor or a dict
    """One row of a batch of embeddings."""
    return {key: value[index] for key, value in conds.items()} if isinstance(conds, Mapping) else conds[index]


class BatchTextModel:
    """A checkpoint as the functions of prompts need it: it encodes texts as the batch's own were."""

    def __init__(self, encode: EncodeTexts) -> None:
        self._encode = encode

    def get_learned_conditioning(self, texts: Sequence[str]) -> Any:  # noqa: ANN401 - a tensor or a dict
        """(N, T, D), or a dict of such."""
        is_negative = bool(getattr(texts, "is_negative_prompt", False))
        return stack_embeddings([to_cond(self._first(text, is_negative=is_negative)) for text in texts])

    def _first(self, text: str, *, is_negative: bool) -> Any:  # noqa: ANN401 - an embedding
        cond, uncond = self._encode("" if is_negative else text, text if is_negative else "")
        return (uncond if is_negative else cond)[0].schedule[0].embedding


def encode_for_extensions(live: Any, batch: Batch) -> None:  # noqa: ANN401 - a LivePass, which asks for this
    """Encode a pass's prompts by the functions that extensions put in the place of A1111's, if they did."""
    prompt_parser = import_module("modules.prompt_parser")
    denoising = live.denoising
    if denoising.encode is None or not any(prompt_parser.is_replaced(name) for name in ENCODING):
        return
    p, model = live.p, BatchTextModel(denoising.encode)
    width, height = batch.request.width, batch.request.height
    texts, negatives = texts_of(p, batch)
    options = (denoising.steps, None, batch.request.options.use_old_scheduling)
    found: list[tuple[MulticondLearnedConditioning, Any]] = []
    read: Callable[..., Any] = prompt_parser.get_multicond_learned_conditioning
    with watched(read, "prompt_parser"):
        cond = read(model, SdConditioning(texts, width=width, height=height), *options)
        uncond = prompt_parser.get_learned_conditioning(
            model, SdConditioning(negatives, is_negative_prompt=True, width=width, height=height), *options
        )
        found.append((cond, uncond))
    if found:
        live.replaced_conds = found[0]


def texts_of(p: Any, batch: Batch) -> tuple[list[str], list[str]]:  # noqa: ANN401 - A1111's processing object
    """The batch's prompts and negative prompts without networks, as `p` has them, or as they are planned."""
    prefix = "hr_" if batch.is_second_pass else ""
    own, own_negatives = (getattr(p, f"{prefix}{name}", None) for name in ("prompts", "negative_prompts"))
    planned = batch.pictures
    texts = own if own and len(own) == len(planned) else [each.prompt for each in planned]
    negatives = own_negatives if own_negatives and len(own_negatives) == len(planned) else None
    return (
        [lift_networks(str(text))[0] for text in texts],
        [str(text) for text in negatives or [each.negative_prompt for each in planned]],
    )


def composed(
    indexes: Sequence[Sequence[tuple[int, float]]],
    learned: Sequence[list[ScheduledPromptConditioning]],
) -> MulticondLearnedConditioning:
    """AND parts of each prompt, of the embeddings of all different texts."""
    batch = [
        [ComposableScheduledPromptConditioning(learned[index], weight) for index, weight in parts]
        for parts in indexes
    ]
    return MulticondLearnedConditioning((len(batch),), batch)
