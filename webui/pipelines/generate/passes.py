"""The passes of a batch: from noise or a picture to the finished latent, with hires fix and refiner."""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from functools import partial

from PIL import Image
from torch import Tensor

from webui.core.events import Event, LoraReport, Message, Phase, Progress
from webui.core.request import GenerationRequest
from webui.diffusion.denoising import Denoising
from webui.diffusion.inpaint import LatentMask
from webui.diffusion.step import Step
from webui.models.loaded_model import LoadedModel
from webui.models.unet import HalfPrecisionFailure
from webui.models.vae.preview_colours import preview_format
from webui.pipelines.encode import EncodedBatch, encode_batch
from webui.pipelines.generate.hires import (
    condition_second_pass,
    cut,
    encode_pictures,
    enlarge_latent,
    enlarge_pictures,
    start_second_pass,
)
from webui.pipelines.generate.pictures import decode, show_first_pass, tell, use_upscaler
from webui.pipelines.generate.preview import Previewer
from webui.pipelines.generate.refiner import Refining, is_refined, refiner_name
from webui.pipelines.img2img.image_conditioning import condition_on_nothing
from webui.pipelines.img2img.img2img import Start
from webui.pipelines.img2img.resize import flatten
from webui.pipelines.networks import activate, list_misplaced_networks, report_networks
from webui.pipelines.setup import batch_noise, make_denoising, use_models
from webui.plugins.batch import Batch
from webui.plugins.context import Context


@dataclass(frozen=True, slots=True)
class Run:
    """What the batches of one request share. `start` is there for img2img."""

    request: GenerationRequest
    context: Context
    sd: LoadedModel
    start: Start | None = None
    # Sentences that the artist was told already.
    told: set[str] = field(default_factory=set[str])

    def tell_once(self, events: Iterable[Event]) -> Iterator[Event]:
        """The events; of messages and reports, those that were not told for a batch before."""
        for event in events:
            known = event.model_dump_json() if isinstance(event, Message | LoraReport) else ""
            if known not in self.told:
                yield event
            if known:
                self.told.add(known)


@dataclass(frozen=True, slots=True)
class Sampled:
    """A finished latent (B, C, h, w), the checkpoint that made it last, infotext keys of what happened."""

    latent: Tensor
    sd: LoadedModel
    effects: frozenset[str] = frozenset()
    refiner: str = ""
    lora_hashes: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class PassPosition:
    """Where a pass stands in the run: steps of the batch before it, and of the whole batch."""

    batch: Batch
    before: int
    total: int

    def progress(self, done: int, steps: int) -> Progress:
        """After `done` of the pass's steps."""
        request = self.batch.request
        return Progress(
            step=self.batch.number * self.total + self.before + done,
            steps=request.batch_count * self.total,
            batch=self.batch.number,
            batches=request.batch_count,
            sampling_step=done,
            sampling_steps=steps,
        )


@dataclass(frozen=True, slots=True)
class SamplingPass:
    """One pass, ready to run: what is sampled, the refiner that may take over, its place in the run."""

    denoising: Denoising
    refining: Refining | None
    position: PassPosition


def read_prompts(batch: Batch, run: Run) -> Generator[Event, None, EncodedBatch]:
    """The batch's networks applied and its prompts encoded, with what there is to say of them."""
    if batch.first == 0 or batch.request.plan is not None:
        # Later batches of the same texts find them in the cache.
        yield Phase(name="Reading the prompt")
    encoded = encode_batch(run.sd, batch, run.context)
    yield from run.tell_once(report_networks(encoded.activated))
    yield from run.tell_once(tell(list_misplaced_networks(batch)))
    yield from run.tell_once(tell(encoded.warnings))
    return encoded


def sample_batch(
    batch: Batch, run: Run, encoded: EncodedBatch, models: ExitStack
) -> Generator[Event, None, Sampled | None]:
    """All passes; None if cancelled. Checkpoints that take over are opened in `models`."""
    request = batch.request
    if request.hires is None:
        return (yield from first_pass(batch, run, encoded, models, 0))
    second_steps = request.second_pass().steps
    if request.hires.first_pass:
        images = [flatten(run.context.inputs.open(request.hires.first_pass), "#ffffff")] * request.batch_size
        return (yield from run_second_pass(batch, run, models, images, PassPosition(batch, 0, second_steps)))
    sampled = yield from first_pass(batch, run, encoded, models, second_steps)
    if sampled is None or run.context.stop.ends_batch:
        return sampled
    place = PassPosition(batch, request.steps, request.steps + second_steps)
    return (yield from run_second_pass(batch, run, models, sampled, place))


