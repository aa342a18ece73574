"""Hires fix: what is between its two passes, and where the second begins."""

from PIL import Image
from torch import Tensor
from torch.nn import functional

from webui.core.request import GenerationRequest
from webui.diffusion.denoising import InitImage
from webui.models.loaded_model import LoadedModel
from webui.pipelines.img2img.image_conditioning import condition_on_mask, condition_on_nothing, pixels_of
from webui.pipelines.img2img.resize import Upscale, resize
from webui.pipelines.setup import encode_images, encoder_noise
from webui.plugins.batch import Batch


def enlarge_latent(latent: Tensor, request: GenerationRequest, sd: LoadedModel) -> Tensor:
    """The first pass's latent (B, C, h, w) at the size of the second."""
    assert request.hires is not None, "there is a second pass"
    assert request.hires.latent_mode is not None, "its upscaler works on latents"
    mode, antialias = request.hires.latent_mode
    return functional.interpolate(
        latent, size=sd.latent_size(*request.hires_size), mode=mode, antialias=antialias
    )


def enlarge_pictures(
    pictures: list[Image.Image], request: GenerationRequest, upscale: Upscale | None
) -> list[Image.Image]:
    """The first pass's pictures at the size of the second."""
    assert request.hires is not None, "there is a second pass"
    upscaler = request.hires.upscaler
    return [resize(each, *request.hires_size, "Just resize", upscaler, upscale) for each in pictures]


def encode_pictures(pictures: list[Image.Image], batch: Batch, sd: LoadedModel) -> Tensor:
    """Pictures as the second pass's latent (B, C, h, w)."""
    shape = (sd.latent_format.channels, *sd.latent_size(*pictures[0].size))
    noise = encoder_noise(batch, sd, shape, len(pictures))
    return encode_images(pixels_of(pictures), batch.request, sd, noise)


def condition_second_pass(
    latent: Tensor, pictures: list[Image.Image] | None, request: GenerationRequest, sd: LoadedModel
) -> Tensor | None:
    """What inpainting checkpoints read in the second pass."""
    weight = float(request.options.inpainting_mask_weight)
    if pictures is None and weight < 1 and sd.is_inpainting:
        return condition_on_mask(sd, sd.decode(latent), latent, weight)
    if pictures is None:
        return condition_on_nothing(sd, latent.shape)
    return condition_on_mask(sd, pixels_of(pictures), latent, weight)


def cut(latent: Tensor, request: GenerationRequest, sd: LoadedModel) -> Tensor:
    """The middle (B, C, h, w) of a latent that covers the size asked for and passes it on one side."""
    part = request.hires
    assert part is not None, "there is a second pass"
    if not part.width or not part.height:
        return latent
    width, height = request.hires_size
    down, across = sd.latent_size(width - part.width, height - part.height)
    rows = slice(down // 2, latent.shape[2] - (down + 1) // 2)
    columns = slice(across // 2, latent.shape[3] - (across + 1) // 2)
    return latent[:, :, rows, columns]


def start_second_pass(latent: Tensor, request: GenerationRequest) -> InitImage:
    """Where the second pass begins: exactly the steps asked for are run."""
    steps = request.second_pass().steps
    extra = float(request.options.img2img_extra_noise)
    return InitImage(
        latent.contiguous(), float(request.denoising_strength), second_pass_steps=steps, extra_noise=extra
    )
