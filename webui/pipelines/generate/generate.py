"""The main recipe: a request goes in, pictures come out, one batch after another.

Its parts stand in the order of A1111's moments; each is a place where a hook goes.
"""

from collections.abc import Generator, Iterator
from contextlib import ExitStack

import torch

from webui.core.events import Event, ImageReady, Phase, SaveAs
from webui.core.request import GenerationRequest
from webui.pipelines.context import Context
from webui.pipelines.encode import encode_prompts
from webui.pipelines.generate.passes import Run, Sampled, sample_batch
from webui.pipelines.generate.pictures import facts_of_run, make_pictures, picture_facts, tell, use_upscaler
from webui.pipelines.img2img.img2img import Originals, Start, complete, make_start
from webui.pipelines.img2img.soft_overlay import make_soft_originals
from webui.pipelines.loopback import loop
from webui.pipelines.networks import hash_entry, list_misplaced_networks, report_networks
from webui.pipelines.setup import Batch, use_models


def generate(request: GenerationRequest, context: Context) -> Generator[Event]:
    """Make all pictures of a request. Between two events it may be told to skip or stop, or be closed."""
    if request.loopback:
        return loop(request, context, generate_once)
    return generate_once(request, context)


@torch.no_grad()
def generate_once(request: GenerationRequest, context: Context) -> Generator[Event]:
    """Each batch of a request, without loopback."""
    request = complete(request, context)
    yield Phase(name="Loading model")
    with use_models(request, context) as sd:
        yield from tell(sd.take_messages())
        yield Phase(name="Reading the prompt")
        encoded = encode_prompts(sd, request, context)
        yield from report_networks(encoded.activated)
        yield from tell(list_misplaced_networks(request))
        yield from tell(encoded.warnings)
        start = None
        if request.is_img2img:
            yield Phase(name="Encoding the picture")
            start = make_start(request, sd, context, use_upscaler(request, context))
            yield from tell(start.messages)
            if context.settings.saving.save_init_img:
                yield show_init_picture(start, request, context)
        run = Run(request, context, sd, encoded, start)
        for number in range(request.batch_count):
            context.stop.take_skip()
            yield from make_batch(Batch(number, request), run)
            if context.stop.is_stopped:
                return


def make_batch(batch: Batch, run: Run) -> Iterator[Event]:
    """Noise, or a picture, to pictures."""
    context, start = run.context, run.start
    with ExitStack() as models:
        sampled = yield from sample_batch(batch, run, models)
        if sampled is None or context.stop.is_cancelled:
            return
        facts = facts_of_run(
            picture_facts(run.sd, batch.request, context),
            sampled.effects,
            sampled.refiner,
            entries=describe_entries(sampled, run),
            is_mask_blank=start is not None and start.is_mask_blank,
            image_hash=start.image_hash if start and context.settings.saving.save_init_img else "",
        )
        originals = find_originals(batch, sampled, start)
        yield from make_pictures(sampled.latent, batch, sampled.sd, facts, context, originals)


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


def describe_entries(sampled: Sampled, run: Run) -> dict[str, str]:
    """What the infotext says of networks, as far as the settings want it there."""
    saving = run.context.settings.saving
    loras = sampled.lora_hashes.items() if saving.lora_add_hashes_to_infotext else ()
    bundled = {each.lora for each in run.encoded.activated.embeddings.values()}
    embeddings = [
        (name, short)
        for name, short in run.encoded.embedding_hashes
        if saving.textual_inversion_add_hashes_to_infotext
        and (short not in bundled or saving.lora_bundled_ti_to_infotext)
    ]
    return hash_entry("Lora hashes", loras) | hash_entry("TI hashes", embeddings)