def first_pass(
    batch: Batch, run: Run, encoded: EncodedBatch, models: ExitStack, steps_after: int
) -> Generator[Event, None, Sampled | None]:
    """From noise, or from the picture img2img begins with."""
    request, sd, start = batch.request, run.sd, start_of(batch, run)

    def begin() -> SamplingPass:
        noise = batch_noise(batch, sd)
        denoising = make_denoising(batch, sd, encoded, noise)
        if start is None:
            denoising.image_conditioning = condition_on_nothing(sd, (request.batch_size, *noise.shape))
        else:
            denoising.init, denoising.mask = start.init(request), start.mask(request)
            denoising.image_conditioning = start.conditioning
            if (factor := float(request.options.initial_noise_multiplier)) != 1:
                denoising.first_noise = noise.draw() * factor
        refining = sample_with_refiner(batch, denoising, sd, run.context, models)
        prepare_denoising(denoising, batch, sd, run.context)
        return SamplingPass(denoising, refining, PassPosition(batch, 0, denoising.total_steps + steps_after))

    yield Phase(name="Sampling", counts_steps=True)
    sampled = yield from sample(begin, sd, run.context)
    if sampled is None:
        return None
    sampled = replace(sampled, lora_hashes=dict(encoded.activated.lora_hashes))
    if start is None or request.inpainting is None:
        return sampled
    return replace(sampled, latent=blend_outside_mask(sampled.latent, start.mask(request), request))


def start_of(batch: Batch, run: Run) -> Start | None:
    """Where the batch's pictures start; of a part of a batch, those that are its own."""
    if run.start is None:
        return None
    offset = batch.first - batch.number * run.request.batch_size
    return run.start.part(offset, batch.request.batch_size)


def prepare_denoising(denoising: Denoising, batch: Batch, sd: LoadedModel, context: Context) -> None:
    """The moment for extensions that shape the sampling."""
    runs_before = context.state.runs
    context.plugins.call("prepare_denoising", context.tell, denoising=denoising, batch=batch, context=context)
    if context.state.runs != runs_before:
        # A run within may have used other networks.
        activate(batch, sd, context)


def blend_outside_mask(latent: Tensor, mask: LatentMask | None, request: GenerationRequest) -> Tensor:
    """The result with the init latent put back where nothing is masked; soft inpainting has mixed already."""
    assert request.inpainting is not None, "something is masked"
    if mask is None or request.inpainting.soft:
        return latent
    return latent * (1 - mask.keep) + mask.init_latent * mask.keep


def run_second_pass(
    batch: Batch, run: Run, models: ExitStack, first: Sampled | list[Image.Image], place: PassPosition
) -> Generator[Event, None, Sampled | None]:
    """From the first pass's latent, or from finished pictures in its place."""
    request, context = batch.request, run.context
    second = batch.passed(request.second_pass())
    assert request.hires is not None, "there is a second pass"
    pictures: list[Image.Image] | None = None
    if request.hires.latent_mode is None or (
        isinstance(first, Sampled) and context.settings.saving.save_images_before_highres_fix
    ):
        pictures = yield from turn_to_second_pass(batch, first, context)
    sd = run.sd
    if request.hires.model:
        yield Phase(name="Loading model", detail="for hires. fix")
        sd = models.enter_context(use_models(second.request, context))
    yield Phase(name="Upscaling", detail="for hires. fix")
    if request.hires.latent_mode is not None:
        small = first.latent if isinstance(first, Sampled) else encode_pictures(first, batch, sd)
        large, latent = None, enlarge_latent(small, request, sd)
    else:
        assert pictures is not None, "they were made above"
        large = enlarge_pictures(pictures, request, use_upscaler(request, context))
        latent = encode_pictures(large, second, sd)
    conditioning = condition_second_pass(latent, large, request, sd)
    latent = cut(latent, request, sd)
    encoded = encode_batch(sd, second, context, first_pass=request)
    yield from run.tell_once(report_networks(encoded.activated))
    yield from run.tell_once(tell(encoded.warnings))

    def begin() -> SamplingPass:
        noise = batch_noise(second, sd, (latent.shape[2], latent.shape[3]))
        denoising = make_denoising(second, sd, encoded, noise)
        denoising.init = start_second_pass(latent, request)
        denoising.image_conditioning = None if conditioning is None else cut(conditioning, request, sd)
        refining = sample_with_refiner(second, denoising, sd, context, models, first_pass=request)
        prepare_denoising(denoising, second, sd, context)
        return SamplingPass(denoising, refining, place)

    yield Phase(name="Hires. fix", counts_steps=True)
    sampled = yield from sample(begin, sd, context)
    if sampled is None:
        return None
    hashes = dict(encoded.activated.lora_hashes)
    if not isinstance(first, Sampled):
        return replace(sampled, lora_hashes=hashes)
    return replace(
        sampled,
        effects=sampled.effects | first.effects,
        refiner=sampled.refiner or first.refiner,
        lora_hashes=first.lora_hashes | hashes,
    )


