"""What the lists say: models by what they are for, preprocessors with their sliders, and what is missing."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import BaseModel

from extensions.controlnet.preprocessors import PREPROCESSORS
from extensions.controlnet.preprocessors.registry import ControlType, Preprocessor, Slider
from extensions.controlnet.preprocessors.weights import ANNOTATORS, describe_missing, missing_weights
from webui.plugins import ModelFile, ModelKind, WebuiError

CONTROL_KINDS = (
    ModelKind.CONTROLNET,
    ModelKind.CONTROL_LORA,
    ModelKind.LLLITE,
    ModelKind.T2I_ADAPTER,
    ModelKind.IP_ADAPTER,
)
ALL, NONE_MODULE, NO_MODEL = "All", "none", "None"
# Parts of models' names that tell what they are for, in small letters.
WORDS: dict[str, tuple[str, ...]] = {
    "Canny": ("canny",),
    "Depth": ("depth",),
    "NormalMap": ("normal",),
    "OpenPose": ("openpose", "pose"),
    "MLSD": ("mlsd",),
    "Lineart": ("lineart", "line_art"),
    "SoftEdge": ("softedge", "hed", "pidi"),
    "Scribble": ("scribble", "sketch"),
    "Segmentation": ("seg",),
    "Shuffle": ("shuffle",),
    "Tile": ("tile",),
    "Blur": ("blur",),
    "Inpaint": ("inpaint",),
    "InstructP2P": ("ip2p", "p2p"),
    "Reference": (),
    "Recolor": ("recolor",),
    "T2I-Adapter": ("t2i",),
    "IP-Adapter": ("ip-adapter", "ip_adapter"),
}
# Networks that take every sort of map.
UNION = ("union", "promax")
OF_KINDS = {ModelKind.T2I_ADAPTER: "T2I-Adapter", ModelKind.IP_ADAPTER: "IP-Adapter"}
# The community's choices; where their weights are missing, the first that can be used.
FIRST_CHOICES: dict[str, str] = {
    "Depth": "depth_midas",
    "Lineart": "lineart_standard (from white bg & black line)",
    "SoftEdge": "softedge_hed",
    "Scribble": "scribble_hed",
    "Segmentation": "seg_ofade20k",
    "OpenPose": "openpose_full",
    "NormalMap": "normal_bae",
    "InstructP2P": NONE_MODULE,
    "Inpaint": "inpaint_global_harmonious",
    "T2I-Adapter": "t2ia_color_grid",
    "IP-Adapter": "ip-adapter-auto",
}


class ModelEntry(BaseModel):
    """A model in the page's list; `reason` says why it is not offered, None if it is."""

    title: str
    kind: str
    family: str
    types: list[str]
    reason: str | None


def title_of(model: ModelFile) -> str:
    """What a model is called in lists and requests: its file's name without suffix."""
    return model.stem


def list_models(catalog: Any) -> list[ModelFile]:  # noqa: ANN401 - the catalog, of a floor below
    """All models that a unit may use, by name. Waits until their files are read."""
    catalog.settle(*CONTROL_KINDS)
    found = [model for kind in CONTROL_KINDS for model in catalog.files(kind)]
    return sorted(found, key=lambda model: title_of(model).lower())


def model_entries(services: Any) -> list[ModelEntry]:  # noqa: ANN401 - of a floor above
    """All models, and after them what cannot be used: with the selected checkpoint, or at all."""
    catalog = services.catalog
    catalog.settle(*CONTROL_KINDS)
    found = [model for kind in CONTROL_KINDS for model in catalog.all_files(kind)] + list_misfits(catalog)
    family = checkpoint_family(services)
    entries = [
        ModelEntry(
            title=title_of(model),
            kind=model.kind.value,
            family=model.family.value,
            types=types_of(model),
            reason=reason_against(model, family),
        )
        for model in found
    ]
    return sorted(entries, key=lambda entry: (entry.reason is not None, entry.title.lower()))


