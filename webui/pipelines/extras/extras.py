"""The recipe of Extras: each picture is made larger, its faces are restored, it is cut, mirrored and kept.

The steps and the texts they leave are A1111 1.10.1's.
"""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
from PIL import Image, ImageOps

from webui.core.errors import InvalidRequest, NotFound, UnusableFile
from webui.core.events import Event, ImageReady, Message, Phase, Progress, SaveAs
from webui.core.work.extras_request import ExtrasImage, ExtrasRequest, FlipMode, Upscaling
from webui.library.catalog.upscaler_names import CODEFORMER, GFPGAN, NONE
from webui.models.vae.tiles import TileDone
from webui.pipelines.extras.extras_captions import describe_picture
from webui.pipelines.extras.extras_cuts import find_crop_size, focal_crop, sized_crop, split_oversized
from webui.plugins.context import Context
from webui.plugins.extras_picture import ExtrasPicture
from webui.store.files.regular_files import is_folder
from webui.store.pictures.picture_files import pictures_in
from webui.store.reading import open_picture, read_infotext

# What files in a folder are taken for pictures.
# Progress is counted in thousandths of a picture, because tiles are not known before a picture is open.
PARTS = 1000


@dataclass(frozen=True, slots=True)
class Given:
    """A picture to work on: where it is and what it is called."""

    source: Path
    name: str

    @property
    def stem(self) -> str:
        """Its file's name without folder and type."""
        return Path(self.name.replace("\\", "/")).stem


Stage = Generator[TileDone, None, ExtrasPicture]
MakeStage = Callable[[ExtrasPicture, ExtrasRequest, Context], Stage]


@torch.no_grad()
def process_extras(request: ExtrasRequest, context: Context) -> Generator[Event]:
    """Work on every picture of a request. A picture that cannot be used is a message, and the rest go on.

    Raises WebuiError where there is one picture only, or none could be used.
    """
    found = read_pictures(request, context)
    finished, refused = 0, None
    for number, given in enumerate(found):
        if context.stop.is_stopped:
            return
        context.stop.take_skip()
        try:
            for event in process_picture(request, given, context):
                if isinstance(event, TileDone):
                    yield progress(number, len(found), event)
                elif isinstance(event, Phase):
                    yield event
                else:
                    yield event.model_copy(update={"index": finished})
                    finished += 1
        except (UnusableFile, NotFound, InvalidRequest) as error:
            if len(found) == 1:
                raise
            refused = error
            yield Message(text=f"{given.name}: {error}", level="warning")
        yield from tell(context)
    if refused is not None and not finished:
        raise type(refused)(f"None of the {len(found)} pictures could be used. The last: {refused}")


def read_pictures(request: ExtrasRequest, context: Context) -> list[Given]:
    """The pictures of a request: those of its folder if it names one."""
    if request.input_folder.strip():
        return read_folder(Path(request.input_folder.strip()).expanduser())
    return [
        Given(context.inputs.path(each.image), shown_name(each, number))
        for number, each in enumerate(request.images)
    ]


def shown_name(each: ExtrasImage, number: int) -> str:
    """What a picture is called in messages."""
    return each.name or f"Picture {number + 1}"


def read_folder(folder: Path) -> list[Given]:
    """The picture files of a folder, by name; those in folders below are left out. Raises NotFound."""
    if not is_folder(folder):
        raise NotFound(f"There is no folder {str(folder)!r} on the server. Check its name.")
    found = [Given(path, path.name) for path in pictures_in(folder)]
    if not found:
        raise NotFound(
            f"The folder {str(folder)!r} holds no pictures, or the server may not read it. Choose another."
        )
    return found


def process_picture(
    request: ExtrasRequest, given: Given, context: Context
) -> Generator[TileDone | Phase | ImageReady, None, None]:
    """One picture through all stages; yields its results."""
    texts = read_infotext(given.source)
    picture = ExtrasPicture(in_8_bits(open_picture(given.source)))
    target = target_of(request, picture.image.size)
    finished: list[ExtrasPicture] = []
    for each in ask_extensions([picture], request, context, is_last=False):
        done = each if each.is_finished else (yield from take_stages(each, request, context))
        if done is None:
            return
        finished.append(done)
    items = texts.items | ({"parameters": texts.infotext} if texts.infotext else {})
    for each in ask_extensions(finished, request, context, is_last=True):
        for part in cut_parts(each, request, target, context):
            caption = ""
            if request.captions is not None:
                yield Phase(name="Captioning", detail=given.name)
                caption = describe_picture(part.image, request.captions, context)
            yield make_ready(part, given, request, items, caption)


