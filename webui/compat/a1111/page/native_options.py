"""Our settings under A1111's keys, as extensions read and write them, and defaults of A1111's others."""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import annotated_types
from pydantic.fields import FieldInfo

import webui
from webui.compat.a1111.host import ExtensionHost
from webui.compat.a1111.page.option_info import OptionInfo
from webui.core.errors import WebuiError
from webui.core.model_file import ModelKind
from webui.core.settings import Folders, Settings, section_type

# Sections that are nobody's settings but the program's own.
OWN_SECTIONS = frozenset({"extensions"})
# Options that A1111 had once, or has in extensions that come with it, and that extensions still read.
FURTHER = {
    "batch_cond_uncond": True,
    "use_old_emphasis_implementation": False,
    "use_old_karras_scheduler_sigmas": False,
    "do_not_show_images": False,
    "samples_log_stdout": False,
    "lora_functional": False,
    "sd_lyco": "None",
    "compact_prompt_box": False,
    "sd_checkpoint_hash": "",
    "samplers_in_dropdown": True,
    "dimensions_and_batch_together": True,
    "img2img_inpaint_mask_brush_color": "#ffffff",
    "img2img_inpaint_sketch_default_brush_color": "#ffffff",
    # Of ControlNet's extension: its units that extensions reach here, by its newer and its older name.
    "control_net_unit_count": 3,
    "control_net_max_models_num": 3,
    "control_net_allow_script_control": True,
    "control_net_no_detectmap": False,
}


@cache
def further_defaults() -> dict[str, Any]:
    """Options of A1111 that are no settings here, by key, with its defaults."""
    file = Path(webui.__file__).parent / "api" / "sdapi" / "a1111_options.json"
    known = json.loads(file.read_text(encoding="utf-8"))
    own = native_keys()
    return {key: value for key, value in (FURTHER | known).items() if key not in own}


@cache
def native_keys() -> frozenset[str]:
    """The keys of our settings."""
    keys = Settings.keys().items()
    return frozenset(key for key, (section, _) in keys if section not in OWN_SECTIONS)


def native_values(settings: Settings, host: ExtensionHost) -> dict[str, Any]:
    """Our settings by A1111's key, with its kinds of values: lists, the title of the checkpoint, folders."""
    found = settings.options()
    values: dict[str, Any] = {key: as_list(found[key]) for key in found if key in native_keys()}
    values["sd_model_checkpoint"] = checkpoint_title(str(values["sd_model_checkpoint"]), host)
    for key in Folders.model_fields:
        values[key] = folder_text(str(values[key]), host.root)
    return values


def as_list(value: Any) -> Any:  # noqa: ANN401 - whatever the option holds
    """Tuples as lists."""
    return list(value) if isinstance(value, tuple) else value


def checkpoint_title(chosen: str, host: ExtensionHost) -> str:
    """The title of the checkpoint in use: of the first one where none is chosen; "" while none is known."""
    if host.services is None:
        return chosen
    catalog = host.services.catalog
    try:
        # Without waiting until all are known: extensions read this while the page is built.
        files = catalog.files(ModelKind.CHECKPOINT)
        return catalog.find_checkpoint(chosen).title if chosen else files[0].title if files else ""
    except WebuiError:
        return chosen


def folder_text(folder: str, root: Path) -> str:
    """A folder so that it is found from where the program was started: extensions open it as it is."""
    if not folder or Path(folder).is_absolute() or Path(os.getcwd()) == root:  # noqa: PTH109 - fails on no folder
        return folder
    return str(root / folder)


@cache
def native_infos() -> dict[str, OptionInfo]:
    """How our settings, and A1111's other options, are described to extensions."""
    infos: dict[str, OptionInfo] = {}
    for key, (section, name) in Settings.keys().items():
        if key in native_keys():
            holder = section_type(Settings.model_fields[section].annotation)
            infos[key] = describe_field(key, holder.model_fields[name], section)
    for key, value in further_defaults().items():
        infos[key] = OptionInfo(value, key.replace("_", " ").capitalize(), section=("a1111", "A1111"))
    return infos


def describe_field(key: str, field: FieldInfo, section: str) -> OptionInfo:
    """One of our settings."""
    default = as_list(field.get_default(call_default_factory=True))
    label = field.title or key.replace("_", " ").capitalize()
    info = OptionInfo(default, label, section=(section, section.capitalize()))
    info.component_args = arguments_of(field)
    return info


def arguments_of(field: FieldInfo) -> dict[str, Any] | None:
    """Choices or ends of a setting, as arguments of its component."""
    if get_origin(field.annotation) is Literal:
        return {"choices": [str(value) for value in get_args(field.annotation)]}
    ends: dict[str, Any] = {}
    for rule in field.metadata:
        if isinstance(rule, annotated_types.Ge):
            ends["minimum"] = rule.ge
        if isinstance(rule, annotated_types.Le):
            ends["maximum"] = rule.le
    return ends or None
