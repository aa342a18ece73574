"""Prompts: attention, schedules, AND, and what they are encoded to."""
# pyright: basic

from webui.compat.a1111.denoising import prompts as _prompts
from webui.compat.a1111.denoising.conds import (
    ComposableScheduledPromptConditioning,  # noqa: F401
    DictWithShape,  # noqa: F401
    MulticondLearnedConditioning,  # noqa: F401
    ScheduledPromptConditioning,  # noqa: F401
    SdConditioning,  # noqa: F401
    batch_at,
    multicond_at,
    stack_conds,  # noqa: F401
)


def parse_prompt_attention(text):
    """[[text, weight], ...]"""
    return _prompts.attention_of(text)


def get_learned_conditioning_prompt_schedules(
    prompts, base_steps, hires_steps=None, use_old_scheduling=False
):
    """Of each prompt: [[last step, text], ...]"""
    return _prompts.schedules_of(prompts, base_steps, hires_steps, old_timelines=use_old_scheduling)


def get_learned_conditioning(model, prompts, steps, hires_steps=None, use_old_scheduling=False):
    """Of each prompt its schedule with embeddings."""
    schedules = get_learned_conditioning_prompt_schedules(prompts, steps, hires_steps, use_old_scheduling)
    return _prompts.encode_schedules(model, prompts, schedules)


def get_multicond_prompt_list(prompts):
    """(AND parts of each prompt as indexes and weights, all different texts, index of each text)"""
    return _prompts.split_prompts(prompts)


def get_multicond_learned_conditioning(model, prompts, steps, hires_steps=None, use_old_scheduling=False):
    """The prompts of a batch with their AND parts."""
    indexes, flat, _ = get_multicond_prompt_list(prompts)
    learned = get_learned_conditioning(model, flat, steps, hires_steps, use_old_scheduling)
    return _prompts.composed(indexes, learned)


def reconstruct_cond_batch(c, current_step):
    return batch_at(c, current_step)


def reconstruct_multicond_batch(c, current_step):
    return multicond_at(c, current_step)


_own = {name: value for name, value in globals().items() if callable(value)}


def is_replaced(name):
    """Whether an extension put another function in the place of one of these."""
    return globals()[name] is not _own[name]
