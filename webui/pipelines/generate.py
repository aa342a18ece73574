"""The main recipe: a request goes in, pictures come out, one batch after another.

The functions stand in the order of A1111's moments; each is a place where a hook goes.
"""

from collections.abc import Generator, Iterable, Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor

from webui.core.events import Event, ImageReady, Message, Progress
from webui.core.request import GenerationRequest
from webui.core.request_infotext import PictureFacts, format_infotext
from webui.diffusion.adapters.base import Adapter
from webui.diffusion.adapters.tiling import Tiling
from webui.diffusion.adapters.token_merging import TokenMerging
from webui.diffusion.conditioning import Conditioning
from webui.diffusion.denoising import Denoising, RunOptions
from webui.diffusion.guidance import Guidance
from webui.diffusion.noise import ImageNoise, NoiseOptions
from webui.diffusion.prediction import Prediction
from webui.diffusion.schedules import ScheduleOptions
from webui.diffusion.step import SamplerOptions, Step
from webui.models.loader import LoadedModel
from webui.pipelines.context import Context
from webui.pipelines.encode import EncodedPrompts, encode_prompts, old_timelines_matter
from webui.pipelines.kept_latents import keeping
from webui.pipelines.preview import Previewer
from webui.prompts.syntax import lift_networks

LATENT_PIXELS = 8


@dataclass(frozen=True, slots=True)
class Batch:
    """One of the request's batches: which pictures it makes."""

    number: int
    request: GenerationRequest

    @property
    def indexes(self) -> range:
        """Places of its pictures in the whole run."""
        first = self.number * self.request.batch_size
        return range(first, first + self.request.batch_size)

    @property
    def seeds(self) -> list[int]:
        """One seed a picture."""
        return [self.request.seed_of(index) for index in self.indexes]


@torch.no_grad()
def generate(request: GenerationRequest, context: Context) -> Generator[Event]:
    """Make all pictures of a request. Between two events it may be told to skip or stop, or be closed."""
    with use_models(request, context) as sd:
        sd.vae.falls_back = sd.numbers.falls_back and context.settings.numbers.auto_vae_precision
        yield from tell(sd.take_messages())
        yield from tell(unknown_networks(request))
        encoded = encode_prompts(sd, request, context.models.conditioning)
        yield from tell(encoded.warnings)
        for number in range(request.batch_count):
            context.stop.take_skip()
            yield from make_batch(Batch(number, request), sd, encoded, context)
            if context.stop.is_stopped:
                return


def use_models(request: GenerationRequest, context: Context) -> AbstractContextManager[LoadedModel]:
    """The checkpoint and VAE of a request."""
    settings = context.settings
    return context.models.use(
        request.model,
        request.vae,
        settings.numbers.precision,
        vae_choice_first=settings.models.sd_vae_overrides_per_model_preferences,
    )


def make_batch(batch: Batch, sd: LoadedModel, encoded: EncodedPrompts, context: Context) -> Iterator[Event]:
    """Noise to pictures."""
    denoising = prepare(batch, sd, encoded)
    last = None
    for event in denoise(denoising, batch, sd, context):
        if isinstance(event, Step):
            last = event
        else:
            yield event
    if last is None or context.stop.is_cancelled:
        return
    # A run that was cut short shows what the network expects, not the noise that is left.
    latent = last.denoised if context.stop.ends_batch else last.latent
    facts = picture_facts(sd, denoising, batch.request, context)
    yield from make_pictures(latent, batch, sd, facts, context)


def make_pictures(
    latent: Tensor, batch: Batch, sd: LoadedModel, facts: PictureFacts, context: Context
) -> Iterator[Event]:
    """A finished latent (B, C, h, w) to pictures; it is on disk until they are."""
    with keeping(latent, batch.request, batch.indexes[0], sd, facts, context) as kept:
        yield from tell([kept.warning] if kept.warning else [])
        for place, picture in enumerate(decode(latent, sd, batch.request)):
            ready = finish(picture, batch.indexes[place], batch.request, facts)
            yield ready.model_copy(update={"latent": kept.id})
            # Whoever took the picture has saved it by now.
            kept.done()
    yield from tell(sd.take_messages())


