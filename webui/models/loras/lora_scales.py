"""How strong a LoRA's layers are where only its metadata tell: diffusers writes PEFT's settings there."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from webui.core.errors import UnusableFile
from webui.library.files.headers import read_header

# diffusers 0.34 and later; a table in JSON.
SETTINGS = "lora_adapter_metadata"
# The settings' names begin with the part of the pipeline that they are for; here parts have other names.
PARTS: Mapping[str, str] = {"unet": "unet.", "text 1": "text_encoder.", "text 2": "text_encoder_2."}

Settings = Mapping[str, Any]  # Any: JSON values


@dataclass(frozen=True, slots=True)
class LoraScales:
    """PEFT's rule: alpha over the rank, or over its root (rsLoRA); layers may have an alpha of their own."""

    settings: Settings = field(default_factory=dict[str, Any])

    @classmethod
    def read(cls, path: Path) -> "LoraScales":
        """From a file's metadata; of files of other formats, or with other things in that place, none."""
        try:
            settings = json.loads(read_header(path).metadata.get(SETTINGS) or "{}")
        except (UnusableFile, OSError, ValueError, RecursionError):
            return cls()
        return cls(settings if isinstance(settings, dict) else {})

    def scale(self, part: str, layer: str, rank: int) -> float | None:
        """Of a layer (dots written "_") of a part ("unet", "text 1", "text 2"); None if nothing is said."""
        alpha = self._alpha(PARTS.get(part, ""), layer)
        if alpha is None or not rank:
            return None
        is_rooted = self._setting(PARTS.get(part, ""), "use_rslora") is True
        return alpha / (math.sqrt(rank) if is_rooted else rank)

    def _alpha(self, part: str, layer: str) -> float | None:
        own = self._setting(part, "alpha_pattern")
        if isinstance(own, dict):
            for name, alpha in own.items():
                # The names are the ends of layers' names.
                if _is_end(layer, name) and (found := _number(alpha)) is not None:
                    return found
        return _number(self._setting(part, "lora_alpha"))

    def _setting(self, part: str, name: str) -> object:
        # What a network alone saved has no part before its names.
        return self.settings.get(part + name, self.settings.get(name))


def _is_end(layer: str, name: str) -> bool:
    """Whether a layer's name is this one or ends with it."""
    written = name.lstrip("^").replace("\\.", ".").replace(".", "_")
    return layer == written or layer.endswith(f"_{written}")


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
