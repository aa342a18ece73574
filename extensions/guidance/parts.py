"""What the artist may choose of each kind of guidance, and how infotext and A1111's API name it.

The keys of infotext are those of the extensions that made them known: sd-dynamic-thresholding, Forge's own
extensions, CFG_Rescale_webui.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field

from webui.plugins import InvalidRequest, RequestPart, read_text, write_value

Share = Annotated[float, Field(ge=0, le=1)]
Curve = Literal[
    "Constant",
    "Linear Down",
    "Cosine Down",
    "Half Cosine Down",
    "Linear Up",
    "Cosine Up",
    "Half Cosine Up",
    "Power Up",
    "Power Down",
    "Linear Repeating",
    "Cosine Repeating",
    "Sawtooth",
]


class KeyedPart(RequestPart):
    """A part whose fields have infotext keys of their own; the first key of each is written, all are read."""

    infotext_keys: ClassVar[dict[str, tuple[str, ...]]] = {}

    def to_infotext(self) -> dict[str, str]:
        """Every field that has a key."""
        if not self.is_active:
            return {}
        return {keys[0]: write_value(getattr(self, name)) for name, keys in self.infotext_keys.items()}

    @classmethod
    def from_infotext(cls, fields: Mapping[str, str]) -> Self | None:
        """Whatever fields there are; None if it is not on, or a value cannot be read."""
        found = {
            name: read_text(fields[key])
            for name, keys in cls.infotext_keys.items()
            for key in reversed(keys)
            if key in fields
        }
        if not found:
            return None
        try:
            part = cls.read(cls.convert(found))
        except (InvalidRequest, ValueError):
            return None
        return part if part.is_active else None

    @classmethod
    def convert(cls, found: dict[str, str]) -> dict[str, Any]:
        """Texts by field, as the fields take them."""
        return {**found}


class Window(KeyedPart):
    """A part with `start` and `end`, between which it acts, in shares of the steps."""

    def holds(self, share_done: float) -> bool:
        """Whether it acts where this share of the steps is done."""
        start, end = getattr(self, "start"), getattr(self, "end")  # noqa: B009 - fields of each kind, in its order
        return start <= share_done < end or (end == 1 and share_done >= 1)


class CfgRescale(KeyedPart):
    """Lin et al. 2023: the guided prediction keeps the spread of the prompt's own."""

    key = "cfg_rescale"
    title = "CFG rescale"
    about = "Against burnt and washed-out pictures at a high CFG scale (Lin et al. 2023)."
    infotext_keys: ClassVar[dict[str, tuple[str, ...]]] = {"phi": ("CFG Rescale φ", "CFG Rescale phi")}
    phi: Share = Field(
        default=0.0, title="Rescale φ", description="0 changes nothing; 0.7 is what its authors advise."
    )


class PerturbedAttention(Window):
    """Ahn et al. 2024: away from what the network sees with its self-attention switched off."""

    key = "perturbed_attention"
    title = "Perturbed-attention guidance"
    about = "Better structure, for one more evaluation a step (Ahn et al. 2024)."
    alwayson_name = "PerturbedAttentionGuidance Integrated"
    infotext_keys: ClassVar[dict[str, tuple[str, ...]]] = {
        "enabled": ("pag_enabled",),
        "scale": ("pag_scale",),
        "blocks": ("pag_applied_layers",),
        "start": ("pag_start",),
        "end": ("pag_end",),
    }
    enabled: bool = Field(default=False, title="Enable")
    scale: float = Field(default=3.0, ge=0, le=20, title="Scale")
    blocks: str = Field(
        default="mid",
        title="Blocks",
        description="mid, or down.2, up.1.0 … (block, then transformer), separated by commas.",
    )

    start: Share = Field(default=0.0, title="Start", description="Share of the steps after which it begins.")
    end: Share = Field(default=1.0, title="End", description="Share of the steps after which it ends.")

    @property
    def is_active(self) -> bool:
        """Whether it does anything."""
        return self.enabled and self.scale != 0


