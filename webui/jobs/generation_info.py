"""A run as A1111 describes it to scripts in the page and to clients of its API."""

from typing import Any

from webui.core.request import GenerationRequest


def describe_run(request: GenerationRequest) -> dict[str, Any]:
    """A1111's keys for what a request asks for; pictures, models and times are the caller's to add."""
    indexes = range(request.count)
    return {
        "prompt": request.prompt,
        "all_prompts": [request.picture(index).prompt for index in indexes],
        "negative_prompt": request.negative_prompt,
        "all_negative_prompts": [request.picture(index).negative_prompt for index in indexes],
        "seed": request.seed,
        "all_seeds": [request.seed_of(index) for index in indexes],
        "subseed": request.variation_seed,
        "all_subseeds": [request.variation_seed_of(index) for index in indexes],
        "subseed_strength": request.variation_strength,
        "width": request.width,
        "height": request.height,
        "sampler_name": request.sampler,
        "cfg_scale": request.cfg_scale,
        "steps": request.steps,
        "batch_size": request.batch_size,
        "seed_resize_from_w": request.seed_resize_width or -1,
        "seed_resize_from_h": request.seed_resize_height or -1,
        "extra_generation_params": {"Schedule type": request.effective_schedule},
        "clip_skip": request.options.clip_skip,
        "styles": [],
    }
