"""Between the img2img form and requests: what its own fields mean, and what they show of others."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from webui.core.errors import InvalidRequest
from webui.core.infotext import parse_fields
from webui.core.infotext_fields import read_inpainting, read_outpainting
from webui.core.request_parts import SIDES, Inpainting, Loopback, Outpainting, SoftInpainting
from webui.core.settings import Settings
from webui.core.sizes import round_down_side
from webui.jobs.img2img_batch import BatchInputs, PngInfoChoice, find_batch_pictures, find_folder
from webui.plugins.host import Plugins
from webui.ui.generation import fields_of_infotext, request_parts

IMG2IMG, SKETCH, INPAINT = "img2img", "Sketch", "Inpaint"
INPAINT_SKETCH, INPAINT_UPLOAD, BATCH = "Inpaint sketch", "Inpaint upload", "Batch"
MODES = (IMG2IMG, SKETCH, INPAINT, INPAINT_SKETCH, INPAINT_UPLOAD, BATCH)
MASKED_MODES = (INPAINT, INPAINT_SKETCH, INPAINT_UPLOAD)
MASK_MODES = ("Inpaint masked", "Inpaint not masked")
INPAINT_AREAS = ("Whole picture", "Only masked")
RESIZE_TO, RESIZE_BY = "Resize to", "Resize by"
UPLOAD, FROM_DIRECTORY = "Upload", "From directory"
CURVES: tuple[str, ...] = get_args(Loopback.model_fields["curve"].annotation)
FILLS: tuple[str, ...] = get_args(Outpainting.model_fields["fill"].annotation)
# A mask may be off from its picture's shape by rounding, no more.
SHAPE_TOLERANCE = 0.02

SOFT_FIELDS = {f"soft_{name}": name for name in SoftInpainting.model_fields}
# The scale is that of "Resize by".
OUTPAINT_FIELDS = {f"outpaint_{name}": name for name in Outpainting.model_fields if name != "scale"}
LOOPBACK_FIELDS = {
    "loopback_loops": "loops",
    "loopback_final": "final_denoising_strength",
    "loopback_curve": "curve",
}
IMG2IMG_DEFAULTS: dict[str, Any] = {
    "mode": IMG2IMG,
    "resize_mode": "Just resize",
    "resize_tab": RESIZE_TO,
    "scale_by": 1.0,
    "denoising_strength": 0.75,
    "mask_blur": 4,
    "mask_blur_apart": False,
    "mask_blur_y": 4,
    "mask_alpha": 0,
    "mask_mode": MASK_MODES[0],
    "masked_content": "original",
    "inpaint_area": INPAINT_AREAS[0],
    "padding": 32,
    "soft_inpainting": False,
    "outpainting": False,
    "loopback": False,
    **{key: SoftInpainting.model_fields[name].default for key, name in SOFT_FIELDS.items()},
    **{key: Outpainting.model_fields[name].default for key, name in OUTPAINT_FIELDS.items()},
    **{key: Loopback.model_fields[name].default for key, name in LOOPBACK_FIELDS.items()},
    # Two sides to begin with, so that switching it on does something.
    "outpaint_left": 128,
    "outpaint_right": 128,
}
# Stands for the mask that no infotext holds.
ANY_MASK = "0" * 64


@dataclass(frozen=True, slots=True)
class Pictures:
    """What the canvas of the chosen mode holds: references and the size in pixels.

    `original` is the picture under the paint, where `image` has the paint in it.
    """

    image: str
    mask: str
    original: str
    width: int
    height: int
    mask_width: int
    mask_height: int


NO_PICTURES = Pictures("", "", "", 0, 0, 0, 0)


def read_pictures(written: object) -> Pictures:
    """What the canvas holds, as it wrote it into the page. Raises InvalidRequest with its own sentence."""
    try:
        found = json.loads(str(written or "{}"))
    except json.JSONDecodeError:
        found = {}
    found = found if isinstance(found, dict) else {}
    if problem := found.get("problem"):
        raise InvalidRequest(str(problem)[:500])

    def pixels(name: str) -> int:
        value = found.get(name)
        return int(value) if isinstance(value, int | float) else 0

    image, mask, original = (str(found.get(name) or "") for name in ("image", "mask", "original"))
    size, mask_size = (pixels("width"), pixels("height")), (pixels("mask_width"), pixels("mask_height"))
    return Pictures(image, mask, original, *size, *mask_size)


def img2img_parts(fields: Mapping[str, Any], pictures: Pictures) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fields for a new request, and option keys that differ for it alone. Raises InvalidRequest."""
    mode = fields.get("mode")
    if not pictures.image:
        raise InvalidRequest(
            "There is no picture to begin with. Drop one on the canvas, paste it, or click to choose."
        )
    wanted, overrides = common_parts(fields)
    wanted |= {"init_images": [pictures.image]} | size_of(fields, pictures.width, pictures.height)
    wanted |= outpainting_parts(fields)
    if mode in MASKED_MODES:
        # New sides are something to paint by themselves.
        if pictures.mask or "outpainting" not in wanted:
            check_mask(pictures)
        wanted["inpainting"] = inpainting_parts(fields, pictures.mask or None)
    return wanted, overrides


