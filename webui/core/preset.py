"""A whole set-up of a generation tab, kept by name and shared as a small JSON file.

Fields are called as in the page's form. What a later version adds is kept as it stands.
"""

import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, Self, cast

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    model_validator,
)
from pydantic_core import from_json

from webui.core.errors import UnusableFile
from webui.core.image_options import Number
from webui.core.request import MAX_PROMPT, Pixels, explain
from webui.core.request_parts import MAX_SIDE, MAX_STEPS, MaskedContent, ResizeMode

PRESET_VERSION = 1
# The key by which the file is known, whatever it is called.
PRESET_MARK = "atelier_preset"
MAX_PRESET_BYTES = 2**20
MAX_NAME = 100
# Fields of the form that belong to one machine or one moment, not to a set-up.
LEFT_OUT = frozenset({
    "batch_source", "batch_input_dir", "batch_output_dir", "batch_mask_dir", "batch_use_png_info",
    "batch_png_info_dir", "batch_png_info_props",
})  # fmt: skip
SEEDS = ("seed", "variation_seed")

Text = Annotated[str, Field(max_length=MAX_PROMPT)]
Word = Annotated[str, Field(max_length=1000)]
Words = Annotated[tuple[Word, ...], Field(max_length=200)]
Share = Annotated[Number, Field(ge=0, le=1)]
Side = Annotated[int, Field(ge=0, le=MAX_SIDE)]
Room = Annotated[int, Field(ge=0, le=2048)]
Blur = Annotated[int, Field(ge=0, le=256)]
# The form's boxes hold texts; JSON that people write may hold numbers.
SeedText = Annotated[
    str,
    BeforeValidator(lambda seed: str(seed) if isinstance(seed, int) else seed),
    Field(pattern=r"^\s*(-1|[0-9]{0,20})\s*$"),
]


class Extensible(BaseModel):
    """A value that keeps fields it does not know, but no numbers that JSON does not have."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)


class ModelName(Extensible):
    """A model that a set-up uses: its kind, its name, and one of A1111's short hashes if that is known."""

    kind: str = Field(max_length=40)
    name: Word
    hash: str | None = Field(default=None, pattern=r"^[0-9a-fA-F]{8,64}$")


class PresetFields(Extensible):
    """Fields of the form, with the ranges of the request. None: the set-up does not say, so it stays."""

    prompt: Text | None = None
    negative_prompt: Text | None = None
    styles: Words | None = None
    sampler: Word | None = None
    schedule: Word | None = None
    steps: Annotated[int, Field(ge=1, le=MAX_STEPS)] | None = None
    width: Pixels | None = None
    height: Pixels | None = None
    batch_count: Annotated[int, Field(ge=1, le=1000)] | None = None
    batch_size: Annotated[int, Field(ge=1, le=64)] | None = None
    cfg_scale: Annotated[Number, Field(ge=0)] | None = None
    restore_faces: bool | None = None
    tiling: bool | None = None
    denoising_strength: Share | None = None
    seed: SeedText | None = None
    extra_seed: bool | None = None
    variation_seed: SeedText | None = None
    variation_strength: Share | None = None
    seed_resize_width: Side | None = None
    seed_resize_height: Side | None = None
    override_settings: Words | None = None
    # Hires fix and refiner.
    hires: bool | None = None
    hires_upscaler: Word | None = None
    hires_scale: Annotated[Number, Field(ge=1, le=8)] | None = None
    hires_width: Side | None = None
    hires_height: Side | None = None
    hires_steps: Annotated[int, Field(ge=0, le=MAX_STEPS)] | None = None
    hires_model: Word | None = None
    hires_sampler: Word | None = None
    hires_schedule: Word | None = None
    hires_prompt: Text | None = None
    hires_negative_prompt: Text | None = None
    refiner: bool | None = None
    refiner_model: Word | None = None
    refiner_switch_at: Share | None = None
    # What extensions' parts are set to, as the page keeps it: JSON in a text.
    extensions: Text | None = None
    # Of img2img.
    mode: Literal["img2img", "Sketch", "Inpaint", "Inpaint sketch", "Inpaint upload", "Batch"] | None = None
    resize_mode: ResizeMode | None = None
    resize_tab: Literal["Resize to", "Resize by"] | None = None
    scale_by: Annotated[Number, Field(gt=0, le=16)] | None = None
    mask_blur: Blur | None = None
    mask_blur_apart: bool | None = None
    mask_blur_y: Blur | None = None
    mask_alpha: Annotated[Number, Field(ge=0, le=100)] | None = None
    mask_mode: Literal["Inpaint masked", "Inpaint not masked"] | None = None
    masked_content: MaskedContent | None = None
    inpaint_area: Literal["Whole picture", "Only masked"] | None = None
    padding: Annotated[int, Field(ge=0, le=1024)] | None = None
    soft_inpainting: bool | None = None
    soft_schedule_bias: Annotated[Number, Field(ge=0, le=8)] | None = None
    soft_preservation_strength: Annotated[Number, Field(ge=0, le=8)] | None = None
    soft_transition_contrast_boost: Annotated[Number, Field(ge=1, le=32)] | None = None
    soft_mask_influence: Share | None = None
    soft_difference_threshold: Annotated[Number, Field(ge=0, le=8)] | None = None
    soft_difference_contrast: Annotated[Number, Field(ge=0, le=8)] | None = None
    outpainting: bool | None = None
    outpaint_left: Room | None = None
    outpaint_right: Room | None = None
    outpaint_up: Room | None = None
    outpaint_down: Room | None = None
    outpaint_fill: Literal["noise", "stretch", "mirror", "blur"] | None = None
    outpaint_blend: Blur | None = None
    outpaint_fall_off: Annotated[Number, Field(ge=0, le=4)] | None = None
    outpaint_colour_variation: Share | None = None
    loopback: bool | None = None
    loopback_loops: Annotated[int, Field(ge=1, le=32)] | None = None
    loopback_final: Share | None = None
    loopback_curve: Literal["Aggressive", "Linear", "Lazy"] | None = None

    def known(self) -> dict[str, Any]:
        """The fields that the set-up has, by name; lists as the form has them."""
        # As JSON has them: lists, no tuples.
        return self.model_dump(mode="json", exclude={*self.unknown()}, exclude_none=True)

    def unknown(self) -> tuple[str, ...]:
        """Names of fields that this version does not know."""
        return tuple(self.model_extra or {})

    def without_moment(self) -> Self:
        """Without what belongs to one machine or one moment: folders, and seeds that are drawn anew."""
        drawn = {name for name in SEEDS if (getattr(self, name) or "").strip() in ("", "-1")}
        kept = self.model_dump(exclude={*LEFT_OUT, *drawn}, exclude_none=True)
        return type(self).model_validate(kept)


