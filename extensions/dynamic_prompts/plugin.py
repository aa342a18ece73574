"""Dynamic prompts and wildcards: `{a|b}` and `__name__` in prompts, drawn for each picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extensions.dynamic_prompts.part import DynamicPrompts
from webui.plugins import hookimpl

if TYPE_CHECKING:
    from webui.plugins import Context, GenerationRequest, RunPlan

WILDCARDS = "wildcards"


@hookimpl
def register_request_part() -> type[DynamicPrompts]:
    """The form and the values."""
    return DynamicPrompts


@hookimpl
def plan_run(plan: RunPlan, request: GenerationRequest, context: Context) -> RunPlan | None:
    """Fill in every picture's texts."""
    part = DynamicPrompts() if DynamicPrompts.key not in request.extras else DynamicPrompts.of(request)
    if part is None:
        return None
    # Loaded with the first job, not with the page.
    from extensions.dynamic_prompts.planning import Planner, has_templates, tell_once
    from extensions.dynamic_prompts.wildcards import Lists

    if not has_templates(plan, part):
        return None
    lists = Lists(context.paths.root / WILDCARDS if context.paths else None)
    return Planner(part, lists, tell_once(context.tell)).plan(plan, request)