def batch_parts(fields: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The same for each picture of a batch; `inpainting` is there for those that have a mask."""
    wanted, overrides = common_parts(fields)
    wanted |= outpainting_parts(fields)
    return wanted | {"inpainting": inpainting_parts(fields, ANY_MASK)}, overrides


def batch_of(fields: Mapping[str, Any], files: Iterable[str]) -> BatchInputs:
    """What the form names for a batch. Raises InvalidRequest for folders that are not there."""
    from_folder = fields.get("batch_source") == FROM_DIRECTORY
    folder = str(fields.get("batch_input_dir") or "")
    if from_folder and not folder.strip():
        raise InvalidRequest("The input directory is empty. Name a folder on the server.")
    pictures = pictures_of(folder, "input directory") if from_folder else tuple(map(Path, files))
    output = str(fields.get("batch_output_dir") or "").strip()
    png_folder = str(fields.get("batch_png_info_dir") or "")
    return BatchInputs(
        pictures=pictures,
        masks=pictures_of(str(fields.get("batch_mask_dir") or ""), "inpaint masks directory"),
        output=str(Path(output).expanduser().absolute()) if output else "",
        scale=float(fields.get("scale_by") or 1) if fields.get("resize_tab") == RESIZE_BY else None,
        png_info=PngInfoChoice(
            tuple(fields.get("batch_png_info_props") or ()),
            find_folder(png_folder, "PNG info directory") if png_folder.strip() else None,
        )
        if fields.get("batch_use_png_info")
        else None,
    )


def pictures_of(folder: str, what: str) -> tuple[Path, ...]:
    """The pictures in a folder that a field names; none where the field is empty."""
    return find_batch_pictures(find_folder(folder, what), what) if folder.strip() else ()


def common_parts(fields: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What holds for one picture and for each of a batch."""
    wanted, overrides = request_parts(fields)
    # The pass of txt2img alone; a form kept by an older page might name it.
    wanted.pop("hires", None)
    wanted |= {name: fields[name] for name in ("resize_mode", "denoising_strength") if name in fields}
    if fields.get("loopback"):
        wanted["loopback"] = picked(fields, LOOPBACK_FIELDS)
    return wanted, overrides


def size_of(fields: Mapping[str, Any], width: int, height: int) -> dict[str, int]:
    """The result's size where it is a multiple of the picture's; sides are multiples of 8, as in A1111."""
    if fields.get("resize_tab") != RESIZE_BY:
        return {}
    scale = float(fields.get("scale_by") or 1)
    return {"width": round_down_side(width * scale), "height": round_down_side(height * scale)}


def outpainting_parts(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The request's room around the picture; nothing while no side grows."""
    found = picked(fields, OUTPAINT_FIELDS)
    if not fields.get("outpainting") or not any(found.get(side) for side in SIDES):
        return {}
    scale = {"scale": fields.get("scale_by") or 1} if fields.get("resize_tab") == RESIZE_BY else {}
    return {"outpainting": found | scale}


def inpainting_parts(fields: Mapping[str, Any], mask: str | None) -> dict[str, Any]:
    """The request's inpainting with this mask."""
    blur = fields.get("mask_blur", Inpainting.model_fields["mask_blur_x"].default)
    return {
        "mask": mask,
        "mask_blur_x": blur,
        "mask_blur_y": fields.get("mask_blur_y", blur) if fields.get("mask_blur_apart") else blur,
        "invert": fields.get("mask_mode") == MASK_MODES[1],
        "masked_content": fields.get("masked_content", "original"),
        "only_masked": fields.get("inpaint_area") == INPAINT_AREAS[1],
        "padding": fields.get("padding", 32),
        "soft": picked(fields, SOFT_FIELDS) if fields.get("soft_inpainting") else None,
    }


def picked(fields: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Those of the fields that `names` gives other names."""
    return {name: fields[key] for key, name in names.items() if key in fields}


def check_mask(pictures: Pictures) -> None:
    """Raises InvalidRequest without a mask, or where it has another shape than the picture."""
    if not pictures.mask:
        raise InvalidRequest(
            "Nothing is masked. Paint over what should change, or take the img2img tab to change it all."
        )
    if not pictures.mask_width or not pictures.height:
        return
    shape, mask_shape = pictures.width / pictures.height, pictures.mask_width / pictures.mask_height
    if abs(mask_shape / shape - 1) > SHAPE_TOLERANCE:
        raise InvalidRequest(
            f"The mask has {pictures.mask_width}x{pictures.mask_height} pixels and the picture "
            f"{pictures.width}x{pictures.height}. Give a mask of the picture's shape."
        )


def fields_of_img2img_infotext(
    text: str, settings: Settings, plugins: Plugins | None = None
) -> dict[str, Any]:
    """What the form shows for an infotext; what it is silent about stays."""
    fields = fields_of_infotext(text, settings, plugins)
    if "steps" not in fields:
        return fields
    written = parse_fields(text)
    found, room = read_inpainting(written), read_outpainting(written)
    return (
        fields
        | {"resize_tab": RESIZE_TO, "outpainting": bool(room)}
        | (inpainting_fields(Inpainting(mask=ANY_MASK, **found)) if found else {})
        | (fields_of_outpainting(Outpainting(**room)) if room else {})
    )


def fields_of_outpainting(part: Outpainting) -> dict[str, Any]:
    """What the form shows of how a canvas is extended."""
    scale = {"resize_tab": RESIZE_BY, "scale_by": part.scale} if part.scale != 1 else {}
    return {key: getattr(part, name) for key, name in OUTPAINT_FIELDS.items()} | scale


def inpainting_fields(part: Inpainting) -> dict[str, Any]:
    """What the form shows of how a picture is inpainted."""
    fields = {
        "mask_blur": part.mask_blur_x,
        "mask_blur_apart": part.mask_blur_x != part.mask_blur_y,
        "mask_blur_y": part.mask_blur_y,
        "mask_mode": MASK_MODES[part.invert],
        "masked_content": part.masked_content,
        "inpaint_area": INPAINT_AREAS[part.only_masked],
        "padding": part.padding,
        "soft_inpainting": part.soft is not None,
    }
    soft = part.soft
    return fields | ({key: getattr(soft, name) for key, name in SOFT_FIELDS.items()} if soft else {})
