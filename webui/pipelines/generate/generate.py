"""The main recipe: a request goes in, pictures come out, one batch after another.

Its parts stand in the order of A1111's moments; each is a place where a hook goes.
"""

from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack

import torch

from webui.core.events import Event, ImageReady, Phase, Planned, SaveAs, Withdrawn
from webui.core.request import GenerationRequest
from webui.core.run_plan import PlannedPicture, RunPlan
from webui.pipelines.encode import EmbeddingHashes, EncodedBatch
from webui.pipelines.generate.passes import Run, Sampled, read_prompts, start_of
from webui.pipelines.generate.pictures import facts_of_run, make_pictures, picture_facts, tell
from webui.pipelines.generate.wrapped import begin, check_callable, check_request, sample_wrapped
from webui.pipelines.img2img.img2img import Originals, Start, complete
from webui.pipelines.img2img.soft_overlay import make_soft_originals
from webui.pipelines.loopback import loop
from webui.pipelines.networks import hash_entry, split_by_networks
from webui.pipelines.setup import use_models
from webui.plugins.batch import Batch
from webui.plugins.context import Context


def generate(request: GenerationRequest, context: Context) -> Generator[Event]:
    """Make all pictures of a request. Between two events it may be told to skip or stop, or be closed.

    Raises WebuiError.
    """
    request = context.plugins.change("change_request", request, context.tell, name="request", context=context)
    if request.script:
        script = context.plugins.script(request.script)
        yield from script.run(request.model_copy(update={"script": ""}), context)
        return
    recipe = context.plugins.change(
        "wrap_run",
        make_run,
        context.tell,
        name="recipe",
        check=check_callable,
        request=request,
        context=context,
    )
    yield from recipe(request, context)


def make_run(request: GenerationRequest, context: Context) -> Generator[Event]:
    """The plain recipe."""
    if request.loopback:
        yield from loop(request, context, generate_once)
    else:
        yield from generate_once(request, context)


@torch.no_grad()
def generate_once(request: GenerationRequest, context: Context) -> Generator[Event]:
    """Each batch of a request, without loopback."""
    request = plan_run(complete(request, context), context)
    request = context.plugins.change(
        "change_planned", request, context.tell, name="request", check=check_request, context=context
    )
    if request.plan is not None:
        yield Planned(plan=request.plan)
    if not context.plugins.uses("finish_run"):
        yield from run_batches(request, context)
        return
    results: list[ImageReady] = []
    for event in run_batches(request, context):
        if isinstance(event, ImageReady) and not event.aside:
            results.append(event)
        yield event
    yield from finish_run(results, request, context)


def plan_run(request: GenerationRequest, context: Context) -> GenerationRequest:
    """The request with the plan that extensions made of it. Raises WebuiError."""
    plan = request.plan_pictures()
    if plan.is_draft:
        plan = plan.replace(plan.pictures)
    elif request.plan is not None or not context.plugins.uses("plan_run"):
        return request
    plan = context.plugins.change(
        "plan_run",
        plan,
        context.tell,
        name="plan",
        check=RunPlan.model_validate,
        request=request,
        context=context,
    )
    return request.planned(plan)


def finish_run(results: list[ImageReady], request: GenerationRequest, context: Context) -> Iterator[Event]:
    """What extensions make of all results: new ones are told, those that they left out are taken back."""
    final = context.plugins.change(
        "finish_run", list(results), context.tell, name="results", request=request, context=context
    )
    kept = {id(each) for each in final}
    for ready in results:
        if id(ready) not in kept:
            yield Withdrawn(index=ready.index)
    told = {id(each) for each in results}
    free = max((each.index for each in results), default=-1) + 1
    for ready in final:
        if id(ready) not in told:
            yield ready.model_copy(update={"index": free})
            free += 1


def run_batches(request: GenerationRequest, context: Context) -> Generator[Event]:
    """Each batch of a planned request."""
    yield Phase(name="Loading model")
    with use_models(request, context) as sd:
        yield from tell(sd.take_messages())
        start = None
        if request.is_img2img:
            yield Phase(name="Encoding the picture")
            start = begin(request, sd, context)
            yield from tell(start.messages)
            if context.settings.saving.save_init_img:
                yield show_init_picture(start, request, context)
        run = Run(request, context, sd, start)
        more = 0
        for number in range(request.batch_count):
            context.stop.take_skip()
            batch = plan_batch(Batch.of(number, request), context)
            for part in split_by_networks(batch):
                more += yield from count_on(make_batch(part, run), more, part.request.batch_size)
            if context.stop.is_finishing:
                return


