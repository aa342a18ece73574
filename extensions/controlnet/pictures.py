"""The pictures of a unit in a pass: chosen, cut as inpainting cuts, preprocessed, at the pass's size."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from PIL import Image, ImageChops
from torch import Tensor

from extensions.controlnet.hints import (
    choose_resolution,
    mark_masked,
    resize,
    to_mask,
    to_rgb,
    to_tensor,
)
from extensions.controlnet.units import ControlUnit
from webui.plugins import Batch, Context, Denoising, InvalidRequest

LATENT_PIXELS = 8
# Preprocessors whose picture the network gets as it is, masked.
INPAINT = "inpaint"
FILL = "Resize and Fill"
AS_THEY_ARE = frozenset({"none", "", "tile_colorfix", "tile_colorfix+sharp"})


@dataclass(frozen=True, slots=True)
class UnitPictures:
    """What a unit shows its network in one pass. `number` is the unit's, for sentences."""

    unit: ControlUnit
    number: int
    denoising: Denoising
    batch: Batch
    context: Context

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the pass's pictures."""
        init = self.denoising.init
        if init is None:
            return self.batch.request.width, self.batch.request.height
        return init.latent.shape[-1] * LATENT_PIXELS, init.latent.shape[-2] * LATENT_PIXELS

    def images(self) -> list[Image.Image]:
        """One for the whole batch, or one for each of its pictures. Raises InvalidRequest without any."""
        own = self._own_images()
        if own:
            return [self._cut(self.context.inputs.open(each)) for each in own]
        init = self.denoising.init
        if init is not None and init.pictures:
            return list(init.pictures)
        raise InvalidRequest(
            f"ControlNet unit {self.number} has no picture. Drop one onto it, or switch the unit off."
        )

    def hints(self) -> Tensor:
        """The pictures as the network reads them, (B or 1, 3, H, W)."""
        masks = self._masks() if self.unit.module.lower().startswith(INPAINT) else ()
        return torch.cat([self._hint(image, masks) for image in self.images()])

    def region_mask(self) -> Tensor | None:
        """Where the unit acts, (1, 1, H, W); None for everywhere."""
        if self.unit.effective_region_mask is None:
            return None
        mask = to_mask(self.context.inputs.open(self.unit.effective_region_mask))
        return to_tensor(mask.resize(self.size, Image.Resampling.BILINEAR))

    def fitted(self) -> list[Image.Image]:
        """The pictures as they are, at the pass's size."""
        return [resize(to_rgb(image), *self.size, self.unit.resize_mode) for image in self.images()]

    def fitted_mask(self) -> Image.Image:
        """What is to be filled (L, white), at the pass's size. Raises InvalidRequest without a mask."""
        return self._fit_mask(self._masks()[0], self.images()[0])

    def filled(self) -> list[Image.Image]:
        """The pictures at the pass's size, the mask filled by the unit's preprocessor."""
        # OpenCV comes with it.
        from extensions.controlnet.preprocessors import preprocess

        mask = self.fitted_mask()
        return [
            to_rgb(preprocess(self.unit.module, image, context=self.context, mask=mask))
            for image in self.fitted()
        ]

    def latents(self, images: Sequence[Image.Image]) -> Tensor:
        """Pictures of one size as latents (B, C, h, w), by the pass's VAE."""
        pixels = torch.cat([to_tensor(image) for image in images])
        request, settings = self.batch.request, self.context.settings
        with self.context.models.use(
            request.model,
            request.vae,
            settings.numbers.precision,
            vae_choice_first=settings.models.sd_vae_overrides_per_model_preferences,
            vae_falls_back=settings.numbers.auto_vae_precision,
        ) as sd:
            return sd.encode(pixels)

    def _own_images(self) -> Sequence[str]:
        several = self.unit.batch_images
        if several:
            return [several[index % len(several)] for index in self.batch.indexes]
        return [self.unit.image] if self.unit.image else []

    def _cut(self, image: Image.Image) -> Image.Image:
        """The part of a picture that inpainting works on, where it works on a part."""
        init = self.denoising.init
        if init is None or init.region is None or not self.unit.inpaint_crop_input_image:
            return image
        whole = resize(image, *init.whole_size, self.unit.resize_mode)
        return whole.crop(init.region)

    def _hint(self, image: Image.Image, masks: Sequence[Image.Image]) -> Tensor:
        size, mode = self.size, self.unit.resize_mode
        if masks:
            drawn = self._fit_mask(masks[0], image)
            return mark_masked(to_tensor(resize(to_rgb(image), *size, mode)), to_tensor(drawn))
        return to_tensor(resize(self._preprocess(image), *size, mode))

    def _fit_mask(self, mask: Image.Image, image: Image.Image) -> Image.Image:
        """The mask at the pass's size. What Resize and Fill adds around the picture is to be made too."""
        mask = mask.resize(image.size)
        if self.unit.resize_mode != FILL:
            return resize(mask, *self.size, self.unit.resize_mode)
        inside = resize(Image.new("L", image.size, 255), *self.size, FILL, border=0)
        fitted = resize(mask, *self.size, FILL, border=255)
        return ImageChops.lighter(fitted, ImageChops.invert(inside))

    def _adds_sides(self) -> bool:
        """Whether the picture is fitted into a pass of another shape, with room around it."""
        if self.unit.resize_mode != FILL:
            return False
        width, height = self.images()[0].size
        return self.size[0] * height != self.size[1] * width

    def _preprocess(self, image: Image.Image) -> Image.Image:
        unit = self.unit
        if unit.module.lower() in AS_THEY_ARE:
            return to_rgb(image)
        # OpenCV comes with it.
        from extensions.controlnet.preprocessors import preprocess

        mask = self.context.inputs.open(unit.mask) if unit.mask else None
        resolution = choose_resolution(unit, image.size, self.size)
        made = preprocess(
            unit.module,
            image,
            resolution,
            float(unit.threshold_a),
            float(unit.threshold_b),
            self.context,
            mask,
        )
        return to_rgb(made)

    def _masks(self) -> tuple[Image.Image]:
        """What an inpainting network is to fill: the unit's mask, or else inpainting's."""
        if self.unit.mask is not None:
            return (self._cut(to_mask(self.context.inputs.open(self.unit.mask))),)
        init = self.denoising.init
        if init is not None and init.mask is not None:
            return (init.mask.convert("L"),)
        if self._adds_sides():
            return (Image.new("L", self.images()[0].size, 0),)
        raise InvalidRequest(
            f"ControlNet unit {self.number} has no mask to inpaint in. Paint one on its picture, choose "
            "Resize and Fill to draw new sides, or choose another preprocessor."
        )
