"""From a request to a batch that is ready to sample."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from torch import Tensor, nn

from webui.core.request import GenerationRequest
from webui.diffusion.adapters.base import Adapter
from webui.diffusion.adapters.hypernetwork import HypernetworkAdapter
from webui.diffusion.adapters.hypertile import CELL, HyperTile, TileChoice, VaeHyperTile, largest_tile
from webui.diffusion.adapters.tiling import Tiling
from webui.diffusion.adapters.token_merging import TokenMerging
from webui.diffusion.denoising import Denoising, RunOptions
from webui.diffusion.guidance import Guidance
from webui.diffusion.noise import ImageNoise, NoiseOptions
from webui.diffusion.prediction import Prediction
from webui.diffusion.schedules import ScheduleOptions
from webui.diffusion.step import SamplerOptions
from webui.models.loaded_model import LoadedModel, apply_numbers
from webui.pipelines.encode import EncodedBatch
from webui.plugins.batch import Batch
from webui.plugins.context import Context

TINY = "TAESD"
NO_TINY = (
    "There is no TAESD for this checkpoint, so the full VAE was used. "
    "Put taesd_decoder and taesd_encoder (taesdxl_… for SDXL) into models/VAE-approx."
)
# Seeds of the noise of the VAE's encoder, apart from those of the pictures.
ENCODER_SEEDS = 0x5EED_0000_0000


@contextmanager
def use_models(request: GenerationRequest, context: Context) -> Iterator[LoadedModel]:
    """The checkpoint and VAE of a request."""
    settings, options = context.settings, request.options
    with context.models.use(
        request.model,
        request.vae,
        settings.numbers.precision,
        vae_choice_first=settings.models.sd_vae_overrides_per_model_preferences,
        vae_falls_back=settings.numbers.auto_vae_precision,
    ) as sd:
        if TINY in (options.sd_vae_decode_method, options.sd_vae_encode_method):
            sd.tiny_vae = context.models.tiny_vaes.for_family(sd.family, sd.leases)
            has_needed = (sd.tiny_vae.decoder or options.sd_vae_decode_method != TINY) and (
                sd.tiny_vae.encoder or options.sd_vae_encode_method != TINY or not request.is_img2img
            )
            if not has_needed and NO_TINY not in sd.messages:
                sd.messages.append(NO_TINY)
        yield sd


def make_denoising(batch: Batch, sd: LoadedModel, encoded: EncodedBatch, noise: ImageNoise) -> Denoising:
    """Everything a batch needs, ready to run: the moment for extensions that shape the sampling."""
    request, options = batch.request, batch.request.options
    return Denoising(
        network=sd.network,
        prediction=prediction_of(sd, request),
        cond=encoded.cond,
        uncond=encoded.uncond,
        noise=noise,
        family=sd.family.value,
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
        adapters=adapters(batch, encoded),
        encode=None if encoded.read is None else encoded.read.encode,
    )


def encode_images(
    pictures: Tensor, request: GenerationRequest, sd: LoadedModel, noise: Tensor | None = None
) -> Tensor:
    """Pictures (B, 3, H, W) in 0…1 to latents (B, C, h, w), seamless where the request is."""
    wants_tiny, tile = request.options.sd_vae_encode_method == TINY, request.options.vae_encoder_tile
    tiny = sd.tiny_vae.encoder if wants_tiny else None
    with tile_seamlessly(tiny or sd.vae.module, request):
        return sd.encode(pictures, noise, tile) if tiny is None else sd.tiny_vae.encode(pictures)


def decode_latent(latent: Tensor, request: GenerationRequest, sd: LoadedModel) -> Tensor:
    """Latents (B, C, h, w) to pictures (B, 3, H, W) in 0…1 on the CPU, seamless where the request is.

    Raises InvalidNumbers where there is no picture in the numbers.
    """
    wants_tiny, tile = request.options.sd_vae_decode_method == TINY, request.options.vae_decoder_tile
    tiny = sd.tiny_vae.decoder if wants_tiny else None
    module = tiny or sd.vae.module
    with tile_seamlessly(module, request), vae_hypertile(module, request, latent):
        return sd.decode(latent, tile) if tiny is None else apply_numbers(sd.tiny_vae.decode(latent))


def tile_seamlessly(module: nn.Module, request: GenerationRequest) -> AbstractContextManager[None]:
    """The module makes pictures whose edges fit together while the context is open, if the request does."""
    return Tiling().attach(module) if request.tiling else nullcontext()


def encoder_noise(batch: Batch, sd: LoadedModel, shape: tuple[int, int, int], count: int) -> Tensor:
    """What chooses from the VAE's posterior, (count, C, h, w): tied to the seeds, as A1111's is not."""
    seeds = [(seed + ENCODER_SEEDS) % 2**63 for seed in batch.seeds[:count]]
    return ImageNoise(shape, seeds, NoiseOptions(batch.request.options.randn_source), sd.device).draw()


def source_noise(request: GenerationRequest, sd: LoadedModel, shape: tuple[int, int, int]) -> Tensor:
    """The same for an init picture, (1, C, h, w): alike for every picture and seed.

    So a picture of a batch comes out alike when it is made alone.
    """
    return ImageNoise(shape, [ENCODER_SEEDS], NoiseOptions(request.options.randn_source), sd.device).draw()


def batch_noise(batch: Batch, sd: LoadedModel, size: tuple[int, int] | None = None) -> ImageNoise:
    """The noise of a batch: one generator a picture; `size` is the latent's (h, w) if not the request's."""
    request, options = batch.request, batch.request.options
    varied = request.variation_strength != 0
    resized = request.seed_resize_width > 0 and request.seed_resize_height > 0
    return ImageNoise(
        (
            sd.latent_format.channels,
            *(size or sd.latent_size(request.width, request.height)),
        ),
        batch.seeds,
        NoiseOptions(
            source=options.randn_source,
            variation_seeds=tuple(request.variation_seed_of(i) for i in batch.indexes) if varied else (),
            variation_strength=float(request.variation_strength),
            resize_from=sd.latent_size(request.seed_resize_width, request.seed_resize_height)
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


def guidance(request: GenerationRequest, encoded: EncodedBatch) -> Guidance:
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


def adapters(batch: Batch, encoded: EncodedBatch) -> list[Adapter]:
    """Changes to the network that the batch's request asks for."""
    request = batch.request
    found: list[Adapter] = [Tiling()] if request.tiling else []
    if encoded.activated.hypernetworks:
        found.append(HypernetworkAdapter(encoded.activated.hypernetworks))
    ratio = float(request.token_merging_ratio)
    if ratio > 0:
        found.append(TokenMerging(ratio))
    # Behind token merging, whose tokens are no picture.
    return [*found, unet_hypertile(batch)] if request.options.hypertile_enable_unet else found


def unet_hypertile(batch: Batch) -> HyperTile:
    """HyperTile for a batch; its first seed chooses, so that it is made again with the same tiles."""
    request, options = batch.request, batch.request.options
    tile = largest_tile(request.width, request.height, options.hypertile_max_tile_unet)
    choice = TileChoice(tile, options.hypertile_swap_size_unet, batch.seeds[0])
    return HyperTile(choice, options.hypertile_max_depth_unet)


def vae_hypertile(
    module: nn.Module, request: GenerationRequest, latent: Tensor
) -> AbstractContextManager[None]:
    """The VAE's decoder attends within tiles while the context is open, if the request says so.

    Their size follows the picture that comes of the latent, which a second pass makes larger.
    """
    options = request.options
    if not options.hypertile_enable_vae:
        return nullcontext()
    height, width = (side * CELL for side in latent.shape[-2:])
    tile = largest_tile(width, height, options.hypertile_max_tile_vae)
    return VaeHyperTile(TileChoice(tile, options.hypertile_swap_size_vae, request.seed)).attach(module)
