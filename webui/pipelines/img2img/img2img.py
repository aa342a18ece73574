"""Where img2img starts: init pictures and mask, resized, cut, filled and encoded as A1111 does."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional

from webui.core.errors import InvalidRequest
from webui.core.request import GenerationRequest
from webui.core.request_parts import Inpainting
from webui.diffusion.denoising import InitImage
from webui.diffusion.inpaint import LatentMask
from webui.diffusion.noise import ImageNoise, NoiseOptions
from webui.diffusion.soft_inpainting import SoftBlend
from webui.models.loaded_model import LoadedModel
from webui.pipelines.img2img.colours import Lab, measure_colours
from webui.pipelines.img2img.image_conditioning import condition_on_mask, mask_tensor, pixels_of
from webui.pipelines.img2img.masks import (
    Region,
    fill_masked,
    latent_mask,
    masked_region,
    original_around,
    overlay_mask,
    prepared_mask,
    sized_mask,
)
from webui.pipelines.img2img.outpaint import Extended, extended, noise_seed
from webui.pipelines.img2img.resize import LANCZOS, Upscale, flatten, resize
from webui.pipelines.setup import encode_images, source_noise
from webui.plugins.context import Context

LATENT_RESIZE = "Just resize (latent upscale)"
BLANK = "The mask is blank, so the whole picture was made anew."


@dataclass(frozen=True, slots=True)
class MaskUse:
    """A mask as it is used: `latent` at the size of the result, `overlay` over the whole picture (mode L).

    `region` is the part of the picture that is worked on; None for all of it.
    """

    latent: Image.Image
    overlay: Image.Image
    region: Region | None = None


@dataclass(frozen=True, slots=True)
class Originals:
    """What goes over or around the results: `overlays` (RGBA) by picture, cut out by `mask` (mode L).

    `pictures` (RGB) are whole originals, `colours` what to correct by. All may be empty.
    """

    region: Region | None = None
    mask: Image.Image | None = None
    overlays: tuple[Image.Image, ...] = ()
    pictures: tuple[Image.Image, ...] = ()
    colours: tuple[Lab, ...] = ()

    def of(self, place: int) -> "Originals":
        """Those of one picture of a batch."""

        def one(all_of_them: tuple) -> tuple:  # of pictures or of colours
            return all_of_them[place % len(all_of_them) :][:1] if all_of_them else ()

        return replace(
            self, overlays=one(self.overlays), pictures=one(self.pictures), colours=one(self.colours)
        )


@dataclass(frozen=True, slots=True)
class Start:
    """Where img2img starts. `latent` (B, C, h, w); `opacity` (h, w) is the mask's, 1 is made anew."""

    latent: Tensor
    originals: Originals
    opacity: NDArray[np.float32] | None = None
    conditioning: Tensor | None = None
    messages: tuple[str, ...] = ()
    is_mask_blank: bool = False
    image_hash: str = ""
    init_images: tuple[Image.Image, ...] = field(default=(), repr=False)
    sources: "Img2ImgInputs | None" = field(default=None, repr=False)

    def part(self, offset: int, count: int) -> "Start":
        """Where some of a batch's pictures start, by their places in it."""
        if count == len(self.latent):
            return self
        places = range(offset, offset + count)
        each = [self.originals.of(place) for place in places]
        one = each[0]
        originals = replace(
            one,
            overlays=tuple(overlay for own in each for overlay in own.overlays),
            pictures=tuple(picture for own in each for picture in own.pictures),
            colours=tuple(colours for own in each for colours in own.colours),
        )
        rows = slice(offset, offset + count)
        conditioning = self.conditioning if self.conditioning is None else self.conditioning[rows]
        sources = self.sources and self.sources.part(offset, count)
        return replace(
            self, latent=self.latent[rows], conditioning=conditioning, originals=originals, sources=sources
        )

    def init(self, request: GenerationRequest) -> InitImage:
        """As the sampler takes it."""
        options = request.options
        init = InitImage(
            self.latent,
            float(request.denoising_strength),
            fix_steps=options.img2img_fix_steps,
            extra_noise=float(options.img2img_extra_noise),
        )
        if self.sources is None:
            return init
        use = self.sources.use
        return replace(
            init,
            pictures=self.sources.worked_on,
            mask=use.latent if use else None,
            region=use.region if use else None,
            whole_size=self.sources.wholes[0].size,
        )

    def mask(self, request: GenerationRequest) -> LatentMask | None:
        """What is kept while the rest is denoised; None without a mask."""
        if self.opacity is None or request.inpainting is None:
            return None
        keep = 1.0 - torch.from_numpy(self.opacity).to(self.latent.device)[None, None]
        mask = LatentMask(self.latent, keep)
        if soft := request.inpainting.soft:
            mask.on_blend.append(
                SoftBlend(
                    float(soft.schedule_bias),
                    float(soft.preservation_strength),
                    float(soft.transition_contrast_boost),
                )
            )
        return mask


