"""What the shapes of a checkpoint cannot tell, from the `<checkpoint>.yaml` beside it (A1111's place for
it).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import yaml

from webui.core.errors import UnusableFile
from webui.store.files.regular_files import is_regular, read_regular

# Real sidecars are 2 kB; anything much larger is no configuration.
MAX_SIDECAR_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class TextSettings:
    """Of one text encoder; None where the file does not say."""

    heads: int | None = None
    hidden_act: str | None = None
    layer: str | None = None
    layer_index: int | None = None


@dataclass(frozen=True, slots=True)
class Sidecar:
    """Of a checkpoint; None where the file does not say.

    `has_own_heads`: each text encoder's entry gives its own heads, as in diffusers folders.
    """

    heads: int | None = None
    head_size: int | None = None
    scale_factor: float | None = None
    prediction: Literal["eps", "v"] | None = None
    text: tuple[TextSettings, ...] = ()
    has_own_heads: bool = False

    def text_settings(self, index: int) -> TextSettings:
        """Settings of the text encoder at that place, empty if the file has none.

        No published checkpoint's yaml gives text encoders a number of heads: theirs follows from their width.
        The one known case that does is tiny-sdxl, by which A1111 was measured (goldens `sdxl/edit`). There
        the first entry counts for both encoders, for A1111's OpenCLIP class takes no such number.
        """
        if index >= len(self.text):
            return TextSettings()
        own = self.text[index]
        return own if self.has_own_heads else replace(own, heads=self.text[0].heads)


def read_sidecar(checkpoint: Path) -> Sidecar:
    """Settings from the yaml beside a checkpoint file, an empty one if there is none."""
    path = checkpoint.with_suffix(".yaml")
    if checkpoint.is_dir() or not is_regular(path):
        return Sidecar()
    try:
        document = yaml.safe_load(read_regular(path, MAX_SIDECAR_BYTES).decode("utf-8-sig"))
    except OSError as error:
        raise UnusableFile(
            f"{path.name} cannot be read or is too large for a configuration. "
            f"Remove it to load {checkpoint.name} without."
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise UnusableFile(
            f"{path.name} beside {checkpoint.name} is not valid YAML. Correct or remove it."
        ) from error
    try:
        return _parse(document)
    except (TypeError, ValueError) as error:
        raise UnusableFile(
            f"{path.name} beside {checkpoint.name} holds a value of the wrong kind ({error}). "
            "Correct or remove it."
        ) from error


def read_settings(checkpoint: Path) -> Sidecar:
    """What the shapes cannot tell: from the sidecar of a file, or the configurations in a diffusers
    folder.
    """
    return _read_folder(checkpoint) if checkpoint.is_dir() else read_sidecar(checkpoint)


def _read_folder(folder: Path) -> Sidecar:
    unet, vae = _read_json(folder / "unet" / "config.json"), _read_json(folder / "vae" / "config.json")
    scheduler = _read_json(folder / "scheduler" / "scheduler_config.json")
    texts = [_read_json(folder / part / "config.json") for part in ("text_encoder", "text_encoder_2")]
    heads, channels = unet.get("attention_head_dim"), unet.get("block_out_channels")
    head_size = None
    if isinstance(heads, list) and isinstance(channels, list):
        # diffusers' name for it is wrong since its beginning: these are numbers of heads, one a level.
        head_size, heads = int(channels[0]) // int(heads[0]), None
    predictions: dict[object, Literal["eps", "v"]] = {"epsilon": "eps", "v_prediction": "v"}
    return Sidecar(
        heads=heads if isinstance(heads, int) else None,
        head_size=head_size,
        scale_factor=_number(vae.get("scaling_factor")),
        prediction=predictions.get(scheduler.get("prediction_type")),
        text=tuple(
            TextSettings(
                heads=_positive(text, "num_attention_heads"),
                hidden_act=str(text["hidden_act"]) if "hidden_act" in text else None,
            )
            for text in texts
            if text
        ),
        has_own_heads=True,
    )


def _read_json(path: Path) -> Mapping[str, object]:
    """A configuration in a diffusers folder, empty if it is not there."""
    if not is_regular(path):
        return {}
    try:
        document = json.loads(read_regular(path, MAX_SIDECAR_BYTES).decode("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UnusableFile(
            f"{path.parent.parent.name}/{path.parent.name}/{path.name} is not valid JSON."
        ) from error
    return document if isinstance(document, dict) else {}


def _parse(document: object) -> Sidecar:
    params = _table(document, "model", "params")
    network = _table(params, "unet_config", "params") or _table(params, "network_config", "params")
    return Sidecar(
        heads=_positive(network, "num_heads"),
        head_size=_positive(network, "num_head_channels"),
        scale_factor=_number(params.get("scale_factor")),
        prediction=_prediction(params),
        text=_text_settings(params),
    )


def _table(value: object, *path: str) -> Mapping[str, object]:
    """The nested table at a path, empty if any part of the path is missing."""
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def _number(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number")
    return float(value)


def _positive(table: Mapping[str, object], name: str) -> int | None:
    """A whole number above zero; None if absent or -1, the original code's way of saying "not set"."""
    value = _number(table.get(name))
    if value is None or value == -1:
        return None
    if value < 1 or value != int(value):
        raise ValueError(f"{name} is {value:g}")
    return int(value)


def _prediction(params: Mapping[str, object]) -> Literal["eps", "v"] | None:
    """From SD's `parameterization`, or from the class of SDXL's denoiser scaling."""
    match params.get("parameterization"):
        case "v" | "v_prediction":
            return "v"
        case "eps" | "epsilon":
            return "eps"
    scaling = str(_table(params, "denoiser_config", "params", "scaling_config").get("target", ""))
    if scaling.endswith("VScaling"):
        return "v"
    return "eps" if scaling.endswith("EpsScaling") else None


def _text_settings(params: Mapping[str, object]) -> tuple[TextSettings, ...]:
    models = _table(params, "conditioner_config", "params").get("emb_models")
    if isinstance(models, Sequence) and not isinstance(models, str):
        return tuple(_one_text(_table(model, "params")) for model in models)
    return (_one_text(_table(params, "cond_stage_config", "params")),)


def _one_text(table: Mapping[str, object]) -> TextSettings:
    index = _number(table.get("layer_idx"))
    act, layer = table.get("hidden_act"), table.get("layer")
    return TextSettings(
        heads=_positive(table, "num_attention_heads"),
        hidden_act=str(act) if act is not None else None,
        layer=str(layer) if layer is not None else None,
        layer_index=int(index) if index is not None else None,
    )