def prepare(batch: Batch, sd: LoadedModel, encoded: EncodedPrompts) -> Denoising:
    """Everything a batch needs, ready to run: the moment for extensions that shape the sampling."""
    request, options = batch.request, batch.request.options
    return Denoising(
        network=sd.network,
        prediction=prediction_of(sd, request),
        cond=Conditioning.repeat(encoded.cond, request.batch_size),
        uncond=Conditioning.repeat(encoded.uncond, request.batch_size),
        noise=batch_noise(batch, sd),
        sampler=request.sampler,
        schedule=request.schedule,
        steps=request.steps,
        guidance=guidance(request, encoded),
        sampler_options=sampler_options(request),
        schedule_options=schedule_options(request, sd),
        options=RunOptions(
            always_discard_next_to_last_sigma=options.always_discard_next_to_last_sigma,
            sgm_noise_multiplier=options.sgm_noise_multiplier,
            no_batch_determinism=options.no_dpmpp_sde_batch_determinism,
        ),
        adapters=adapters(request),
    )


def denoise(denoising: Denoising, batch: Batch, sd: LoadedModel, context: Context) -> Iterator[Event | Step]:
    """Run the sampler, telling progress and showing previews; ends early when told to."""
    request, total = batch.request, denoising.total_steps
    previews = Previewer(context.settings.previews, sd.latent_format, context.clock)
    with closing(denoising.run()) as steps:
        for step in steps:
            done = step.index + 1
            yield step
            yield Progress(
                step=batch.number * total + done,
                steps=request.batch_count * total,
                batch=batch.number,
                batches=request.batch_count,
                sampling_step=done,
                sampling_steps=total,
            )
            if context.stop.ends_batch:
                return
            if done < total:
                yield from previews.at(done, step.denoised)


def decode(latent: Tensor, sd: LoadedModel, request: GenerationRequest) -> Iterator[Image.Image]:
    """Latents (B, C, h, w) to pictures, one at a time as A1111, values cut off (not rounded) to 8 bits."""
    for single in latent.split(1):
        with Tiling().attach(sd.vae.module) if request.tiling else nullcontext():
            pixels = sd.vae.decode(single)[0].clamp(0, 1)
        array = (pixels * 255).to(torch.uint8).permute(1, 2, 0).contiguous().numpy()
        yield Image.fromarray(array)


def finish(picture: Image.Image, index: int, request: GenerationRequest, facts: PictureFacts) -> ImageReady:
    """A picture with its infotext: the moment for extensions that change pictures."""
    return ImageReady(
        index=index,
        image=picture,
        infotext=format_infotext(request, index, facts),
        seed=request.seed_of(index),
        variation_seed=request.variation_seed_of(index),
        facts={
            "model_name": facts.model_name,
            "model_hash": facts.model_hash,
            "vae_name": facts.vae_name,
            "vae_hash": facts.vae_hash,
            "version": facts.version,
        },
    )


def picture_facts(
    sd: LoadedModel, denoising: Denoising, request: GenerationRequest, context: Context
) -> PictureFacts:
    """What the infotext says besides the request, as far as the settings want it there."""
    saving = context.settings.saving
    vae, catalog = sd.vae_file, context.models.catalog
    has_old_timelines = request.options.use_old_scheduling and old_timelines_matter(request)
    return PictureFacts(
        model_name=sd.file.stem if saving.add_model_name_to_info else "",
        model_hash=catalog.sha256(sd.file)[:10] if saving.add_model_hash_to_info else "",
        vae_name=vae.path.name if vae and saving.add_vae_name_to_info else "",
        vae_hash=catalog.sha256(vae)[:10] if vae and saving.add_vae_hash_to_info else "",
        version=context.version if saving.add_version_to_infotext else "",
        effects=frozenset(
            denoising.effects | ({"Old prompt editing timelines"} if has_old_timelines else set())
        ),
    )