def open_images(request: GenerationRequest, context: Context) -> list[Image.Image]:
    """The request's init pictures. Raises NotFound or UnusableFile."""
    return [context.inputs.open(reference) for reference in request.init_images]


def make_start(
    request: GenerationRequest, sd: LoadedModel, context: Context, upscale: Upscale | None = None
) -> Start:
    """Open, prepare and encode; the same for all batches of the run."""
    images = open_images(request, context)
    sources = prepare_sources(images, request, context, upscale)
    latent, conditioning, opacity = encode_sources(sources.worked_on, request, sd, sources.use)
    return Start(
        latent,
        sources.originals(request),
        opacity,
        conditioning,
        (BLANK,) if sources.is_mask_blank else (),
        is_mask_blank=sources.is_mask_blank,
        image_hash=hashlib.md5(images[-1].tobytes(), usedforsecurity=False).hexdigest(),
        init_images=tuple(images),
        sources=sources,
    )


@dataclass(frozen=True, slots=True)
class Img2ImgInputs:
    """Pictures ready to be encoded, the wholes they come from, and the mask; a blank one is not used."""

    wholes: tuple[Image.Image, ...]
    worked_on: tuple[Image.Image, ...]
    use: MaskUse | None
    is_mask_blank: bool

    def part(self, offset: int, count: int) -> "Img2ImgInputs":
        """Those of some of a batch's pictures, by their places in it."""
        if len(self.worked_on) == 1:
            return self
        chosen = slice(offset, offset + count)
        return replace(self, wholes=self.wholes[chosen], worked_on=self.worked_on[chosen])

    def originals(self, request: GenerationRequest) -> Originals:
        """What is put over the results, and the colours they are given."""
        corrects = request.options.img2img_color_correction
        colours = tuple(measure_colours(image) for image in self.worked_on) if corrects else ()
        if self.use is None:
            return Originals(colours=colours)
        overlays = tuple(original_around(whole, self.use.overlay) for whole in self.wholes)
        return Originals(self.use.region, self.use.overlay, overlays, self.wholes, colours)


def prepare_sources(
    images: Sequence[Image.Image], request: GenerationRequest, context: Context, upscale: Upscale | None
) -> Img2ImgInputs:
    """Flattened, extended, resized, cut and filled, as a complete request asks."""
    drawn, background = mask_picture(request, context), request.options.img2img_background_color
    flat = [flatten(image, background) for image in images]
    if request.outpainting:
        grown = extend_all(flat, drawn, request, upscale)
        flat, drawn = [each.picture for each in grown], grown[0].mask
        request = without_inverting(request)
    use = mask_use(request, flat[0].size, drawn) if drawn is not None else None
    prepared = [prepare_picture(image, request, use, upscale) for image in flat]
    return Img2ImgInputs(
        tuple(each.whole for each in prepared),
        tuple(each.worked_on for each in prepared),
        use,
        is_mask_blank=drawn is not None and use is None,
    )


def extend_all(
    images: Sequence[Image.Image],
    drawn: Image.Image | None,
    request: GenerationRequest,
    upscale: Upscale | None,
) -> list[Extended]:
    """Pictures with room around them, of the result's size. All come to the size of the first."""
    part, inpainting = request.outpainting, request.inpainting
    assert part is not None, "there is room to add"
    assert inpainting is not None, "the room is a mask"
    size = request.width - part.left - part.right, request.height - part.up - part.down
    mode = "Just resize" if request.resize_mode == LATENT_RESIZE else request.resize_mode
    mask = sized_mask(drawn, images[0].size, inpainting) if drawn is not None else None
    inner = resize(mask, *size) if mask is not None else None
    sized = [
        image
        if image.size == size
        else resize(image, *size, mode, request.options.upscaler_for_img2img, upscale)
        for image in images
    ]
    return [extended(image, part, noise_seed(image), inner) for image in sized]


def without_inverting(request: GenerationRequest) -> GenerationRequest:
    """For a mask that is inverted already."""
    if request.inpainting is None:
        return request
    return request.model_copy(update={"inpainting": request.inpainting.model_copy(update={"invert": False})})


def originals_for(request: GenerationRequest, context: Context, upscale: Upscale | None = None) -> Originals:
    """What goes over the results of a request that is not sampled again; none for txt2img."""
    if not request.is_img2img:
        return Originals()
    request = complete(request, context)
    return prepare_sources(open_images(request, context), request, context, upscale).originals(request)


def complete(request: GenerationRequest, context: Context) -> GenerationRequest:
    """With what follows from other parts: as many pictures as begin, size and mask of an extended canvas."""
    request = fit_canvas(request, context)
    if request.outpainting and not request.inpainting:
        request = request.model_copy(update={"inpainting": Inpainting()})
    count = len(request.init_images)
    return request.model_copy(update={"batch_size": count}) if count > 1 else request


def fit_canvas(request: GenerationRequest, context: Context) -> GenerationRequest:
    """With the size of the extended canvas, if it is extended; once done, it changes nothing more."""
    if request.outpainting is None:
        return request
    return request.around_picture(*context.inputs.open(request.init_images[0]).size)


