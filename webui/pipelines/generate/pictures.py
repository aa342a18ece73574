"""Finished latents to finished pictures, in the order of A1111's moments: places where hooks go."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from PIL import Image
from torch import Tensor

from webui.core.events import Aside, Event, ImageReady, Message, Phase, SaveAs
from webui.core.request import GenerationRequest
from webui.core.request_infotext import BLANK_MASK, PictureFacts, format_infotext
from webui.models.loaded_model import LoadedModel
from webui.pipelines.encode import old_timelines_matter
from webui.pipelines.generate.kept_latents import store_latents
from webui.pipelines.img2img.colours import correct_colours
from webui.pipelines.img2img.img2img import Originals
from webui.pipelines.img2img.resize import Upscale, resize
from webui.pipelines.setup import decode_latent
from webui.plugins.batch import Batch
from webui.plugins.context import Context
from webui.plugins.moments import BatchImages, PictureMoment, Place
from webui.store.pictures.latents import StoredLatent


def decode(latent: Tensor, sd: LoadedModel, request: GenerationRequest) -> Iterator[Image.Image]:
    """Latents (B, C, h, w) to pictures, one at a time as A1111."""
    for single in latent.split(1):
        yield to_picture(decode_latent(single, request, sd)[0])


def to_picture(pixels: Tensor) -> Image.Image:
    """Pixels (3, H, W) as a picture, values cut off (not rounded) to 8 bits."""
    array = (pixels.clamp(0, 1) * 255).to(torch.uint8).permute(1, 2, 0).contiguous().numpy()
    return Image.fromarray(array)


def make_pictures(
    latent: Tensor,
    batch: Batch,
    sd: LoadedModel,
    facts: PictureFacts,
    context: Context,
    originals: Originals | None = None,
    entries: Sequence[Mapping[str, str]] = (),
) -> Iterator[Event]:
    """A finished latent (B, C, h, w) to pictures; it is on disk until they are.

    `entries` are infotext keys of each picture by itself.
    """
    originals = originals or Originals()
    with store_latents(latent, batch.request, batch.indexes[0], sd, facts, context) as kept:
        yield from tell([kept.warning] if kept.warning else [])
        making = Making(batch, sd, facts, context, originals, kept, entries)
        if context.plugins.uses("change_batch"):
            yield from finish_changed_batch(latent, making)
        else:
            yield from finish_pictures(latent, range(len(latent)), making)
    yield from tell(sd.take_messages())


@dataclass(frozen=True, slots=True)
class Making:
    """What turns a batch's latent into pictures, and where it is kept meanwhile."""

    batch: Batch
    sd: LoadedModel
    facts: PictureFacts
    context: Context
    originals: Originals
    kept: StoredLatent
    entries: Sequence[Mapping[str, str]] = ()

    def facts_of(self, place: int) -> PictureFacts:
        """What is known of one of the batch's pictures."""
        found = dict(self.entries[place]) if place < len(self.entries) else {}
        if self.batch.request.plan is not None:
            found |= self.batch.request.picture(self.batch.first + place).entries
        return replace(self.facts, entries=self.facts.entries | found) if found else self.facts

    def finisher(self, place: int) -> "PictureFinisher":
        """What finishes one of the batch's pictures."""
        request, index = self.batch.alone(place)
        index_in_run = self.batch.indexes[place]
        return PictureFinisher(
            request, index, index_in_run, self.facts_of(place), self.context, self.originals.of(place)
        )


def finish_pictures(latent: Tensor, places: Iterable[int], making: Making) -> Iterator[Event]:
    """Some of the pictures of a batch, by their places in its latent (B, C, h, w)."""
    request = making.batch.request
    places = list(places)
    for number, place in enumerate(places, 1):
        several = f"picture {number} of {len(places)}" if len(places) > 1 else ""
        yield Phase(name="Decoding", detail=several)
        (picture,) = decode(latent[place : place + 1], making.sd, request)
        for made in making.finisher(place)(picture):
            # An aside is no decoded latent.
            latent_id = making.kept.id if isinstance(made, ImageReady) and not made.aside else ""
            yield made.model_copy(update={"latent": latent_id}) if latent_id else made
        # Whoever took the picture has saved it by now.
        making.kept.done()


def finish_changed_batch(latent: Tensor, making: Making) -> Iterator[Event]:
    """All pictures of a batch, which extensions change together. They may make more of them, or fewer."""
    batch, context = making.batch, making.context
    yield Phase(name="Decoding")
    decoded = torch.cat([decode_latent(each, batch.request, making.sd) for each in latent.split(1)])
    images = BatchImages(decoded.clamp(0, 1), list(batch.pictures))
    images = context.plugins.change(
        "change_batch", images, context.tell, name="images", check=check_batch, batch=batch, context=context
    )
    is_same_count = len(images.images) == len(latent) == len(images.pictures)
    if not is_same_count or tuple(images.pictures) != batch.pictures:
        making = replace(making, batch=batch.of_pictures(tuple(images.pictures)))
    for place, pixels in enumerate(images.images):
        yield from making.finisher(place)(to_picture(pixels))
        making.kept.done()


