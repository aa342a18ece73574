"""What the artist may choose of regions; keys and arguments are those of the extension Regional Prompter."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from pydantic import Field, field_validator

from webui.plugins import ImageRef, InvalidRequest, RequestPart, read_text, write_value

BREAK = re.compile(r"\s*\bBREAK\b\s*")
INFOTEXT_KEYS = {
    "enabled": "RP Active",
    "mode": "RP Divide mode",
    "submode": "RP Matrix submode",
    "calculation": "RP Calc Mode",
    "ratios": "RP Ratios",
    "base_ratios": "RP Base Ratios",
    "use_base": "RP Use Base",
    "use_common": "RP Use Common",
    "use_common_negative": "RP Use Ncommon",
}
# Of the arguments of its API.
PLACES = {
    "enabled": 0,
    "mode": 2,
    "submode": 3,
    "ratios": 6,
    "base_ratios": 7,
    "use_base": 8,
    "use_common": 9,
    "use_common_negative": 10,
    "calculation": 11,
}
OLD_NAMES = {"Horizontal": "Columns", "Vertical": "Rows"}
MOST_REGIONS = 32
# Left, top, right and bottom as shares of the picture.
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class SplitTexts:
    """A prompt by regions: what the whole picture has, and prompt and negative prompt of each region."""

    base: str
    negative: str
    regions: tuple[tuple[str, str], ...]


class RegionalPrompts(RequestPart):
    """Regions as a matrix or as painted masks, one prompt for each."""

    key = "regional_prompts"
    title = "Regional prompts"
    about = "Other words for other parts of the picture. BREAK stands between the regions' prompts."
    alwayson_name = "Regional Prompter"
    enabled: bool = Field(default=False, title="Enable")
    mode: Literal["Matrix", "Mask"] = Field(default="Matrix", title="Divide mode")
    submode: Literal["Columns", "Rows"] = Field(
        default="Columns", title="Main splitting", json_schema_extra={"when": {"mode": ["Matrix"]}}
    )
    ratios: str = Field(
        default="1,1",
        max_length=500,
        title="Divide ratio",
        description="1,2: widths. 1,1,1;2,3,1: a row of height 1 with widths 1,1, then one of 2 with 3,1.",
        json_schema_extra={"when": {"mode": ["Matrix"]}},
    )
    masks: tuple[ImageRef, ...] = Field(
        default=(),
        max_length=MOST_REGIONS,
        title="Painted areas",
        description="One mask for each region.",
        json_schema_extra={"when": {"mode": ["Mask"]}},
    )
    prompts: str = Field(
        default="",
        max_length=200_000,
        title="Prompts of the regions",
        description="One in each line. Empty: the parts of the prompt between BREAKs.",
        json_schema_extra={"lines": 3},
    )
    calculation: Literal["Attention", "Latent"] = Field(
        default="Attention", title="Generation mode", description="Latent is slower and parts more sharply."
    )
    use_base: bool = Field(
        default=False, title="Use base prompt", description="The first part is for the whole picture."
    )
    base_ratios: str = Field(
        default="0.2",
        max_length=500,
        title="Base ratio",
        description="Share of the base prompt in the regions: one number, or one for each.",
        json_schema_extra={"when": {"use_base": [True]}},
    )
    use_common: bool = Field(
        default=False, title="Use common prompt", description="The first part is put before all others."
    )
    use_common_negative: bool = Field(default=False, title="Use common negative prompt")

    @field_validator("ratios")
    @classmethod
    def ratios_are_readable(cls, ratios: str) -> str:
        """Numbers above 0, for at most so many regions."""
        if not 0 < len(boxes_of(ratios, "Columns")) <= MOST_REGIONS:
            raise ValueError(f"at most {MOST_REGIONS} regions")
        return ratios

    @field_validator("base_ratios")
    @classmethod
    def base_ratios_are_readable(cls, ratios: str) -> str:
        """Numbers from 0 to 1."""
        if not all(0 <= each <= 1 for each in numbers_of(ratios)):
            raise ValueError("base ratios go from 0 to 1")
        return ratios

    @property
    def boxes(self) -> list[Box]:
        """The regions of a matrix, row by row, or column by column."""
        return boxes_of(self.ratios, self.submode)

    @property
    def count(self) -> int:
        """How many regions there are."""
        return len(self.boxes) if self.mode == "Matrix" else len(self.masks)

    @property
    def base_shares(self) -> list[float]:
        """The base prompt's share in each region."""
        if not self.use_base:
            return [0.0] * self.count
        numbers = numbers_of(self.base_ratios) or [0.0]
        return [numbers[min(number, len(numbers) - 1)] for number in range(self.count)]

    def split(self, prompt: str, negative: str) -> SplitTexts:
        """A prompt and negative prompt by regions. Raises InvalidRequest if there are too few or too many."""
        if not self.count:
            raise InvalidRequest(f"{self.title}: no area is painted. Paint a mask for each region.")
        pieces = BREAK.split(prompt.strip())
        lines = [line.strip() for line in self.prompts.splitlines() if line.strip()]
        regions = lines or pieces
        common = base = ""
        if lines:
            base = prompt
        else:
            common = regions.pop(0) if self.use_common and regions else ""
            base = regions.pop(0) if self.use_base and regions else prompt
        if len(regions) != self.count:
            raise InvalidRequest(
                f"{self.title}: there are {self.count} regions, but {len(regions)} prompts for them. "
                "Put BREAK between the prompts, after the common and the base prompt where they are used."
            )
        negatives = self._negatives(negative)
        whole = join(common, base) if lines or self.use_base else BREAK.sub(", ", prompt.strip())
        return SplitTexts(
            whole,
            negatives[0] if len(set(negatives)) == 1 else BREAK.sub(", ", negative.strip()),
            tuple(zip((join(common, each) for each in regions), negatives, strict=True)),
        )

    def _negatives(self, negative: str) -> list[str]:
        pieces = BREAK.split(negative.strip())
        common = pieces.pop(0) if self.use_common_negative and len(pieces) > 1 else ""
        # As the prompts, with one for each region, or else one for all.
        if len(pieces) == self.count:
            return [join(common, each) for each in pieces]
        return [negative] * self.count

    def to_infotext(self) -> dict[str, str]:
        """The keys of Regional Prompter; masks and lines under keys of our own."""
        if not self.is_active:
            return {}
        values = {key: write_value(getattr(self, name)) for name, key in INFOTEXT_KEYS.items()}
        if self.masks:
            values["RP Masks"] = json.dumps(self.masks)
        if self.prompts:
            values["RP Prompts"] = write_value(self.prompts)
        return values

    @classmethod
    def from_infotext(cls, fields: Mapping[str, str]) -> Self | None:
        """From those keys; None without them, or for a way of dividing that there is none of here."""
        if fields.get("RP Active") != "True":
            return None
        keys = INFOTEXT_KEYS | {"prompts": "RP Prompts"}
        values: dict[str, Any] = {name: read_text(fields[key]) for name, key in keys.items() if key in fields}
        values["submode"] = OLD_NAMES.get(values.get("submode", ""), values.get("submode", "Columns"))
        try:
            if "RP Masks" in fields:
                values["masks"] = json.loads(fields["RP Masks"])
            return cls.read(values)
        except (ValueError, InvalidRequest):
            return None

    @classmethod
    def from_args(cls, args: list[Any]) -> Self:
        """Regional Prompter's order, or one object. Raises InvalidRequest."""
        if len(args) == 1 and isinstance(args[0], dict):
            return super().from_args(args)
        values = {name: args[place] for name, place in PLACES.items() if place < len(args)}
        values["submode"] = OLD_NAMES.get(values.get("submode", "Columns"), values.get("submode", "Columns"))
        return cls.read({name: value for name, value in values.items() if value != ""})