def take_stages(
    picture: ExtrasPicture, request: ExtrasRequest, context: Context
) -> Generator[TileDone | Phase, None, ExtrasPicture | None]:
    """One picture through the recipe's own stages; None where the job was stopped meanwhile."""
    for name, stage in list_stages(request):
        steps = stage(picture, request, context)
        is_told = False
        while True:
            try:
                tile = next(steps)
            except StopIteration as end:
                picture = end.value
                break
            yield tile
            if context.stop.ends_batch:
                steps.close()
                return None
            if not is_told:
                yield Phase(name=name, counts_steps=True)
                is_told = True
    return picture


def ask_extensions(
    pictures: list[ExtrasPicture], request: ExtrasRequest, context: Context, *, is_last: bool
) -> list[ExtrasPicture]:
    """What extensions make of a picture, before the stages and behind them."""
    return context.plugins.change(
        "change_extras",
        pictures,
        context.tell,
        name="pictures",
        check=check_pictures,
        is_last=is_last,
        request=request,
        context=context,
    )


def check_pictures(pictures: object) -> None:
    """Raise TypeError for what is no list of pictures of Extras."""
    are_pictures = isinstance(pictures, list) and all(
        isinstance(each, ExtrasPicture) and each.image.mode in ("RGB", "RGBA")
        for each in cast("list[object]", pictures)
    )
    if not are_pictures:
        raise TypeError("change_extras returns a list of ExtrasPicture, whose images are RGB or RGBA.")


def cut_parts(
    picture: ExtrasPicture, request: ExtrasRequest, target: tuple[int, int], context: Context
) -> Iterator[ExtrasPicture]:
    """What a finished picture is cut into, and the mirrored copies of all of it."""
    images = [picture.image]
    if request.split is not None:
        images = split_oversized(picture.image, target, request.split)
    if request.focal_crop is not None:
        images = [focal_crop(image, target, request.focal_crop, context.upscalers.faces) for image in images]
    if (crop := request.sized_crop) is not None:
        images = [
            sized_crop(image, size) if (size := find_crop_size(image.size, crop)) else image
            for image in images
        ]
    for image in images:
        yield replace(picture, image=image)
        for mode in request.flipped_copies:
            yield replace(picture, image=flip(image, mode))


def flip(image: Image.Image, mode: FlipMode) -> Image.Image:
    """A picture mirrored."""
    if mode in ("Horizontal", "Both"):
        image = ImageOps.mirror(image)
    return ImageOps.flip(image) if mode in ("Vertical", "Both") else image


def target_of(request: ExtrasRequest, size: tuple[int, int]) -> tuple[int, int]:
    """The size that cutting aims at: the one wanted, or a picture's size times the scale."""
    wanted = request.upscaling
    if wanted.mode == "to":
        return wanted.width, wanted.height
    width, height = (side * wanted.scale for side in size)
    return within(width, height, wanted.max_side or max(int(width), int(height), 1))


def list_stages(request: ExtrasRequest) -> list[tuple[str, MakeStage]]:
    """What is done to a picture, in order, and what the job says meanwhile."""
    enlarging: list[tuple[str, MakeStage]] = [("Upscaling", upscale)]
    faces: list[tuple[str, MakeStage]] = [
        ("Restoring faces", restore_with_gfpgan),
        ("Restoring faces", restore_with_codeformer),
    ]
    return faces + enlarging if request.faces_first else enlarging + faces


def restore_with_gfpgan(picture: ExtrasPicture, request: ExtrasRequest, context: Context) -> Stage:
    """Faces by GFPGAN, as far as they are to be seen."""
    visibility = request.faces.gfpgan_visibility
    if visibility == 0:
        return picture
    yield TileDone(0, 1)
    image = blend(picture.image, context.restore_faces(picture.image, GFPGAN, 0.0), visibility)
    return picture.with_info(image, GFPGAN_visibility=round(visibility, 3))


def restore_with_codeformer(picture: ExtrasPicture, request: ExtrasRequest, context: Context) -> Stage:
    """Faces by CodeFormer, as far as they are to be seen."""
    visibility, weight = request.faces.codeformer_visibility, request.faces.codeformer_weight
    if visibility == 0:
        return picture
    yield TileDone(0, 1)
    image = blend(picture.image, context.restore_faces(picture.image, CODEFORMER, weight), visibility)
    return picture.with_info(
        image, CodeFormer_visibility=round(visibility, 3), CodeFormer_weight=round(weight, 3)
    )