class SelfAttention(KeyedPart):
    """Hong et al. 2022: away from a picture that is blurred where the network looks."""

    key = "self_attention"
    title = "Self-attention guidance"
    about = "Finer details where the network looks, for one more evaluation a step (Hong et al. 2022)."
    alwayson_name = "SelfAttentionGuidance Integrated"
    infotext_keys: ClassVar[dict[str, tuple[str, ...]]] = {
        "enabled": ("sag_enabled",),
        "scale": ("sag_scale",),
        "blur_sigma": ("sag_blur_sigma",),
        "threshold": ("sag_threshold",),
    }
    enabled: bool = Field(default=False, title="Enable")
    scale: float = Field(default=0.5, ge=-2, le=5, title="Scale")
    blur_sigma: float = Field(default=2.0, ge=0, le=10, title="Blur sigma")
    threshold: float = Field(
        default=1.0,
        ge=0,
        le=4,
        title="Threshold",
        description="Attention above this is blurred; 1 is the mean.",
    )

    @property
    def is_active(self) -> bool:
        """Whether it does anything."""
        return self.enabled and self.scale != 0 and self.blur_sigma != 0


class SkipLayer(Window):
    """Skip-layer guidance (Stability AI 2024): away from what the network sees without some of its layers."""

    key = "skip_layer"
    title = "Skip-layer guidance"
    about = "Better anatomy, for one more evaluation in each step of its range (Stability AI 2024)."
    infotext_keys: ClassVar[dict[str, tuple[str, ...]]] = {
        "enabled": ("slg_enabled",),
        "scale": ("slg_scale",),
        "blocks": ("slg_layers",),
        "start": ("slg_start",),
        "end": ("slg_end",),
    }
    enabled: bool = Field(default=False, title="Enable")
    scale: float = Field(default=2.8, ge=0, le=20, title="Scale")
    blocks: str = Field(
        default="mid",
        title="Layers to skip",
        description="mid, or down.2, up.1.0 … (block, then transformer), separated by commas.",
    )
    start: Share = Field(default=0.01, title="Start", description="Share of the steps after which it begins.")
    end: Share = Field(default=0.2, title="End", description="Share of the steps after which it ends.")

    @property
    def is_active(self) -> bool:
        """Whether it does anything."""
        return self.enabled and self.scale != 0


class DynamicThresholding(KeyedPart):
    """A high CFG scale with the range of values of a lower one (after Saharia et al. 2022)."""

    key = "dynamic_thresholding"
    title = "Dynamic thresholding"
    about = "A high CFG scale whose values keep the range of a lower one, the mimic scale."
    alwayson_name = "Dynamic Thresholding (CFG Scale Fix)"
    infotext_keys: ClassVar[dict[str, tuple[str, ...]]] = {
        "enabled": ("Dynamic thresholding enabled", "dynthres_enabled"),
        "mimic_scale": ("Mimic scale", "dynthres_mimic_scale"),
        "percentile": ("Threshold percentile", "dynthres_threshold_percentile"),
        "mimic_mode": ("Mimic mode", "dynthres_mimic_mode"),
        "mimic_scale_min": ("Mimic scale minimum", "dynthres_mimic_scale_min"),
        "cfg_mode": ("CFG mode", "dynthres_cfg_mode"),
        "cfg_scale_min": ("CFG scale minimum", "dynthres_cfg_scale_min"),
        "scheduler_value": ("Scheduler value", "dynthres_sched_val"),
        "separate_channels": ("Separate Feature Channels", "dynthres_separate_feature_channels"),
        "startpoint": ("Scaling Startpoint", "dynthres_scaling_startpoint"),
        "measure": ("Variability Measure", "dynthres_variability_measure"),
        "phi": ("Interpolate Phi", "dynthres_interpolate_phi"),
    }
    enabled: bool = Field(default=False, title="Enable")
    mimic_scale: float = Field(default=7.0, ge=0, le=30, title="Mimic CFG scale")
    percentile: float = Field(default=100.0, ge=90, le=100, title="Top percentile of latents to clamp")
    mimic_mode: Curve = Field(default="Constant", title="Mimic scale scheduler")
    mimic_scale_min: float = Field(default=0.0, ge=0, le=30, title="Minimum of the mimic scale")
    cfg_mode: Curve = Field(default="Constant", title="CFG scale scheduler")
    cfg_scale_min: float = Field(default=0.0, ge=0, le=30, title="Minimum of the CFG scale")
    scheduler_value: float = Field(
        default=4.0, ge=0, le=40, title="Scheduler value", description="The power, or how often it repeats."
    )
    separate_channels: bool = Field(default=True, title="Separate feature channels")
    startpoint: Literal["MEAN", "ZERO"] = Field(default="MEAN", title="Scaling startpoint")
    measure: Literal["AD", "STD"] = Field(default="AD", title="Variability measure")
    phi: Share = Field(default=1.0, title="Interpolate φ", description="0 changes nothing, 1 replaces all.")

    @property
    def is_active(self) -> bool:
        """Whether it does anything."""
        return self.enabled and self.phi != 0

    @classmethod
    def convert(cls, found: dict[str, str]) -> dict[str, Any]:
        """Forge writes the percentile as a share, and "enable" for channels."""
        values: dict[str, Any] = dict(found)
        with contextlib.suppress(KeyError):
            percentile = float(found["percentile"])
            values["percentile"] = percentile if percentile > 1 else percentile * 100
            values["separate_channels"] = found["separate_channels"] in ("True", "enable")
        return values


