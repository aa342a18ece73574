"""ControlNet's part of a request: units, with the names and values that the community knows."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self, cast

from pydantic import Field, field_validator, model_validator

from webui.plugins import Frozen, ImageRef, InvalidRequest, Number, RequestPart

ControlMode = Literal["Balanced", "My prompt is more important", "ControlNet is more important"]
ResizeMode = Literal["Just Resize", "Crop and Resize", "Resize and Fill"]
HiresOption = Literal["Both", "Low res only", "High res only"]
# In the order in which clients number them.
CONTROL_MODES: tuple[ControlMode, ...] = (
    "Balanced",
    "My prompt is more important",
    "ControlNet is more important",
)
RESIZE_MODES: tuple[ResizeMode, ...] = ("Just Resize", "Crop and Resize", "Resize and Fill")
HIRES_OPTIONS: tuple[HiresOption, ...] = ("Both", "Low res only", "High res only")
# What older clients call them, in small letters.
OLD_NAMES: Mapping[str, ResizeMode] = {
    "scale to fit (inner fit)": "Crop and Resize",
    "inner fit (scale to fit)": "Crop and Resize",
    "envelope (outer fit)": "Resize and Fill",
    "outer fit (shrink to fit)": "Resize and Fill",
}
NONE = "None"
MOST_UNITS = 32
MOST_BATCH_IMAGES = 1000
# Fields that clients send and that change no picture here.
IGNORED = frozenset(
    {
        "advanced_weighting", "animatediff_batch", "batch_image_files", "batch_keyframe_idx",
        "batch_mask_dir", "batch_mask_gallery", "generated_image", "guess_mode",
        "input_mode", "ipadapter_input", "is_ui", "loopback", "low_vram", "lowvram", "mask_image_fg",
        "output_dir", "pulid_mode", "save_detected_map", "use_preview_as_input",
    }
)  # fmt: skip
# Names a folder; whoever reads a request puts the pictures in it there.
FOLDER = "batch_image_dir"
# Other names of fields, and what they are called here.
OTHER_NAMES = {
    "input_image": "image",
    "mask_image": "mask",
    "resize": "resize_mode",
    "processor_resolution": "processor_res",
    "union_control_type": "control_type",
    "batch_input_gallery": "batch_images",
    FOLDER: "batch_images",
}
# Fields in infotext, in its order.
INFOTEXT: Mapping[str, str] = {
    "Module": "module",
    "Model": "model",
    "Weight": "weight",
    "Resize Mode": "resize_mode",
    "Processor Res": "processor_res",
    "Threshold A": "threshold_a",
    "Threshold B": "threshold_b",
    "Guidance Start": "guidance_start",
    "Guidance End": "guidance_end",
    "Pixel Perfect": "pixel_perfect",
    "Control Mode": "control_mode",
}
# Only written where they are not as usual.
RARE_INFOTEXT: Mapping[str, str] = {
    "Hr Option": "hr_option",
    "Control Type": "control_type",
    "Crop Input Image": "inpaint_crop_input_image",
}
KEYS = INFOTEXT | RARE_INFOTEXT
FIELD_START = re.compile(rf"(?:^|,\s*)({'|'.join(map(re.escape, KEYS))}): ")


class ControlUnit(Frozen):
    """One unit: a picture, what is made of it, the network that reads it, and how strongly it guides.

    `batch_images` are for the pictures of a run, one each, in turn; they stand in place of `image`. A run of
    one picture becomes one of as many as they are.
    `control_type` is the kind of picture for union networks; empty: told by the preprocessor.
    """

    enabled: bool = Field(default=True, title="Enable")
    module: str = Field(default="none", title="Preprocessor", max_length=200)
    model: str = Field(default=NONE, title="Model", max_length=400)
    image: ImageRef | None = Field(default=None, title="Image")
    mask: ImageRef | None = Field(default=None, title="Mask", description="White is where to inpaint.")
    weight: Number = Field(default=1.0, ge=0, le=2, title="Control weight")
    guidance_start: Number = Field(default=0.0, ge=0, le=1, title="Starting control step")
    guidance_end: Number = Field(default=1.0, ge=0, le=1, title="Ending control step")
    control_mode: ControlMode = Field(default="Balanced", title="Control mode")
    resize_mode: ResizeMode = Field(default="Crop and Resize", title="Resize mode")
    pixel_perfect: bool = Field(default=False, title="Pixel perfect")
    processor_res: int = Field(
        default=-1, ge=-1, le=8192, title="Preprocessor resolution", description="-1: the usual one."
    )
    threshold_a: Number = Field(default=-1.0, title="Threshold A", description="-1: the usual one.")
    threshold_b: Number = Field(default=-1.0, title="Threshold B", description="-1: the usual one.")
    hr_option: HiresOption = Field(default="Both", title="Hires fix")
    effective_region_mask: ImageRef | None = Field(
        default=None, title="Effective region mask", description="The unit acts where this is white."
    )
    inpaint_crop_input_image: bool = Field(
        default=True,
        title="Crop the picture as inpainting does",
        description="With inpaint area Only masked, the unit sees the same part of its picture.",
    )
    batch_images: tuple[ImageRef, ...] = Field(
        default=(), max_length=MOST_BATCH_IMAGES, title="Images of a batch"
    )
    control_type: str = Field(default="", max_length=60, title="Control type")

    @model_validator(mode="before")
    @classmethod
    def know_other_names(cls, values: Any) -> Any:  # noqa: ANN401 - whatever a client sent
        """Other names of fields become ours; what changes no picture, and what says nothing, is left out."""
        if not isinstance(values, Mapping):
            return values
        given = cast(Mapping[str, Any], values)
        told = {name: value for name, value in given.items() if name not in IGNORED and value is not None}
        if not told.get(FOLDER):
            told.pop(FOLDER, None)
        named = {OTHER_NAMES.get(name, name): value for name, value in told.items()}
        return split_picture(named)

    @field_validator("control_mode", mode="before")
    @classmethod
    def know_control_mode(cls, value: object) -> object:
        """By name, whatever its case, or by number."""
        return find_choice(value, CONTROL_MODES)

    @field_validator("resize_mode", mode="before")
    @classmethod
    def know_resize_mode(cls, value: object) -> object:
        """By name, whatever its case, by an older name, or by number."""
        old = OLD_NAMES.get(value.strip().lower()) if isinstance(value, str) else None
        return old or find_choice(value, RESIZE_MODES)

    @field_validator("hr_option", mode="before")
    @classmethod
    def know_hires_option(cls, value: object) -> object:
        """By name, whatever its case, or by number."""
        return find_choice(value, HIRES_OPTIONS)

    @field_validator("processor_res", mode="before")
    @classmethod
    def round_resolution(cls, value: object) -> object:
        """Clients send whole numbers as fractions too."""
        return round(value) if isinstance(value, float) else value

    @field_validator("module", "model")
    @classmethod
    def strip_name(cls, name: str) -> str:
        """Without blanks around it; empty is none."""
        return name.strip() or NONE

    @field_validator("control_type")
    @classmethod
    def know_unknown_type(cls, name: str) -> str:
        """Clients call it unknown where nothing is chosen."""
        return "" if name.strip().lower() in {"unknown", "none", "all"} else name.strip().lower()

    @property
    def acts(self) -> bool:
        """Whether it can change anything: a weight, and a part of the steps."""
        return self.enabled and self.weight > 0 and self.guidance_start < self.guidance_end

    @property
    def has_model(self) -> bool:
        """Whether a model is chosen."""
        return self.model.lower() != "none"

    def acts_at(self, evaluation: int, total: int) -> bool:
        """Whether it acts at an evaluation, counted from 0, of so many."""
        # DPM adaptive evaluates more often than it said.
        share = min(evaluation, total - 1) / total
        return float(self.guidance_start) <= share < float(self.guidance_end)

    def acts_in(self, *, is_second_pass: bool) -> bool:
        """Whether it acts in the first or the second pass of hires fix."""
        return self.hr_option == "Both" or (self.hr_option == "High res only") == is_second_pass

    def to_infotext(self) -> str:
        """As the community's extension writes it: `Module: canny, Model: name [hash], Weight: 1, …`."""
        usual = type(self)()
        written = [
            f"{key}: {getattr(self, name)}"
            for key, name in KEYS.items()
            if key in INFOTEXT or getattr(self, name) != getattr(usual, name)
        ]
        return ", ".join(written)

    @classmethod
    def from_infotext(cls, text: str) -> Self:
        """From what `to_infotext` wrote, or the community's extension. Raises ValidationError."""
        starts = list(FIELD_START.finditer(text))
        ends = [match.start() for match in starts[1:]] + [len(text)]
        values = {
            KEYS[match[1]]: text[match.end() : end].strip() for match, end in zip(starts, ends, strict=True)
        }
        return cls.model_validate(values)


