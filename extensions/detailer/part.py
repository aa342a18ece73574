"""What the artist asks of the detailer. Fields are called as ADetailer calls them, without its `ad_`."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, cast

from pydantic import Field

from webui.plugins import Frozen, InvalidRequest, Number, RequestPart, read_text, write_value

MOST_UNITS = 10
MASK_INVERT = ("None", "Merge", "Merge and Invert")
OFF = "None"
# Infotext keys of the fields, behind "ADetailer ", in the order in which they are written.
INFOTEXT_KEYS: Mapping[str, str] = {
    "model": "model",
    "prompt": "prompt",
    "negative_prompt": "negative prompt",
    "confidence": "confidence",
    "mask_filter_method": "method to decide top k masks",
    "mask_k": "mask only top k",
    "mask_min_ratio": "mask min ratio",
    "mask_max_ratio": "mask max ratio",
    "x_offset": "x offset",
    "y_offset": "y offset",
    "dilate_erode": "dilate erode",
    "mask_merge_invert": "mask merge invert",
    "mask_blur": "mask blur",
    "denoising_strength": "denoising strength",
    "inpaint_only_masked": "inpaint only masked",
    "inpaint_only_masked_padding": "inpaint padding",
    "use_inpaint_width_height": "use inpaint width height",
    "inpaint_width": "inpaint width",
    "inpaint_height": "inpaint height",
    "use_steps": "use separate steps",
    "steps": "steps",
    "use_cfg_scale": "use separate CFG scale",
    "cfg_scale": "CFG scale",
    "use_checkpoint": "use separate checkpoint",
    "checkpoint": "checkpoint",
    "use_vae": "use separate VAE",
    "vae": "VAE",
    "use_sampler": "use separate sampler",
    "sampler": "sampler",
    "scheduler": "scheduler",
    "use_noise_multiplier": "use separate noise multiplier",
    "noise_multiplier": "noise multiplier",
    "use_clip_skip": "use separate CLIP skip",
    "clip_skip": "CLIP skip",
    "restore_face": "restore face",
}
# Written whatever they are; others only where they are not the default.
ALWAYS = (
    "model", "confidence", "dilate_erode", "mask_blur", "denoising_strength", "inpaint_only_masked",
    "inpaint_only_masked_padding",
)  # fmt: skip
SUFFIXES = ("", " 2nd", " 3rd", *(f" {number}th" for number in range(4, MOST_UNITS + 1)))
SKIP_KEY = "ADetailer skip img2img"
OLD_NAMES = {"mask_k_largest": "mask_k"}


def shown_with(tick: str, choices: str = "") -> dict[str, Any]:
    """For the form: a field is there while a tick is set, and `choices` names the list it offers."""
    return {"when": {tick: [True]}} | ({"choices_from": choices} if choices else {})


def side() -> Any:  # noqa: ANN401 - as Field gives it
    """A length in pixels of what is painted."""
    shown = shown_with("use_inpaint_width_height")
    return Field(default=512, ge=64, le=4096, multiple_of=8, json_schema_extra=shown)


class DetailerUnit(Frozen):
    """One pass: what is looked for, and how what is found is inpainted."""

    model: str = Field(
        default=OFF,
        title="Detector",
        description="A file in models/adetailer, or a YuNet.",
        json_schema_extra={"choices_from": "/adetailer/v1/ad_model"},
    )
    prompt: str = Field(
        default="",
        max_length=100_000,
        description="Empty: the picture's. [PROMPT] is it, [SEP] parts the areas, [SKIP] leaves one out.",
        json_schema_extra={"lines": 2},
    )
    negative_prompt: str = Field(default="", max_length=100_000, json_schema_extra={"lines": 2})
    confidence: Number = Field(default=0.3, ge=0, le=1, title="Detection confidence")
    mask_filter_method: Literal["Area", "Confidence"] = Field(default="Area", title="Choose the top k by")
    mask_k: int = Field(default=0, ge=0, le=100, title="Mask only the top k", description="0: all.")
    mask_min_ratio: Number = Field(default=0.0, ge=0, le=1, title="Mask min area ratio")
    mask_max_ratio: Number = Field(default=1.0, ge=0, le=1, title="Mask max area ratio")
    dilate_erode: int = Field(default=4, ge=-128, le=128, title="Mask erosion (-) / dilation (+)")
    x_offset: int = Field(default=0, ge=-2000, le=2000, title="Mask x (→) offset")
    y_offset: int = Field(default=0, ge=-2000, le=2000, title="Mask y (↑) offset")
    mask_merge_invert: Literal["None", "Merge", "Merge and Invert"] = Field(
        default="None", title="Mask merge mode"
    )
    mask_blur: int = Field(default=4, ge=0, le=64)
    denoising_strength: Number = Field(default=0.4, ge=0, le=1)
    inpaint_only_masked: bool = True
    inpaint_only_masked_padding: int = Field(
        default=32,
        ge=0,
        le=1024,
        title="Only masked padding, pixels",
        json_schema_extra=shown_with("inpaint_only_masked"),
    )
    use_inpaint_width_height: bool = Field(default=False, title="Use separate width/height")
    inpaint_width: int = side()
    inpaint_height: int = side()
    use_steps: bool = Field(default=False, title="Use separate steps")
    steps: int = Field(default=28, ge=1, le=150, json_schema_extra=shown_with("use_steps"))
    use_cfg_scale: bool = Field(default=False, title="Use separate CFG scale")
    cfg_scale: Number = Field(
        default=7.0, ge=0, le=30, title="CFG Scale", json_schema_extra=shown_with("use_cfg_scale")
    )
    use_checkpoint: bool = Field(default=False, title="Use separate checkpoint")
    checkpoint: str = Field(default="", json_schema_extra=shown_with("use_checkpoint", "checkpoints"))
    use_vae: bool = Field(default=False, title="Use separate VAE")
    vae: str = Field(default="", title="VAE", json_schema_extra=shown_with("use_vae", "vaes"))
    use_sampler: bool = Field(default=False, title="Use separate sampler")
    sampler: str = Field(default="DPM++ 2M", json_schema_extra=shown_with("use_sampler", "samplers"))
    scheduler: str = Field(
        default="Use same scheduler",
        title="Schedule type",
        json_schema_extra=shown_with("use_sampler", "schedules"),
    )
    use_noise_multiplier: bool = Field(default=False, title="Use separate noise multiplier")
    noise_multiplier: Number = Field(
        default=1.0, ge=0.5, le=1.5, json_schema_extra=shown_with("use_noise_multiplier")
    )
    use_clip_skip: bool = Field(default=False, title="Use separate CLIP skip")
    clip_skip: int = Field(
        default=1, ge=1, le=12, title="Clip skip", json_schema_extra=shown_with("use_clip_skip")
    )
    restore_face: bool = Field(default=False, title="Restore faces after it")

    @property
    def is_on(self) -> bool:
        """Whether it has a detector."""
        return self.model not in ("", OFF)


class Detailer(RequestPart):
    """Finds faces, hands or anything in a finished picture and paints each anew, larger."""

    key: ClassVar[str] = "detailer"
    title: ClassVar[str] = "Detailer"
    about: ClassVar[str] = "Finds faces, hands or anything, and paints each of them anew at full size."
    alwayson_name: ClassVar[str] = "ADetailer"

    enabled: bool = Field(default=False, title="Enable Detailer")
    skip_img2img: bool = Field(
        default=False,
        title="Skip img2img",
        description="In img2img, only the detailer's passes change the picture.",
    )
    show_masks: bool = Field(default=False, title="Show what was found")
    units: tuple[DetailerUnit, ...] = Field(default=(DetailerUnit(),), max_length=MOST_UNITS)

    @property
    def is_active(self) -> bool:
        """Whether it is on and looks for anything."""
        return self.enabled and any(unit.is_on for unit in self.units)

    def to_infotext(self) -> dict[str, str]:
        """ADetailer's keys; those of the second unit end in "2nd", and so on."""
        on = [unit for unit in self.units if unit.is_on] if self.enabled else []
        written = {
            f"ADetailer {INFOTEXT_KEYS[name]}{suffix}": write_value(value)
            for unit, suffix in zip(on, SUFFIXES, strict=False)
            for name, value in written_fields(unit).items()
        }
        return written | ({SKIP_KEY: "True"} if written and self.skip_img2img else {})

    @classmethod
    def from_infotext(cls, fields: Mapping[str, str]) -> "Detailer | None":
        """The units that an infotext names; None if there are none, or they cannot be read."""
        units: list[dict[str, Any]] = []
        for suffix in SUFFIXES:
            keys = {name: f"ADetailer {key}{suffix}" for name, key in INFOTEXT_KEYS.items()}
            found = {name: read_text(fields[key]) for name, key in keys.items() if key in fields}
            if "model" not in found:
                break
            units.append(found)
        try:
            part = {"enabled": True, "units": units, "skip_img2img": fields.get(SKIP_KEY) == "True"}
            return cls.read(part) if units else None
        except InvalidRequest:
            return None

    @classmethod
    def from_args(cls, args: list[Any]) -> "Detailer":
        """ADetailer's arguments: enabled and skip_img2img where given, then an object for each unit."""
        flags = [each for each in args if isinstance(each, bool)]
        objects = [cast(dict[str, Any], each) for each in args if isinstance(each, dict)]
        if len(objects) == 1 and "units" in objects[0]:
            return cls.read(objects[0])
        units = [read_unit(each) for each in objects if each.get("ad_tab_enable", True)]
        is_on, skips = (*flags, *(True, False)[len(flags) :])[:2]
        return cls.read({"enabled": is_on, "skip_img2img": skips, "units": units})


def written_fields(unit: DetailerUnit) -> dict[str, object]:
    """The fields of a unit that go into the infotext."""
    values = unit.model_dump(mode="json")
    defaults = DetailerUnit().model_dump(mode="json")
    return {name: values[name] for name in INFOTEXT_KEYS if name in ALWAYS or values[name] != defaults[name]}


def read_unit(given: Mapping[str, Any]) -> dict[str, Any]:
    """Our fields from ADetailer's; what it has besides, such as its ControlNet, is left out."""
    named = {key.removeprefix("ad_"): value for key, value in given.items()}
    named = {OLD_NAMES.get(key, key): value for key, value in named.items()}
    return {
        key: value for key, value in named.items() if key in DetailerUnit.model_fields and value is not None
    }