def list_misfits(catalog: Any) -> list[ModelFile]:  # noqa: ANN401 - as above
    """What lies in the folders of ControlNets and is none: LoRAs, files that are empty or cut off."""
    folders = [path for path, kinds in catalog.folders.kinds.items() if ModelKind.CONTROLNET in kinds]
    return [
        model
        for model in catalog.unusable()
        if model.kind not in CONTROL_KINDS
        and ANNOTATORS not in model.path.parts
        and any(model.path.is_relative_to(folder) for folder in folders)
    ]


def checkpoint_family(services: Any) -> Any:  # noqa: ANN401 - of a floor above; a Family, or None
    """The family of the selected checkpoint, None while it is not known."""
    try:
        selected = services.catalog.known_checkpoint(services.settings.current.models.sd_model_checkpoint)
    except WebuiError:
        return None
    return selected.family if selected else None


def reason_against(model: ModelFile, family: Any) -> str | None:  # noqa: ANN401 - a Family, or None
    """Why a model cannot be used with checkpoints of a family."""
    if model.reason is not None:
        return model.reason
    if family is not None and not model.fits(family):
        return f"It is for {model.family.value}, but the checkpoint is {family.value}."
    return None


def types_of(model: ModelFile) -> list[str]:
    """What a model is for, by its kind and name."""
    name = title_of(model).lower()
    if any(word in name for word in UNION):
        return [each for each in get_args(ControlType) if WORDS[each]]
    found = [each for each in get_args(ControlType) if any(word in name for word in WORDS[each])]
    own = OF_KINDS.get(model.kind)
    return found if own is None or own in found else [*found, own]


def control_types(catalog: Any) -> dict[str, Any]:  # noqa: ANN401 - as above
    """By type: preprocessors, models, and which are chosen first."""
    models = list_models(catalog)
    titles = [title_of(model) for model in models]
    answer: dict[str, Any] = {
        ALL: choices(list(PREPROCESSORS), [NO_MODEL, *titles], NONE_MODULE) | {"default_model": NO_MODEL},
    }
    for each in get_args(ControlType):
        fitting = [title_of(model) for model in models if each in types_of(model)]
        answer[each] = choices(modules_of(each), [NO_MODEL, *fitting], first_module(each, catalog))
    return answer


def choices(modules: list[str], models: list[str], module: str) -> dict[str, Any]:
    """As the community's clients read it."""
    return {
        "module_list": modules,
        "model_list": models,
        "default_option": module,
        "default_model": models[1] if len(models) > 1 else NO_MODEL,
    }


def modules_of(control_type: str) -> list[str]:
    """The preprocessors of a type, and none."""
    return [NONE_MODULE, *(name for name, entry in PREPROCESSORS.items() if control_type in entry.types)]


def first_module(control_type: str, catalog: Any) -> str:  # noqa: ANN401 - as above
    """The preprocessor that is chosen with a type: one that can be used now."""
    names = modules_of(control_type)
    wanted = [FIRST_CHOICES.get(control_type, ""), *names[1:], NONE_MODULE]
    return next(
        name for name in wanted if name in names and not missing_weights(PREPROCESSORS[name], catalog)
    )


def describe_module(entry: Preprocessor, catalog: Any = None) -> dict[str, Any]:  # noqa: ANN401 - as above, or None
    """A preprocessor with its sliders; with a catalog also what it needs and what of it is missing."""
    described: dict[str, Any] = {
        "model_free": not entry.needs_model,
        "sliders": [slider and describe_slider(slider) for slider in entry.sliders],
    }
    if catalog is None:
        return described
    missing = missing_weights(entry, catalog)
    return described | {
        "about": entry.about,
        "types": list(entry.types),
        "missing": [
            {
                "file": weight.file,
                "size": weight.size_bytes,
                "licence": weight.licence,
                "link": weight.link,
                "page": weight.page,
                "sentence": describe_missing(entry, weight),
            }
            for weight in missing
        ],
    }


def describe_slider(slider: Slider) -> dict[str, Any]:
    """As the community's clients read it."""
    return {
        "name": slider.label,
        "min": slider.minimum,
        "max": slider.maximum,
        "value": slider.value,
        "step": slider.step,
    }
