"""Many pictures through img2img: from files to a series of requests, as A1111's Batch tab does."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from webui.core.errors import InvalidRequest, WebuiError
from webui.core.request import GenerationRequest
from webui.core.request_infotext import read_infotext as fields_of_infotext
from webui.core.work.series import Series
from webui.jobs.requests import RANDOM_SEEDS
from webui.jobs.services import Services
from webui.store.files.regular_files import is_folder
from webui.store.pictures.picture_files import pictures_in
from webui.store.reading import open_picture, read_infotext

# Request fields by what A1111 calls the parameters that a picture may bring along. Prompts are appended.
PROPS = {
    "Prompt": ("prompt",),
    "Negative prompt": ("negative_prompt",),
    "Seed": ("seed",),
    "CFG scale": ("cfg_scale",),
    "Sampler": ("sampler", "schedule"),
    "Steps": ("steps",),
    "Model hash": ("model",),
}
APPENDED = ("prompt", "negative_prompt")


@dataclass(frozen=True, slots=True)
class PngInfoChoice:
    """Which parameters each picture brings along; those of the same name in `folder`, if given."""

    props: tuple[str, ...]
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class BatchInputs:
    """Pictures, their masks (none, one for all, or by name), and what each brings along.

    `output` is where results go, empty for img2img's folder; `scale` multiplies sizes, if given.
    """

    pictures: tuple[Path, ...]
    masks: tuple[Path, ...] = ()
    output: str = ""
    scale: float | None = None
    png_info: PngInfoChoice | None = None


@dataclass(slots=True)
class Plan:
    """The requests so far, the names of their pictures, and a sentence for each that was left out."""

    requests: list[GenerationRequest] = field(default_factory=list[GenerationRequest])
    names: list[str] = field(default_factory=list[str])
    problems: list[str] = field(default_factory=list[str])


def find_folder(text: str, what: str) -> Path:
    """The folder that a text names. Raises InvalidRequest if there is none."""
    folder = Path(text.strip().strip('"')).expanduser()
    if not is_folder(folder):
        raise InvalidRequest(
            f"The {what} {text.strip()[:200]!r} is not a folder on the server. Check its path."
        )
    return folder


def find_batch_pictures(folder: Path, what: str) -> tuple[Path, ...]:
    """Picture files of a folder by name. Raises InvalidRequest where it cannot be read or has none."""
    found = tuple(pictures_in(folder))
    if not found:
        raise InvalidRequest(
            f"There is no picture in the {what} {folder}, or the server may not read it. "
            "They may be in a folder above or below."
        )
    return found


def make_series(
    services: Services, batch: BatchInputs, wanted: Mapping[str, Any], overrides: Mapping[str, Any]
) -> tuple[Series, list[str]]:
    """A series with one request for each picture, and sentences about those that are left out.

    `wanted` and `overrides` are what `Services.new_request` takes; `inpainting` counts with masks only.
    A seed is drawn once for all. Raises InvalidRequest if no picture can be used.
    """
    if not batch.pictures:
        raise InvalidRequest("There are no pictures for the batch. Drop some, or name a folder.")
    plan, fields = Plan(), dict(wanted)
    for name in ("seed", "variation_seed"):
        if int(fields.get(name, -1)) < 0:
            fields[name] = services.random.randrange(RANDOM_SEEDS)
    for number, picture in enumerate(batch.pictures):
        try:
            request = make_batch_request(services, batch, picture, fields, overrides)
            plan.requests.append(services.plugins.place_in_series(request, number))
            plan.names.append(picture.name)
        except WebuiError as error:
            sentence = str(error)
            plan.problems.append(sentence if picture.name in sentence else f"{picture.name}: {sentence}")
    if not plan.requests:
        raise InvalidRequest(f"None of the pictures ({len(batch.pictures)}) can be used. {plan.problems[0]}")
    return Series(requests=tuple(plan.requests), names=tuple(plan.names), folder=batch.output), plan.problems


def make_batch_request(
    services: Services,
    batch: BatchInputs,
    picture: Path,
    wanted: dict[str, Any],
    overrides: Mapping[str, Any],
) -> GenerationRequest:
    """The request for one picture. Raises WebuiError where it, its mask or its parameters cannot be used."""
    image = open_picture(picture)
    fields: dict[str, Any] = wanted | {"init_images": [services.inputs.add(picture.read_bytes())]}
    inpainting = fields.pop("inpainting", None)
    if batch.masks:
        mask = services.inputs.add(find_mask(batch.masks, picture).read_bytes())
        fields["inpainting"] = (inpainting or {}) | {"mask": mask}
    if batch.scale is not None:
        sides = (max(int(side * batch.scale) // 8 * 8, 8) for side in image.size)
        fields |= dict(zip(("width", "height"), sides, strict=True))
    if batch.png_info is not None:
        fields |= read_brought_fields(picture, fields, batch.png_info)
    return services.requests.make(fields, dict(overrides))


def find_mask(masks: tuple[Path, ...], picture: Path) -> Path:
    """The only mask, or the one with the picture's name. Raises InvalidRequest."""
    if len(masks) == 1:
        return masks[0]
    found = next((mask for mask in masks if mask.stem == picture.stem), None)
    if found is None:
        raise InvalidRequest(
            f"There is no mask for {picture.name}: none of the masks is called {picture.stem}."
        )
    return found


def read_brought_fields(picture: Path, wanted: Mapping[str, Any], choice: PngInfoChoice) -> dict[str, Any]:
    """Fields from the infotext of a picture, or of the picture of its name in another folder."""
    source = picture if choice.folder is None else choice.folder / picture.name
    text, _ = read_infotext(source)
    found = fields_of_infotext(text) if text else {}
    names = {name for prop in choice.props for name in PROPS.get(prop, ())}
    fields = {name: found[name] for name in names if name in found}
    for name in APPENDED:
        if name in fields:
            fields[name] = join_texts((wanted.get(name, ""), fields[name]))
    return fields


def join_texts(texts: Iterable[str]) -> str:
    """Texts with a space between; empty ones leave none."""
    return " ".join(text for text in texts if text)
