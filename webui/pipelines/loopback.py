"""Loopback: img2img again and again, each time from the last result (A1111's script of that name)."""

import math
from collections.abc import Callable, Generator

from PIL import Image

from webui.core.events import Event, ImageReady, Progress
from webui.core.request import GenerationRequest
from webui.core.request_parts import Loopback
from webui.pipelines.img2img.img2img import fit_canvas
from webui.plugins.context import Context

Generate = Callable[[GenerationRequest, Context], Generator[Event]]


def loop(request: GenerationRequest, context: Context, generate: Generate) -> Generator[Event]:
    """All loops of all batches; each loop's picture is a result, with seeds that count on."""
    part = request.loopback
    assert part is not None, "a loop is asked for"
    request = fit_canvas(request, context)
    index = 0
    for batch in range(request.batch_count):
        image: Image.Image | None = None
        for number in range(part.loops):
            made = run_loop(request, batch * part.loops + number, number, image, context)
            image = None
            for event in generate(made, context):
                yield place_results(event, index, request.batch_count * part.loops)
                if isinstance(event, ImageReady) and not event.aside:
                    image = event.image
            index += 1
            if context.stop.is_stopped:
                return
            if image is None or context.stop.ends_batch:
                break


def run_loop(
    request: GenerationRequest, seeds_before: int, number: int, image: Image.Image | None, context: Context
) -> GenerationRequest:
    """The request of one loop: from the init picture, or from the result of the loop before."""
    part = request.loopback
    assert part is not None, "a loop is asked for"
    changes: dict[str, object] = {
        "loopback": None,
        "batch_size": 1,
        "batch_count": 1,
        "seed": request.seed + seeds_before,
        "denoising_strength": strength_at(float(request.denoising_strength), part, number),
    }
    if image is not None:
        changes["init_images"] = (context.inputs.add_image(image),)
        # The canvas was extended by the first loop, and what is masked has content by now.
        changes["outpainting"] = None
        if request.inpainting and request.inpainting.mask:
            changes["inpainting"] = request.inpainting.model_copy(update={"masked_content": "original"})
        else:
            changes["inpainting"] = None
    return request.model_copy(update=changes)


def strength_at(strength: float, part: Loopback, number: int) -> float:
    """Denoising strength of loop `number`, counted from 0."""
    if part.loops == 1 or number == 0:
        return strength
    share = number / (part.loops - 1)
    bent = {
        "Aggressive": math.sin(share * math.pi / 2),
        "Lazy": 1 - math.cos(share * math.pi / 2),
        "Linear": share,
    }[part.curve]
    return strength + (float(part.final_denoising_strength) - strength) * bent


def place_results(event: Event, index: int, count: int) -> Event:
    """An event of one loop as one of the whole run."""
    if isinstance(event, ImageReady):
        return event.model_copy(update={"index": index})
    if isinstance(event, Progress):
        steps = event.steps * count
        done = event.steps * index + event.step
        return event.model_copy(update={"step": done, "steps": steps, "batch": index, "batches": count})
    return event
