"""What the artist may choose of deep shrink. Keys and order of arguments are those of Forge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field

from webui.plugins import InvalidRequest, RequestPart, write_value

Method = Literal["bicubic", "nearest-exact", "bilinear", "area"]
Share = Annotated[float, Field(ge=0, le=1)]
INFOTEXT_KEYS = {
    "enabled": "kohya_hrfix_enabled",
    "block": "kohya_hrfix_block_number",
    "factor": "kohya_hrfix_downscale_factor",
    "start": "kohya_hrfix_start_percent",
    "end": "kohya_hrfix_end_percent",
    "after_skip": "kohya_hrfix_downscale_after_skip",
    "downscale_method": "kohya_hrfix_downscale_method",
    "upscale_method": "kohya_hrfix_upscale_method",
}


class DeepShrink(RequestPart):
    """Kohya 2023: downscale behind a block of the way down, for the first part of the steps."""

    key = "deep_shrink"
    title = "Kohya deep shrink"
    about = "Pictures larger than the checkpoint was trained for, without doubled heads and bodies."
    alwayson_name = "Kohya HRFix Integrated"
    enabled: bool = Field(default=False, title="Enable")
    block: int = Field(default=3, ge=1, le=32, title="Block number")
    factor: float = Field(default=2.0, ge=1, le=9, title="Downscale factor")
    start: Share = Field(default=0.0, title="Start", description="Share of the steps after which it begins.")
    end: Share = Field(default=0.35, title="End", description="Share of the steps after which it ends.")
    after_skip: bool = Field(default=True, title="Downscale after skip")
    downscale_method: Method = Field(default="bicubic", title="Downscale method")
    upscale_method: Method = Field(default="bicubic", title="Upscale method")

    @property
    def is_active(self) -> bool:
        """Whether it does anything."""
        return self.enabled and self.factor != 1 and self.end > self.start

    def holds(self, share_done: float) -> bool:
        """Whether it acts where this share of the steps is done."""
        return self.start <= share_done < self.end

    def to_infotext(self) -> dict[str, str]:
        """Every field."""
        if not self.is_active:
            return {}
        return {key: write_value(getattr(self, name)) for name, key in INFOTEXT_KEYS.items()}

    @classmethod
    def from_infotext(cls, fields: Mapping[str, str]) -> Self | None:
        """From those keys; None without them."""
        try:
            part = cls.read({name: fields[key] for name, key in INFOTEXT_KEYS.items() if key in fields})
        except InvalidRequest:
            return None
        return part if part.is_active else None
