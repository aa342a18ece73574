"""The detailer's passes over a finished picture."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from extensions.detailer.detectors import find_detector, load_detector
from extensions.detailer.masks import make_masks
from extensions.detailer.part import Detailer, DetailerUnit
from webui.plugins import Context, GenerationRequest, ImageReady, Inpainting, PictureMoment, make_request

_SEPARATOR = re.compile(r"\s*\[SEP\]\s*")
OWN_PROMPT, SKIP = "[PROMPT]", "[SKIP]"
SAME_SCHEDULER = "Use same scheduler"
SEEDS = 2**64


@dataclass(frozen=True, slots=True)
class Passes:
    """All passes over one picture."""

    part: Detailer
    picture: PictureMoment
    context: Context

    def __call__(self, image: Image.Image) -> Image.Image:
        """The picture with everything that was found painted anew. Raises WebuiError."""
        request = self.picture.request
        if self.part.skip_img2img and request.is_img2img:
            start = self.context.inputs.open(request.init_images[0])
            image = start.convert("RGB").resize(image.size, Image.Resampling.LANCZOS)
        for unit in self.part.units:
            if unit.is_on and not self._ends:
                image = self._paint(image, unit)
        return image

    @property
    def _ends(self) -> bool:
        return self.context.stop.is_cancelled or self.context.stop.is_stopped

    def _paint(self, image: Image.Image, unit: DetailerUnit) -> Image.Image:
        request = self.picture.request
        masks = self._find(image, unit)
        prompts = split_prompt(unit.prompt, request.prompt)
        negative_prompts = split_prompt(unit.negative_prompt, request.negative_prompt)
        for number, mask in enumerate(masks):
            texts = at(prompts, number), at(negative_prompts, number)
            if self._ends or texts[0].strip() == SKIP:
                continue
            if self.part.show_masks:
                self._show(image, mask)
            inner = make_inner_request(unit, request, self._keep(image), self._keep(mask), texts, number)
            made = self.context.generate(inner, f"Detailer, {number + 1} of {len(masks)}")
            image = made[0].image.convert("RGB") if made else image
        return image

    def _find(self, image: Image.Image, unit: DetailerUnit) -> list[Image.Image]:
        paths = self.context.paths
        path = find_detector(unit.model, paths.models if paths else None)
        stat = path.stat()
        key = ("detailer", path, stat.st_mtime_ns, stat.st_size)
        with self.context.lease(key, lambda device: load_detector(path), path.name, stat.st_size) as detector:
            found = detector.find(image, float(unit.confidence))
        return make_masks(found, image.size, unit)

    def _keep(self, image: Image.Image) -> str:
        return self.context.inputs.add_image(image)

    def _show(self, image: Image.Image, mask: Image.Image) -> None:
        """What is painted anew, in the picture's colours; the rest is darkened."""
        request = self.picture.request
        shown = Image.composite(image, image.point([value // 4 for value in range(256)] * 3), mask)
        ready = ImageReady(
            index=self.picture.index,
            image=shown,
            infotext="",
            seed=request.seed,
            variation_seed=request.variation_seed,
            aside="-mask",
            is_saved=False,
            request=request,
        )
        self.context.emit(ready)


def split_prompt(written: str, own: str) -> Sequence[str]:
    """The prompt of each area; empty ones are the picture's own."""
    return [(piece or OWN_PROMPT).replace(OWN_PROMPT, own) for piece in _SEPARATOR.split(written)]


def at(texts: Sequence[str], number: int) -> str:
    """The text of an area; the last one goes on."""
    return texts[min(number, len(texts) - 1)]


def make_inner_request(
    unit: DetailerUnit,
    request: GenerationRequest,
    image: str,
    mask: str,
    texts: tuple[str, str],
    number: int,
) -> GenerationRequest:
    """The inpainting of area `number`: `image` and `mask` are references. Raises InvalidRequest."""
    inpainting = Inpainting(
        mask=mask,
        mask_blur_x=unit.mask_blur,
        mask_blur_y=unit.mask_blur,
        only_masked=unit.inpaint_only_masked,
        padding=unit.inpaint_only_masked_padding,
    )
    nothing = {"outpainting": None, "loopback": None, "hires": None, "refiner": None, "plan": None}
    changes: dict[str, object] = {
        "prompt": texts[0],
        "negative_prompt": texts[1],
        "init_images": (image,),
        "inpainting": inpainting,
        "resize_mode": "Just resize",
        "denoising_strength": unit.denoising_strength,
        "seed": (request.seed + number) % SEEDS,
        "batch_size": 1,
        "batch_count": 1,
        "script": "",
        "extras": {},
        "restore_faces": unit.restore_face,
    }
    own = {name: getattr(request, name) for name in GenerationRequest.model_fields}
    return make_request(**own | nothing | changes | separate_values(unit, request))


def separate_values(unit: DetailerUnit, request: GenerationRequest) -> dict[str, object]:
    """What a unit has of its own in place of the picture's."""
    values: dict[str, object] = {}
    if unit.use_inpaint_width_height:
        values |= {"width": unit.inpaint_width, "height": unit.inpaint_height}
    if unit.use_steps:
        values["steps"] = unit.steps
    if unit.use_cfg_scale:
        values["cfg_scale"] = unit.cfg_scale
    if unit.use_sampler:
        values["sampler"] = unit.sampler
        values |= {} if unit.scheduler == SAME_SCHEDULER else {"schedule": unit.scheduler}
    # ADetailer's names for what is chosen nowhere else.
    if unit.use_checkpoint and unit.checkpoint not in ("", "None", "Use same checkpoint"):
        values["model"] = unit.checkpoint
    if unit.use_vae and unit.vae not in ("", "Use same VAE"):
        values["vae"] = unit.vae
    options: dict[str, object] = {"clip_skip": unit.clip_skip} if unit.use_clip_skip else {}
    if unit.use_noise_multiplier:
        options["initial_noise_multiplier"] = unit.noise_multiplier
    return values | ({"options": request.options.model_copy(update=options)} if options else {})