def check_batch(images: BatchImages) -> None:
    """Raise ValueError for a batch that is none."""
    shape = images.images.shape
    if len(shape) != 4 or shape[1] != 3 or not shape[0]:
        raise ValueError(f"images must have the shape (B, 3, H, W), but it is {tuple(shape)}")
    if shape[0] != len(images.pictures):
        raise ValueError(f"there are {shape[0]} images, but {len(images.pictures)} entries in pictures")


class PictureFinisher:
    """What happens to one decoded picture: faces, colours, the original around it, infotext."""

    def __init__(
        self,
        request: GenerationRequest,
        index: int,
        index_in_run: int,
        facts: PictureFacts,
        context: Context,
        originals: Originals,
    ) -> None:
        """`index` is the picture's in the request; `originals` are those of this picture."""
        self._request, self._index, self._facts = request, index, facts
        self._index_in_run, self._entries = index_in_run, dict[str, str]()
        self._saving, self._context, self._originals = context.settings.saving, context, originals
        self._overlay = next(iter(originals.overlays), None) if request.options.overlay_inpaint else None
        self._mask = originals.mask
        self._is_saved, self._folder = True, ""
        self._infotext: str | None = None

    def __call__(self, picture: Image.Image) -> Iterator[Event]:
        """The picture's events: what is shown or saved beside it, and the picture itself."""
        picture = self._changed(picture, "decoded")
        if self._request.restore_faces:
            yield Phase(name="Restoring faces")
            if self._saving.save_images_before_face_restoration:
                yield self._ready(picture, "-before-face-restoration")
            picture = self._with_faces(picture)
        picture = self._changed(picture, "restored")
        for colours in self._originals.colours:
            if self._saving.save_images_before_color_correction:
                yield self._ready(self._laid_over(picture)[0], "-before-color-correction")
            picture = correct_colours(picture, colours)
        picture, alone = self._laid_over(self._changed(picture, "before_overlay"))
        ready = self._ready(self._changed(picture, "composed"))
        yield ready.model_copy(update=self._place())
        yield from self._masks(alone)

    def _changed(self, picture: Image.Image, place: Place) -> Image.Image:
        """The picture as extensions want it at this place."""
        context = self._context
        if not context.plugins.uses("change_image"):
            return picture
        request = self._request.only(self._index)
        moment = PictureMoment(place, self._index_in_run, request, self._mask, self._overlay)
        changed = context.plugins.change(
            "change_image",
            picture,
            context.tell,
            name="image",
            check=check_picture,
            picture=moment,
            context=context,
        )
        self._entries |= moment.entries
        self._infotext = moment.infotext if moment.infotext is not None else self._infotext
        self._is_saved = self._is_saved and moment.is_saved
        self._folder = moment.folder or self._folder
        self._mask = self._take("mask", self._mask, moment.mask, "L")
        self._overlay = self._take("overlay", self._overlay, moment.overlay, "RGBA")
        return changed if changed.mode == "RGB" else changed.convert("RGB")

    def _place(self) -> dict[str, object]:
        """Where the picture goes, if extensions want it elsewhere."""
        place: dict[str, object] = {} if self._is_saved else {"is_saved": False}
        if self._folder:
            place["save_as"] = SaveAs(folder=self._folder, as_usual=True)
        return place

    def _take(
        self, name: str, own: Image.Image | None, given: Image.Image | None, mode: str
    ) -> Image.Image | None:
        """The mask or overlay that extensions put in the place of ours, if it fits."""
        if given is own or own is None:
            return own
        if not isinstance(given, Image.Image) or given.size != own.size:
            said = f"one of {given.size}" if isinstance(given, Image.Image) else repr(given)
            self._context.tell(
                f"An extension replaced the {name} by {said}, not by one of {own.size}. It was not used."
            )
            return own
        return given.convert(mode)

    def _with_faces(self, picture: Image.Image) -> Image.Image:
        options = self._request.options
        return self._context.restore_faces(
            picture, options.face_restoration_model, float(options.code_former_weight)
        )

    def _laid_over(self, picture: Image.Image) -> tuple[Image.Image, Image.Image]:
        """The picture in its place with the original around it, and without."""
        if self._overlay is None:
            return picture, picture
        alone, region = picture, self._originals.region
        if region is not None:
            alone = Image.new("RGBA", self._overlay.size)
            upscale = use_upscaler(self._request, self._context)
            upscaler = self._request.options.upscaler_for_img2img
            alone.paste(resize(picture, *region.size, "Crop and resize", upscaler, upscale), region[:2])
        covered = alone.convert("RGBA")
        covered.alpha_composite(self._overlay)
        return covered.convert("RGB"), alone

    def _masks(self, alone: Image.Image) -> Iterator[ImageReady]:
        """Inpainting's mask, and what it made cut out by it, where the settings want them."""
        saving, mask = self._saving, self._mask
        if mask is None:
            return
        if saving.save_mask or saving.return_mask:
            yield self._ready(
                mask.convert("RGB"), "-mask", is_saved=saving.save_mask, is_shown=saving.return_mask
            )
        if saving.save_mask_composite or saving.return_mask_composite:
            fitted = resize(mask, *alone.size, "Resize and fill")
            clear = Image.new("RGBa", alone.size)
            part = Image.composite(alone.convert("RGBA").convert("RGBa"), clear, fitted).convert("RGBA")
            saved, shown = saving.save_mask_composite, saving.return_mask_composite
            yield self._ready(part, "-mask-composite", is_saved=saved, is_shown=shown)

    def _ready(
        self, picture: Image.Image, aside: Aside = "", *, is_saved: bool = True, is_shown: bool | None = None
    ) -> ImageReady:
        shown = not aside if is_shown is None else is_shown
        entries = self._facts.entries | self._entries
        facts = replace(self._facts, entries=entries) if self._entries else self._facts
        made = make_ready(picture, self._index, self._request, facts)
        changes: dict[str, object] = {"index": self._index_in_run, "aside": aside}
        changes |= {"is_saved": is_saved, "is_shown": shown}
        if self._infotext is not None:
            changes["infotext"] = self._infotext
        return made.model_copy(update=changes)