def join(common: str, text: str) -> str:
    """A text behind what all have in common."""
    return ", ".join(each for each in (common, text) if each)


def numbers_of(text: str) -> list[float]:
    """Numbers between commas. Raises ValueError."""
    return [float(each) for each in text.split(",") if each.strip()]


def boxes_of(ratios: str, submode: str) -> list[Box]:
    """Ratios as boxes. Raises ValueError.

    Where semicolons part them into bands, the first number of each band is its own size, if others follow.
    """
    bands = [numbers_of(band) for band in ratios.split(";") if band.strip()]
    if not bands or not all(number > 0 and number < float("inf") for band in bands for number in band):
        raise ValueError("ratios are numbers above 0, such as 1,1 or 1,1,1;2,3,1")
    if len(bands) == 1:
        bands = [[1.0, *bands[0]]]
    found: list[Box] = []
    heights = [band[0] for band in bands]
    for number, band in enumerate(bands):
        top, bottom = (sum(heights[:end]) / sum(heights) for end in (number, number + 1))
        widths = band[1:] or [1.0]
        for place in range(len(widths)):
            left, right = (sum(widths[:end]) / sum(widths) for end in (place, place + 1))
            box = (left, top, right, bottom)
            found.append(box if submode == "Columns" else (top, left, bottom, right))
    return found