def blend(image: Image.Image, over: Image.Image, visibility: float) -> Image.Image:
    """One picture laid over another of its size."""
    return over if visibility >= 1 else Image.blend(image, over.convert(image.mode), visibility)


def upscale(picture: ExtrasPicture, request: ExtrasRequest, context: Context) -> Stage:
    """By the first upscaler, and by the second over it as far as that is visible."""
    wanted = request.upscaling
    if not wanted.enabled or wanted.upscaler_1 == NONE:
        return picture
    first = yield from enlarge(picture, wanted, wanted.upscaler_1, request, context)
    first = first.with_info(first.image, Postprocess_upscaler=wanted.upscaler_1)
    if wanted.upscaler_2 == NONE or wanted.upscaler_2_visibility == 0:
        return first
    second = yield from enlarge(picture, wanted, wanted.upscaler_2, request, context)
    image = blend(first.image, second.image, wanted.upscaler_2_visibility)
    return first.with_info(image, Postprocess_upscaler_2=wanted.upscaler_2)


def enlarge(
    picture: ExtrasPicture, wanted: Upscaling, name: str, request: ExtrasRequest, context: Context
) -> Stage:
    """By one upscaler to the size wanted, cut to it where that is wanted too."""
    size, limited = (wanted.width, wanted.height), False
    scale = wanted.scale
    if wanted.mode == "to":
        info: dict[str, object] = {"Postprocess upscale to": f"{size[0]}x{size[1]}"}
        scale = covering_scale(picture.image, size)
    else:
        info = {"Postprocess upscale by": scale}
        limited = 0 < wanted.max_side < max(picture.image.size) * scale
    if limited:
        width, height = (side * scale for side in picture.image.size)
        scale = covering_scale(picture.image, within(width, height, wanted.max_side))
        info["Max side length"] = wanted.max_side
    steps = context.upscalers.steps(
        picture.image, scale, name, tile=request.tile, overlap=request.tile_overlap
    )
    image = yield from steps
    if wanted.mode == "to" and wanted.crop:
        image = cut_centre(image, size)
        info["Postprocess crop to"] = f"{image.width}x{image.height}"
    return replace(picture, image=image, info=picture.info | info)


def covering_scale(image: Image.Image, size: tuple[int, int]) -> float:
    """How many times larger a picture must become to cover a size."""
    return max(size[0] / image.width, size[1] / image.height)


def within(width: float, height: float, limit: int) -> tuple[int, int]:
    """A size brought down until its longer side is the limit."""
    shrink = min(limit / max(width, height), 1)
    return max(int(width * shrink), 1), max(int(height * shrink), 1)


def cut_centre(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The middle of a picture; black where it does not reach."""
    result = Image.new(image.mode, size)
    result.paste(image, (size[0] // 2 - image.width // 2, size[1] // 2 - image.height // 2))
    return result


def in_8_bits(image: Image.Image) -> Image.Image:
    """RGB, with alpha where the picture has any; 16 bits are brought down, not cut off."""
    if image.mode.startswith("I"):
        grey = (np.asarray(image) >> 8).clip(0, 255).astype(np.uint8)
        return Image.fromarray(grey).convert("RGB")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def make_ready(
    picture: ExtrasPicture, given: Given, request: ExtrasRequest, items: dict[str, str], caption: str
) -> ImageReady:
    """The result with its texts: those the picture had, and what was done to it now."""
    save_as = SaveAs(
        folder=request.output_folder.strip(),
        name=given.stem if request.keep_names else "",
        section="extras",
        items=items | {"postprocessing": picture.infotext},
        caption=caption,
    )
    return ImageReady(
        index=0,
        image=picture.image,
        infotext=picture.infotext,
        seed=0,
        variation_seed=0,
        save_as=save_as,
        is_shown=request.show_results,
    )


def progress(number: int, count: int, tile: TileDone) -> Progress:
    """Where the job stands when a tile of picture `number` is done."""
    return Progress(
        step=number * PARTS + PARTS * tile.done // tile.of,
        steps=count * PARTS,
        batch=number,
        batches=count,
        sampling_step=tile.done,
        sampling_steps=tile.of,
    )


def tell(context: Context) -> Iterator[Message]:
    """What the upscalers have to say."""
    for text in context.upscalers.take_messages():
        yield Message(text=text, level="warning")