class Preset(Extensible):
    """A set-up: checkpoint, VAE, fields, the options that decide a picture, and the parts of extensions.

    `models` are the others that the fields name; `options` those unlike the defaults, by A1111's keys.
    """

    version: int = Field(PRESET_VERSION, alias=PRESET_MARK, ge=1, le=1_000_000)
    name: str = Field("", max_length=200)
    tab: Literal["txt2img", "img2img"] = "txt2img"
    checkpoint: ModelName | None = None
    vae: ModelName | None = None
    models: tuple[ModelName, ...] = Field((), max_length=200)
    fields: PresetFields = PresetFields()
    options: dict[str, JsonValue] = Field({}, max_length=1000)
    parts: dict[str, JsonValue] = Field(
        {}, max_length=1000, description="One entry per extension, validated by that extension."
    )

    @model_validator(mode="after")
    def is_small(self) -> Self:
        """It is kept and shared as a small file."""
        if len(self.as_json()) > MAX_PRESET_BYTES:
            raise ValueError(too_large("The preset"))
        return self

    def as_json(self) -> bytes:
        """The file's content."""
        return self.model_dump_json(by_alias=True, exclude_none=True, indent=2).encode() + b"\n"

    def is_same(self, other: "Preset") -> bool:
        """Whether both say the same, whatever they are called."""
        return self.model_copy(update={"name": ""}) == other.model_copy(update={"name": ""})


def too_large(what: str) -> str:
    """The sentence on what is no small file."""
    return f"{what} has more than 1 MB. A preset holds settings and prompts, no pictures."


def looks_like_preset(text: str) -> bool:
    """Whether a text is meant as a preset; it may still be damaged."""
    return text.lstrip()[:1] == "{" and f'"{PRESET_MARK}"' in text


def read_preset(data: bytes, what: str) -> Preset:
    """A preset from its file; `what` is what sentences call it. Raises UnusableFile.

    Where a later version wrote the file, a field whose value is not known here is left out.
    """
    if len(data) > MAX_PRESET_BYTES:
        raise UnusableFile(too_large(what))
    try:
        # Some editors put a mark before UTF-8.
        document: Any = from_json(data.removeprefix(BOM_UTF8), allow_inf_nan=False)
    except ValueError as error:
        raise UnusableFile(f"{what} is no preset: it is damaged JSON ({error}).") from error
    if not isinstance(document, dict) or PRESET_MARK not in cast("dict[str, Any]", document):
        raise UnusableFile(
            f'{what} is no preset: it has no "{PRESET_MARK}". Save one here to see how it looks.'
        )
    try:
        return validate(cast("dict[str, Any]", document))
    except ValidationError as error:
        # Of a field, "The fields steps is …"; that they are fields goes without saying.
        sentence = re.sub(r"^The fields (?!is )", "The ", explain(error))
        raise UnusableFile(f"{what} cannot be used as a preset. {sentence}") from error


def validate(document: Mapping[str, Any]) -> Preset:
    """The preset of a document. Raises ValidationError."""
    try:
        return Preset.model_validate(document)
    except ValidationError as error:
        version = document.get(PRESET_MARK)
        if not isinstance(version, int) or version <= PRESET_VERSION:
            raise
        return Preset.model_validate(without_places(document, [each["loc"] for each in error.errors()]))


def without_places(document: Mapping[str, Any], places: Iterable[tuple[int | str, ...]]) -> dict[str, Any]:
    """A document without the fields, or else the whole entries, that these places of an error lie in."""
    places = list(places)
    fields = {place[1] for place in places if place[0:1] == ("fields",) and len(place) > 1}
    entries = {place[0] for place in places if len(place) == 1 or place[0] != "fields"} - {PRESET_MARK}
    kept = {name: value for name, value in document.items() if name not in entries}
    if isinstance(kept.get("fields"), Mapping):
        kept["fields"] = {name: value for name, value in kept["fields"].items() if name not in fields}
    return kept