def check_picture(picture: Image.Image) -> None:
    """Raise TypeError for what is no picture."""
    if not isinstance(picture, Image.Image):
        raise TypeError(f"it must return a PIL image or None, not {type(picture).__name__}")


def make_ready(
    picture: Image.Image, index: int, request: GenerationRequest, facts: PictureFacts
) -> ImageReady:
    """A picture with its infotext."""
    return ImageReady(
        index=index,
        image=picture,
        infotext=format_infotext(request, index, facts),
        seed=request.seed_of(index),
        variation_seed=request.variation_seed_of(index),
        request=request,
        facts={
            "model_name": facts.model_name,
            "model_hash": facts.model_hash,
            "vae_name": facts.vae_name,
            "vae_hash": facts.vae_hash,
            "version": facts.version,
        },
    )


def show_first_pass(
    picture: Image.Image, batch: Batch, place: int, sd: LoadedModel, context: Context
) -> ImageReady:
    """What hires fix started from, to be saved beside its result."""
    facts = picture_facts(sd, batch.request, context)
    request, index = batch.alone(place)
    made = make_ready(picture, index, request, facts)
    changes = {"index": batch.indexes[place], "aside": "-before-highres-fix", "is_shown": False}
    return made.model_copy(update=changes)


def picture_facts(sd: LoadedModel, request: GenerationRequest, context: Context) -> PictureFacts:
    """What the infotext says of the checkpoint, as far as the settings want it there."""
    saving = context.settings.saving
    vae, catalog = sd.vae_file, context.models.catalog
    has_old_timelines = request.options.use_old_scheduling and old_timelines_matter(request)
    return PictureFacts(
        model_name=sd.file.stem if saving.add_model_name_to_info else "",
        model_hash=catalog.sha256(sd.file)[:10] if saving.add_model_hash_to_info else "",
        vae_name=vae.file_name if vae and saving.add_vae_name_to_info else "",
        vae_hash=catalog.sha256(vae)[:10] if vae and saving.add_vae_hash_to_info else "",
        version=context.version if saving.add_version_to_infotext else "",
        hires_checkpoint=hires_checkpoint(sd, request, context),
        effects=frozenset({"Old prompt editing timelines"} if has_old_timelines else set[str]())
        | frozenset({"Conditional mask weight"} if sd.is_inpainting else set[str]()),
    )


def hires_checkpoint(sd: LoadedModel, request: GenerationRequest, context: Context) -> str:
    """The name of the second pass's checkpoint, if it is another than the first's."""
    if request.hires is None or not request.hires.model:
        return ""
    file = context.models.catalog.find_checkpoint(request.hires.model)
    return file.stem if file.path != sd.file.path else ""


def facts_of_run(
    facts: PictureFacts,
    effects: Iterable[str],
    refiner: str,
    *,
    entries: dict[str, str],
    is_mask_blank: bool,
    image_hash: str,
) -> PictureFacts:
    """With what is known only after sampling."""
    found = facts.effects | frozenset(effects) | frozenset({BLANK_MASK} if is_mask_blank else set[str]())
    return replace(facts, effects=found, refiner=refiner, entries=entries, init_image_hash=image_hash)


def use_upscaler(request: GenerationRequest, context: Context) -> Upscale:
    """Enlarging by a named upscaler, with the request's tiles."""
    options = request.options

    def upscale(image: Image.Image, scale: float, name: str) -> Image.Image:
        return context.upscalers.upscale(
            image,
            scale,
            name,
            tile=options.ESRGAN_tile,
            overlap=options.ESRGAN_tile_overlap,
            stop=context.stop,
        )

    return upscale


def tell(texts: Iterable[str]) -> Iterator[Message]:
    """Warnings for the artist."""
    for text in texts:
        yield Message(text=text, level="warning")
