"""Between the fields of the Extras tab and a request."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, get_args

from webui.core.errors import InvalidRequest, ModelNotFound, UnusableFile
from webui.core.interrogate_settings import Interrogate
from webui.core.settings import Settings
from webui.core.work.extras_request import (
    Captions,
    ExtrasImage,
    ExtrasRequest,
    SizedCrop,
    make_extras_request,
)
from webui.library.captioners.captioner import Captioner
from webui.library.captioners.choosing import Interrogator, choose_captioner, first_usable, options_of
from webui.library.captioners.finding import find_captioners
from webui.store.pictures.inputs import Inputs

SINGLE, BATCH, DIRECTORY = "Single Image", "Batch Process", "Batch from Directory"
MODES = (SINGLE, BATCH, DIRECTORY)
SCALE_BY, SCALE_TO = "Scale by", "Scale to"
OBJECTIVES: tuple[str, ...] = get_args(SizedCrop.model_fields["objective"].annotation)
# A1111's words; DeepBooru finds tags, BLIP writes a sentence: whichever captioner of that kind is here.
CAPTIONERS: dict[str, Interrogator] = {"Deepbooru": "deepbooru", "BLIP": "clip"}
NO_TAGGER = "There is no tagger here yet. The button Interrogate DeepBooru of img2img gets one."
NO_CAPTIONER = "There is no captioner here yet. The button Interrogate CLIP of img2img gets one."
FLIPS = ("Horizontal", "Vertical", "Both")
# What the fields hold at first: A1111's values.
DEFAULTS: dict[str, Any] = {
    "mode": SINGLE,
    "input_dir": "",
    "output_dir": "",
    "show_results": True,
    "upscale": True,
    "upscaler_1": "None",
    "upscaler_2": "None",
    "upscaler_2_visibility": 0,
    "resize_tab": SCALE_BY,
    "scale": 4,
    "max_side": 0,
    "width": 512,
    "height": 512,
    "crop": True,
    "gfpgan": False,
    "gfpgan_visibility": 1,
    "codeformer": False,
    "codeformer_visibility": 1,
    "codeformer_weight": 0,
    "faces_first": False,
    "split": False,
    "split_threshold": 0.5,
    "split_overlap": 0.2,
    "focal": False,
    "focal_face": 0.9,
    "focal_entropy": 0.15,
    "focal_edges": 0.5,
    "sized": False,
    "sized_min_side": 384,
    "sized_max_side": 768,
    "sized_min_area": 64 * 64,
    "sized_max_area": 640 * 640,
    "sized_objective": OBJECTIVES[0],
    "sized_threshold": 0.1,
    "flip": False,
    "flips": ["Horizontal"],
    "caption": False,
    "caption_by": ["Deepbooru"],
}


def extras_request(
    fields: Mapping[str, Any], pictures: Iterable[ExtrasImage], settings: Settings, models: Path
) -> ExtrasRequest:
    """The request of the tab's fields; captioners lie below `models`.

    Raises InvalidRequest, and ModelNotFound where a captioner is wanted that is not there.
    """
    is_directory = fields["mode"] == DIRECTORY
    images = tuple(pictures)
    if is_directory and not str(fields["input_dir"] or "").strip():
        raise InvalidRequest("The input directory is empty. Name a folder on the server.")
    if not is_directory and not images:
        raise InvalidRequest("There is no picture. Drop one onto the field on the left.")
    faces = {
        "gfpgan_visibility": fields["gfpgan_visibility"] if fields["gfpgan"] else 0,
        "codeformer_visibility": fields["codeformer_visibility"] if fields["codeformer"] else 0,
        "codeformer_weight": fields["codeformer_weight"],
    }
    return make_extras_request(
        images=() if is_directory else images,
        input_folder=fields["input_dir"] if is_directory else "",
        output_folder=(fields["output_dir"] or "") if is_directory else "",
        upscaling={
            "enabled": bool(fields["upscale"]),
            "mode": "to" if fields["resize_tab"] == SCALE_TO else "by",
            "upscaler_1": fields["upscaler_1"] or "None",
            "upscaler_2": fields["upscaler_2"] or "None",
        }
        | {
            name: fields[name]
            for name in ("scale", "max_side", "width", "height", "crop", "upscaler_2_visibility")
        },
        faces=faces,
        faces_first=bool(fields["faces_first"]),
        **cuts(fields),
        captions=captions_of(fields, settings, models),
        keep_names=fields["mode"] != SINGLE,
        show_results=not is_directory or bool(fields["show_results"]),
        tile=settings.image.ESRGAN_tile,
        tile_overlap=settings.image.ESRGAN_tile_overlap,
        extras=fields.get("extras") or {},
    )


def cuts(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What the pictures are cut and mirrored into."""
    split = {"threshold": fields["split_threshold"], "overlap": fields["split_overlap"]}
    focal = {
        "face_weight": fields["focal_face"],
        "entropy_weight": fields["focal_entropy"],
        "edges_weight": fields["focal_edges"],
    }
    sized = {name: fields[f"sized_{name}"] for name in SizedCrop.model_fields}
    return {
        "sized_crop": sized if fields["sized"] else None,
        "split": split if fields["split"] else None,
        "focal_crop": focal if fields["focal"] else None,
        "flipped_copies": tuple(fields["flips"] or ()) if fields["flip"] else (),
    }


def captions_of(fields: Mapping[str, Any], settings: Settings, models: Path) -> Captions | None:
    """By what results are described. Raises ModelNotFound."""
    names = [name for name in CAPTIONERS if name in (fields["caption_by"] or ())] if fields["caption"] else []
    rules = settings.interrogate
    if not names:
        return None
    found = tuple(choose_here(models, CAPTIONERS[name], rules).id for name in names)
    return Captions(captioners=found, options=options_of(rules))


def choose_here(models: Path, wanted: Interrogator, rules: Interrogate) -> Captioner:
    """The captioner of the settings, else the first. Raises ModelNotFound that says what to press."""
    named = rules.interrogate_tagger if wanted == "deepbooru" else rules.interrogate_captioner
    if not named and first_usable(find_captioners(models), wanted) is None:
        raise ModelNotFound(NO_TAGGER if wanted == "deepbooru" else NO_CAPTIONER)
    return choose_captioner(models, wanted, rules)


def given_pictures(
    mode: str, image: object, files: object, inputs: Inputs
) -> tuple[list[ExtrasImage], list[str]]:
    """The pictures of a mode, kept in `inputs`, and a sentence on each upload that is none.

    `image` and `files` are what Gradio tells of uploads, unprocessed. Raises UnusableFile if none is usable.
    """
    uploads = {SINGLE: [image], BATCH: files if isinstance(files, list) else []}.get(mode, [])
    pictures: list[ExtrasImage] = []
    problems: list[str] = []
    for each in uploads:
        if not isinstance(each, Mapping) or not each.get("path"):
            continue
        path = Path(str(each["path"]))
        name = str(each.get("orig_name") or path.name)
        try:
            pictures.append(ExtrasImage(image=inputs.add(read(path)), name=name))
        except UnusableFile as error:
            problems.append(f"{name}: {error}")
    if problems and not pictures:
        raise UnusableFile(problems[0])
    return pictures, problems


def read(path: Path) -> bytes:
    """The bytes of an upload. Raises UnusableFile once it is gone."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnusableFile("The upload is no longer there. Drop the picture again.") from error