class FreeU(Window):
    """Si et al. 2023: stronger backbone features, weaker low frequencies of the skip connections."""

    key = "freeu"
    title = "FreeU"
    about = "Better pictures at no cost: backbone and skip connections weighed anew (Si et al. 2023)."
    alwayson_name = "FreeU Integrated (SD 1.x, SD 2.x, SDXL)"
    infotext_keys: ClassVar[dict[str, tuple[str, ...]]] = {
        "enabled": ("freeu_enabled",),
        "b1": ("freeu_b1",),
        "b2": ("freeu_b2",),
        "s1": ("freeu_s1",),
        "s2": ("freeu_s2",),
        "start": ("freeu_start",),
        "end": ("freeu_end",),
        "version": ("FreeU Version",),
    }
    # In Forge's order, which its API has too.
    enabled: bool = Field(default=False, title="Enable")
    b1: float = Field(default=1.01, ge=0, le=2, title="B1", description="Backbone of the deepest blocks.")
    b2: float = Field(default=1.02, ge=0, le=2, title="B2", description="Backbone of the next blocks.")
    s1: float = Field(
        default=0.99, ge=0, le=4, title="S1", description="Skip connections of the deepest blocks."
    )
    s2: float = Field(
        default=0.95, ge=0, le=4, title="S2", description="Skip connections of the next blocks."
    )
    start: Share = Field(default=0.0, title="Start", description="Share of the steps after which it begins.")
    end: Share = Field(default=1.0, title="End", description="Share of the steps after which it ends.")
    version: Literal["1", "2"] = Field(
        default="2", title="Version", description="2 strengthens the backbone where it is strong already."
    )

    @property
    def is_active(self) -> bool:
        """Whether it does anything."""
        return self.enabled and (self.b1, self.b2, self.s1, self.s2) != (1, 1, 1, 1)

    @classmethod
    def from_infotext(cls, fields: Mapping[str, str]) -> Self | None:
        """From Forge's keys, or from those of A1111's extension ("FreeU Stages")."""
        if "FreeU Stages" not in fields:
            return super().from_infotext(fields)
        try:
            return cls.read(read_stages(fields))
        except (InvalidRequest, ValueError, TypeError, AttributeError):
            return None


def read_stages(fields: Mapping[str, str]) -> dict[str, Any]:
    """The values of A1111's extension: a list of stages, the deepest first, and a schedule in shares."""
    values: dict[str, Any] = {"enabled": True, "version": fields.get("FreeU Version", "1")}
    for number, stage in enumerate(json.loads(fields["FreeU Stages"])[:2], 1):
        values[f"b{number}"] = stage.get("backbone_factor", 1)
        values[f"s{number}"] = stage.get("skip_factor", 1)
    for number in (1, 2):
        values.setdefault(f"b{number}", 1)
        values.setdefault(f"s{number}", 1)
    shares = [float(each) for each in fields.get("FreeU Schedule", "").split(",") if each.strip()]
    # Whole numbers are counts of steps there, and cannot be told without the steps.
    if len(shares) >= 2 and all(share <= 1 for share in shares[:2]):
        values |= {"start": shares[0], "end": shares[1]}
    return values