def batch_noise(batch: Batch, sd: LoadedModel) -> ImageNoise:
    """The noise of a batch: one generator a picture."""
    request, options = batch.request, batch.request.options
    varied = request.variation_strength != 0
    resized = request.seed_resize_width > 0 and request.seed_resize_height > 0
    return ImageNoise(
        (sd.latent_format.channels, request.height // LATENT_PIXELS, request.width // LATENT_PIXELS),
        batch.seeds,
        NoiseOptions(
            source=options.randn_source,
            variation_seeds=tuple(request.variation_seed_of(i) for i in batch.indexes) if varied else (),
            variation_strength=float(request.variation_strength),
            resize_from=(
                request.seed_resize_height // LATENT_PIXELS,
                request.seed_resize_width // LATENT_PIXELS,
            )
            if resized
            else None,
            seed_delta=options.eta_noise_seed_delta,
        ),
        sd.device,
    )


def prediction_of(sd: LoadedModel, request: GenerationRequest) -> Prediction:
    """What the network predicts, on its own training noise, changed as the request's options say."""
    options = request.options
    return Prediction(sd.prediction, sd.alphas_cumprod, options.enable_quantization).changed(
        zero_terminal_snr=options.sd_noise_schedule == "Zero Terminal SNR" or sd.is_zero_snr,
        downcast=options.use_downcasted_alpha_bar,
    )


def guidance(request: GenerationRequest, encoded: EncodedPrompts) -> Guidance:
    """How prompt and negative prompt are weighed against each other."""
    options = request.options
    return Guidance(
        cfg_scale=float(request.cfg_scale),
        s_min_uncond=float(options.s_min_uncond),
        s_min_uncond_all=options.s_min_uncond_all,
        skip_early_cond=float(options.skip_early_cond),
        pad_cond_uncond=options.pad_cond_uncond,
        pad_cond_uncond_v0=options.pad_cond_uncond_v0,
        padding=encoded.padding,
    )


def sampler_options(request: GenerationRequest) -> SamplerOptions:
    """What the sampler reads."""
    options = request.options
    return SamplerOptions(
        eta_ancestral=float(options.eta_ancestral),
        eta_ddim=float(options.eta_ddim),
        s_churn=float(options.s_churn),
        s_tmin=float(options.s_tmin),
        s_tmax=float(options.s_tmax),
        s_noise=float(options.s_noise),
        uni_pc_variant=options.uni_pc_variant,
        uni_pc_skip_type=options.uni_pc_skip_type,
        uni_pc_order=options.uni_pc_order,
        uni_pc_lower_order_final=options.uni_pc_lower_order_final,
    )


def schedule_options(request: GenerationRequest, sd: LoadedModel) -> ScheduleOptions:
    """What the schedule reads."""
    options = request.options
    return ScheduleOptions(
        sigma_min=float(options.sigma_min),
        sigma_max=float(options.sigma_max),
        rho=float(options.rho),
        beta_alpha=float(options.beta_dist_alpha),
        beta_beta=float(options.beta_dist_beta),
        use_old_karras_sigmas=options.use_old_karras_scheduler_sigmas,
        is_sdxl=sd.is_sdxl,
    )


def adapters(request: GenerationRequest) -> list[Adapter]:
    """Changes to the network that the request asks for."""
    found: list[Adapter] = [Tiling()] if request.tiling else []
    ratio = float(request.options.token_merging_ratio)
    return [*found, TokenMerging(ratio)] if ratio > 0 else found


def unknown_networks(request: GenerationRequest) -> list[str]:
    """What to say of <name:...> entries; they are taken out of the prompt."""
    networks = lift_networks(request.prompt)[1]
    return [
        f"<{network.kind}:{network.positional[0] if network.positional else ''}> was left out: "
        "this version applies no extra networks yet."
        for network in networks
    ]


def tell(texts: Iterable[str]) -> Iterator[Message]:
    """Warnings for the artist."""
    for text in texts:
        yield Message(text=text, level="warning")
