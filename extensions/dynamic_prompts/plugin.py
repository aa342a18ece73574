"""Dynamic prompts and wildcards: `{a|b}` and `__name__` in prompts, drawn for each picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extensions.dynamic_prompts.part import DynamicPrompts
from webui.plugins import hookimpl

if TYPE_CHECKING:
    from webui.plugins import Context, GenerationRequest, RunPlan

WILDCARDS = "wildcards"
# Scripts of community extensions that fill in templates of the same shape, in ways of their own.
NAMESAKES = ("Dynamic Prompts", "Prompt Post-Processor", "Simple wildcards", "Unprompted")


@hookimpl
def register_request_part() -> type[DynamicPrompts]:
    """The form and the values."""
    return DynamicPrompts


@hookimpl
def plan_run(plan: RunPlan, request: GenerationRequest, context: Context) -> RunPlan | None:
    """Fill in every picture's texts."""
    part = DynamicPrompts.of(request) if DynamicPrompts.key in request.extras else part_unasked(context)
    if part is None:
        return None
    # Loaded with the first job, not with the page.
    from extensions.dynamic_prompts.planning import Planner, has_templates, tell_once
    from extensions.dynamic_prompts.wildcards import Lists

    if not has_templates(plan, part):
        return None
    lists = Lists(context.paths.root / WILDCARDS if context.paths else None)
    return Planner(part, lists, tell_once(context.tell)).plan(plan, request)


def part_unasked(context: Context) -> DynamicPrompts | None:
    """What is done for a request that says nothing: templates are left to a community extension for them."""
    return None if context.plugins.has_namesake(*NAMESAKES) else DynamicPrompts()