def count_on(events: Iterable[Event], more: int, expected: int) -> Generator[Event, None, int]:
    """A batch's events, where those before made `more` pictures than were planned.

    Gives how many this one made beyond those `expected`.
    """
    made = 0
    for event in events:
        if isinstance(event, ImageReady):
            made += not event.aside
            yield event.model_copy(update={"index": event.index + more}) if more else event
        else:
            yield event
    return max(made - expected, 0)


def plan_batch(batch: Batch, context: Context) -> Batch:
    """The batch with the texts and seeds that extensions give its pictures."""
    if not context.plugins.uses("plan_batch"):
        return batch
    count = batch.request.batch_size

    def check(pictures: tuple[PlannedPicture, ...]) -> None:
        if len(RunPlan(pictures=tuple(pictures))) != count:
            raise ValueError(f"it must return {count} pictures")

    pictures = context.plugins.change(
        "plan_batch", batch.pictures, context.tell, name="pictures", check=check, batch=batch, context=context
    )
    return batch.with_pictures(tuple(pictures))


def make_batch(batch: Batch, run: Run) -> Iterator[Event]:
    """Noise, or a picture, to pictures."""
    context = run.context
    with ExitStack() as models:
        encoded = yield from read_prompts(batch, run)
        sampled = yield from sample_wrapped(batch, run, encoded, models)
        if sampled is None or context.stop.is_cancelled:
            return
        start = start_of(batch, run)
        latent = context.plugins.change(
            "change_latent", sampled.latent, context.tell, name="latent", batch=batch, context=context
        )
        facts = facts_of_run(
            picture_facts(run.sd, batch.request, context),
            sampled.effects,
            sampled.refiner,
            entries=describe_loras(sampled, run) | context.plugins.infotext_entries(batch.request),
            is_mask_blank=start is not None and start.is_mask_blank,
            image_hash=start.image_hash if start and context.settings.saving.save_init_img else "",
        )
        named = [describe_embeddings(hashes, encoded, run) for hashes in encoded.embedding_hashes]
        originals = find_originals(batch, sampled, start)
        yield from make_pictures(latent, batch, sampled.sd, facts, context, originals, named)


def show_init_picture(start: Start, request: GenerationRequest, context: Context) -> ImageReady:
    """The picture it began with, named by its MD5 as A1111 does, to be kept."""
    save_as = SaveAs(folder=context.settings.folders.outdir_init_images, name=start.image_hash)
    return ImageReady(
        index=0,
        image=start.init_images[-1],
        infotext="",
        seed=request.seed,
        variation_seed=request.variation_seed,
        aside="-init-image",
        is_shown=False,
        save_as=save_as,
        request=request,
    )


def find_originals(batch: Batch, sampled: Sampled, start: Start | None) -> Originals:
    """What goes around the results; for soft inpainting, by how much they differ from the original."""
    if start is None:
        return Originals()
    part = batch.request.inpainting
    if part is None or part.soft is None or start.opacity is None:
        return start.originals
    return make_soft_originals(start.originals, start.latent, sampled.latent, start.opacity, batch.request)


def describe_loras(sampled: Sampled, run: Run) -> dict[str, str]:
    """What the infotext says of LoRAs, as far as the settings want it there."""
    saving = run.context.settings.saving
    loras = sampled.lora_hashes.items() if saving.lora_add_hashes_to_infotext else ()
    return hash_entry("Lora hashes", loras)


def describe_embeddings(hashes: EmbeddingHashes, encoded: EncodedBatch, run: Run) -> dict[str, str]:
    """What a picture's infotext says of the embeddings it used, as far as the settings want it there."""
    saving = run.context.settings.saving
    bundled = {each.lora for each in encoded.activated.embeddings.values()}
    embeddings = [
        (name, short)
        for name, short in hashes
        if saving.textual_inversion_add_hashes_to_infotext
        and (short not in bundled or saving.lora_bundled_ti_to_infotext)
    ]
    return hash_entry("TI hashes", embeddings)