class ControlNetPart(RequestPart):
    """Any number of units."""

    key: ClassVar[str] = "controlnet"
    title: ClassVar[str] = "ControlNet"
    about: ClassVar[str] = "Pictures that guide: edges, depth, poses, palettes, styles."
    alwayson_name: ClassVar[str] = "controlnet"
    # The community's extension brings a script for films, which PyPI's webuiapi looks for.
    known_by: ClassVar[tuple[str, ...]] = ("controlnet m2m",)

    units: tuple[ControlUnit, ...] = Field(default=(), max_length=MOST_UNITS, title="Units")

    @property
    def is_active(self) -> bool:
        """Whether a unit is switched on."""
        return any(unit.enabled for unit in self.units)

    @property
    def batch_size(self) -> int:
        """How many pictures the batches of its units are for: those of the shortest; 1 without any."""
        return min(
            (len(unit.batch_images) for unit in self.units if unit.acts and unit.batch_images), default=1
        )

    def in_series(self, number: int) -> Self:
        """Beside a series the batches go with its files: the unit's second picture with the second file."""
        units = [
            unit.model_copy(
                update={"image": unit.batch_images[number % len(unit.batch_images)], "batch_images": ()}
            )
            if unit.batch_images
            else unit
            for unit in self.units
        ]
        return self.model_copy(update={"units": tuple(units)})

    def to_infotext(self) -> dict[str, str]:
        """One entry for each unit that is switched on, by its number."""
        return {
            f"ControlNet {number}": unit.to_infotext()
            for number, unit in enumerate(self.units)
            if unit.enabled
        }

    @classmethod
    def from_infotext(cls, fields: Mapping[str, str]) -> Self | None:
        """The units of an infotext, without their pictures, which it does not hold; None without units."""
        found = {
            int(match[1]): text for key, text in fields.items() if (match := UNIT_KEY.fullmatch(key.strip()))
        }
        if not found:
            return None
        try:
            count = min(max(found) + 1, MOST_UNITS)
            units = [
                ControlUnit.from_infotext(found[number]) if number in found else ControlUnit(enabled=False)
                for number in range(count)
            ]
            return cls(units=tuple(units))
        except ValueError:
            return None

    @classmethod
    def from_args(cls, args: list[Any]) -> Self:
        """From `alwayson_scripts.controlnet.args`: one object for each unit. Raises InvalidRequest.

        Pictures must be references by then: whoever reads the request keeps them first.
        """
        first = args[0] if len(args) == 1 else None
        if isinstance(first, dict) and "units" in first:
            return cls.read(first)
        # Some clients send whether it is on, or the tab, before the units.
        units = [unit for unit in args if not isinstance(unit, bool | str) and unit is not None]
        wrong = next((unit for unit in units if not isinstance(unit, Mapping)), None)
        if wrong is not None:
            raise InvalidRequest(
                f"ControlNet: a unit is an object with fields such as image, module and model, not {wrong!r}."
            )
        return cls.read({"units": units})


UNIT_KEY = re.compile(r"ControlNet[ -](\d{1,2})")


def find_choice(value: object, choices: tuple[str, ...]) -> object:
    """The choice of a number or of a name in whatever case; what is neither, as it is."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(choices):
        return choices[value]
    # Some clients write the name of the choice in their code, such as HiResFixOption.LOW_RES_ONLY.
    text = str(value).strip().lower().rpartition(".")[2].replace("_", " ")
    return next((choice for choice in choices if choice.lower() == text), value)


def split_picture(values: dict[str, Any]) -> dict[str, Any]:
    """A picture with its mask, given as one object or as a pair, as two fields."""
    image = values.get("image")
    if isinstance(image, Mapping):
        pair = cast(Mapping[str, Any], image)
        picture, mask = pair.get("image"), pair.get("mask")
    elif isinstance(image, list | tuple):
        several = cast(list[Any], list(image))
        picture, mask = [*several, None, None][:2]
    else:
        return values
    rest = {name: value for name, value in values.items() if name != "image"}
    if picture is not None:
        rest["image"] = picture
    if mask is not None:
        rest.setdefault("mask", mask)
    return rest