def turn_to_second_pass(
    batch: Batch, first: Sampled | list[Image.Image], context: Context
) -> Generator[Event, None, list[Image.Image]]:
    """The first pass's pictures, saved if the settings want that."""
    if not isinstance(first, Sampled):
        return first
    yield Phase(name="Decoding", detail="for hires. fix")
    pictures = list(decode(first.latent, first.sd, batch.request))
    if context.settings.saving.save_images_before_highres_fix:
        for place, picture in enumerate(pictures):
            yield show_first_pass(picture, batch, place, first.sd, context)
    return pictures


def sample_with_refiner(
    batch: Batch,
    denoising: Denoising,
    sd: LoadedModel,
    context: Context,
    models: ExitStack,
    first_pass: GenerationRequest | None = None,
) -> Refining | None:
    """A refiner that takes over in this pass, if the request has one for it."""
    if not is_refined(batch.request, sd, context, is_second=first_pass is not None):
        return None
    refining = Refining(batch, denoising, sd, context, models, first_pass)
    denoising.before_evaluation.append(refining)
    return refining


def sample(
    begin: Callable[[], SamplingPass], sd: LoadedModel, context: Context
) -> Generator[Event, None, Sampled | None]:
    """Run a pass to its end, or to where it is told to stop; None if cancelled.

    Where half precision turns out to have given NaN, the network goes to 32 bits and the pass begins again.
    """
    while True:
        try:
            return (yield from sample_once(begin(), sd, context))
        except HalfPrecisionFailure as failure:
            network = failure.network
        network.widen()


def sample_once(
    sampling: SamplingPass, sd: LoadedModel, context: Context
) -> Generator[Event, None, Sampled | None]:
    """As `sample`. Raises HalfPrecisionFailure."""
    last = yield from denoise(sampling, sd, context)
    if last is None or context.stop.is_cancelled:
        return None
    # A run that was cut short shows what the network expects, not the noise that is left.
    latent = last.denoised if context.stop.ends_batch else last.latent
    refining = sampling.refining
    took_over = refining is not None and refining.took_over
    return Sampled(
        latent,
        refining.sd if refining else sd,
        frozenset(sampling.denoising.effects),
        refiner_name(sampling.position.batch.request, context) if took_over else "",
    )


def denoise(sampling: SamplingPass, sd: LoadedModel, context: Context) -> Generator[Event, None, Step | None]:
    """Run the sampler, telling progress and showing previews; ends early when told to."""
    total = sampling.denoising.total_steps
    previews = Previewer(context.settings.previews, partial(preview_format, sd.vae), context.clock)
    last = None
    sd.network.forget_evaluations()
    with context.state.sampling(), closing(sampling.denoising.run()) as steps:
        for step in steps:
            last, done = step, step.index + 1
            progress = sampling.position.progress(done, total)
            context.state.progress = progress
            yield progress
            if context.stop.ends_batch:
                break
            if done < total:
                yield from previews.at(done, step.denoised)
    (sampling.refining.sd if sampling.refining else sd).network.assert_valid()
    return last