def mask_picture(request: GenerationRequest, context: Context) -> Image.Image | None:
    """The drawn mask as it was given."""
    part = request.inpainting
    return context.inputs.open(part.mask) if part and part.mask else None


def mask_use(request: GenerationRequest, size: tuple[int, int], drawn: Image.Image) -> MaskUse | None:
    """How the mask is used on pictures of `size`; None for one that is blank where only it would be made."""
    part = request.inpainting
    assert part is not None, "a mask comes with inpainting"
    mask = prepared_mask(drawn, size, part)
    if not part.only_masked:
        mode = "Just resize" if request.resize_mode == LATENT_RESIZE else request.resize_mode
        resized = resize(mask, request.width, request.height, mode)
        return MaskUse(resized, overlay_mask(resized))
    region = masked_region(mask, part.padding, request.width, request.height)
    if region is None:
        return None
    worked_on = resize(mask.crop(region), request.width, request.height, "Resize and fill")
    return MaskUse(worked_on, mask, region)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A picture (RGB) as a whole, and what of it goes into the VAE."""

    whole: Image.Image
    worked_on: Image.Image


def prepare_picture(
    image: Image.Image, request: GenerationRequest, use: MaskUse | None, upscale: Upscale | None
) -> Prepared:
    """Resized or cut, and filled where it is to be made from something else than the original."""
    options, size = request.options, (request.width, request.height)
    whole = image
    if (use is None or use.region is None) and request.resize_mode != LATENT_RESIZE:
        whole = resize(image, *size, request.resize_mode, options.upscaler_for_img2img, upscale)
    worked_on = whole
    if use is None:
        return Prepared(whole, worked_on)
    if use.region is not None:
        part = image.crop(use.region)
        worked_on = resize(part, *size, "Resize and fill", options.upscaler_for_img2img, upscale)
    part = request.inpainting
    if part is not None and part.masked_content != "original":
        mask = use.latent if use.latent.size == worked_on.size else use.latent.resize(worked_on.size, LANCZOS)
        worked_on = fill_masked(worked_on, mask)
    if use.region is None and whole.size != size:
        # The latent will be stretched to the result's size, and so must be what goes over the result.
        whole = whole.resize(size, LANCZOS)
    return Prepared(whole, worked_on)


def encode_sources(
    worked_on: Sequence[Image.Image], request: GenerationRequest, sd: LoadedModel, use: MaskUse | None
) -> tuple[Tensor, Tensor | None, NDArray[np.float32] | None]:
    """Init latent (B, C, h, w), what inpainting checkpoints read, and the mask at the latent's size."""
    part, size = request.inpainting, (request.width, request.height)
    latents = [encode_source(image, request, sd) for image in worked_on]
    latent = torch.cat(latents)
    # Where latents are stretched, the pictures are not of the result's size yet.
    sized = [image if image.size == size else image.resize(size, LANCZOS) for image in worked_on]
    pictures = pixels_of(sized)
    if len(latent) < request.batch_size:
        latent, pictures = (each.repeat(request.batch_size, 1, 1, 1) for each in (latent, pictures))
    weight = float(request.options.inpainting_mask_weight)
    if use is None or part is None:
        return latent, condition_on_mask(sd, pictures, latent, weight), None
    opacity = latent_mask(use.latent, (latent.shape[3], latent.shape[2]), rounds=part.rounds)
    hidden = mask_tensor(use.latent, rounds=part.rounds)
    conditioning = condition_on_mask(sd, pictures, latent, weight, hidden)
    return fill_latent(latent, opacity, request, part), conditioning, opacity


def encode_source(image: Image.Image, request: GenerationRequest, sd: LoadedModel) -> Tensor:
    """A picture as a latent (1, C, h, w) of the result's size. Raises InvalidRequest."""
    pixels = sd.vae.latent_pixels
    if min(image.size) < pixels:
        raise InvalidRequest(
            f"The picture is {image.width}x{image.height}; to stretch its latent it must have at least "
            f"{pixels} pixels a side. Choose another resize mode."
        )
    shape = (sd.latent_format.channels, *sd.latent_size(*image.size))
    noise = source_noise(request, sd, shape)
    latent = encode_images(pixels_of([image]), request, sd, noise)
    size = sd.latent_size(request.width, request.height)
    return latent if latent.shape[2:] == size else functional.interpolate(latent, size=size, mode="bilinear")


def fill_latent(
    latent: Tensor, opacity: NDArray[np.float32], request: GenerationRequest, part: Inpainting
) -> Tensor:
    """The init latent with noise, or nothing, where it is masked, if asked for."""
    new = torch.from_numpy(opacity).to(latent.device)
    if part.masked_content == "latent noise":
        seeds = [request.seed_of(index) for index in range(len(latent))]
        options = NoiseOptions(request.options.randn_source)
        shape = (latent.shape[1], latent.shape[2], latent.shape[3])
        return latent * (1 - new) + ImageNoise(shape, seeds, options, latent.device).draw() * new
    return latent * (1 - new) if part.masked_content == "latent nothing" else latent
