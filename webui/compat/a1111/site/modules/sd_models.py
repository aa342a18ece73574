# pyright: basic
"""Checkpoints: found by A1111's names, selected, loaded, and looked at."""

import collections
import contextlib
import importlib
import os
import re
import sys
import threading
from pathlib import Path

import torch

from webui.compat.a1111.facades import checkpoints, file_hashes, reaching
from webui.compat.a1111.facades import sd_model as facade
from webui.compat.a1111.facades.checkpoints import CheckpointInfo
from webui.compat.a1111.facades.sd_model import ModelData
from webui.compat.a1111.facades.stand_ins import StandIn, absent
from webui.core.errors import WebuiError
from webui.models.files.tensors import open_tensors

__all__ = ["CheckpointInfo", "collections", "contextlib", "os", "re", "sys", "threading", "torch"]

model_dir = "Stable-diffusion"
# Where A1111 kept loaded weights; here the program minds its memory.
checkpoints_loaded = collections.OrderedDict()
checkpoint_dict_replacements_sd1 = {}
checkpoint_dict_replacements_sd2_turbo = {}
NETWORK = "The program builds and loads its networks itself; sd_models.load_model(info) selects and loads."


SdModelData = ModelData
model_data = ModelData()
checkpoints_list = checkpoints.CheckpointTable()
checkpoint_aliases = {}
checkpoint_alisases = checkpoint_aliases


class SkipWritingToConfig:
    """Within it a selected checkpoint is not kept in the settings' file; here they are kept always."""

    skip = False

    def __enter__(self):
        SkipWritingToConfig.skip = True
        return self

    def __exit__(self, exc_type, exc_value, traceback):
        SkipWritingToConfig.skip = False


def fill_tables() -> None:
    checkpoints_list.fill()
    checkpoint_aliases.clear()
    for info in checkpoints_list.values():
        checkpoint_aliases.update((name, info) for name in info.ids)


def setup_model() -> None:
    list_models()


def list_models() -> None:
    """Look at the folders again."""
    services = reaching.services()
    if services is not None:
        services.catalog.scan()
    fill_tables()


def current_tables():
    """The tables; filled again where the catalog changed, or a hash became known."""
    if not checkpoints_list.is_current:
        fill_tables()
    return checkpoints_list


def checkpoint_tiles(use_short=False):
    """The titles, in the order of pickers."""
    return [info.short_title if use_short else info.title for info in current_tables().values()]


def get_closet_checkpoint_match(search_string):
    """The checkpoint of a name, a hash or a part of a title; None if there is none."""
    if not search_string:
        return None
    return checkpoint_aliases.get(search_string) or checkpoints.find(str(search_string))


get_closest_checkpoint_match = get_closet_checkpoint_match


def model_hash(filename):
    """The first 8-digit hash of a file; "NOFILE" without one."""
    return file_hashes.old_hash(Path(filename))


def select_checkpoint():
    """The selected checkpoint, or the first. Raises FileNotFoundError without any."""
    try:
        return checkpoints.selected()
    except WebuiError as error:
        raise FileNotFoundError(str(error)) from error


def read_metadata_from_safetensors(filename):
    """What a safetensors file says of itself, tables among it taken apart."""
    import json

    found = {}
    for key, value in checkpoints.read_metadata(Path(filename)).items():
        found[key] = value
        if isinstance(value, str) and value.startswith("{"):
            with contextlib.suppress(ValueError, RecursionError):
                found[key] = json.loads(value)
    return found


def read_state_dict(checkpoint_file, print_global_state=False, map_location=None):
    """The tensors of a file by the names in it. Raises UnusableFile for one that holds more than weights."""
    tensors = open_tensors(Path(checkpoint_file))
    if map_location is None or map_location == "cpu":
        return tensors
    return {name: tensor.to(map_location) for name, tensor in tensors.items()}


def load_state_dict(*args, **kwargs):
    return read_state_dict(*args, **kwargs)


def get_state_dict_from_checkpoint(pl_sd):
    """The tensors of a table that may wrap them."""
    found = pl_sd.get("state_dict", pl_sd) if isinstance(pl_sd, dict) else pl_sd
    found = dict(found)
    found.pop("state_dict", None)
    return found


def get_checkpoint_state_dict(checkpoint_info, timer=None):
    """The tensors of a checkpoint's file."""
    return read_state_dict(checkpoint_info.filename)


def load_model(checkpoint_info=None, already_loaded_state_dict=None, **kwargs):
    """Select a checkpoint and have it in memory; the object that stands for it. Raises WebuiError."""
    if already_loaded_state_dict is not None:
        raise_for_tensors()
    checkpoints.select(checkpoint_info)
    checkpoints.load_selected()
    model = model_data.get_sd_model()
    tell_loaded(model)
    return model


def reload_model_weights(sd_model=None, info=None, forced_reload=False):
    """The same; a checkpoint that is selected already is loaded where it is not in memory."""
    return load_model(info)


def load_model_weights(model, checkpoint_info, state_dict, timer=None):
    return load_model(checkpoint_info, state_dict)


def raise_for_tensors():
    StandIn(
        "sd_models.load_model(…, already_loaded_state_dict)",
        "Save the merged file, then load it by its name.",
    )()


def tell_loaded(model) -> None:
    from modules import script_callbacks

    script_callbacks.model_loaded_callback(model)


def reuse_model_from_already_loaded(sd_model, checkpoint_info, timer=None):
    """The object for a checkpoint; whether it is in memory is the program's matter."""
    checkpoints.select(checkpoint_info)
    return model_data.get_sd_model()


def unload_model_weights(sd_model=None, info=None):
    """Free the memory of all networks."""
    checkpoints.unload()
    return sd_model


def send_model_to_cpu(m) -> None:
    """Nothing to do: networks that no job needs leave the device by themselves."""


def send_model_to_device(m) -> None:
    """Nothing to do."""


def send_model_to_trash(m) -> None:
    """Free its memory."""
    checkpoints.unload()


def get_empty_cond(sd_model):
    """An empty prompt, encoded."""
    found = sd_model.get_learned_conditioning([""])
    return found["crossattn"] if isinstance(found, dict) else found


def apply_token_merging(sd_model, token_merging_ratio) -> None:
    """Nothing to do: the run merges tokens as its request says."""


def apply_alpha_schedule_override(sd_model, p=None) -> None:
    """Nothing to do: the run has its own table."""


def set_model_type(model, state_dict) -> None:
    """Nothing to do."""


def set_model_fields(model) -> None:
    """Nothing to do."""


def model_target_device(m):
    return facade.number_formats.device()


def rescale_zero_terminal_snr_abar(alphas_cumprod):
    """The noise table with a signal-to-noise ratio of zero at its end (Lin et al. 2023)."""
    root = alphas_cumprod.sqrt()
    first, last = root[0].clone(), root[-1].clone()
    scaled = (root - last) * first / (first - last)
    table = scaled**2
    table[-1] = 4.8973451890853435e-08
    return table


instantiate_from_config = StandIn("modules.sd_models.instantiate_from_config", NETWORK)
repair_config = StandIn("modules.sd_models.repair_config", NETWORK)
enable_midas_autodownload = StandIn("modules.sd_models.enable_midas_autodownload", NETWORK)
check_fp8 = StandIn("modules.sd_models.check_fp8", NETWORK)
get_obj_from_str = StandIn("modules.sd_models.get_obj_from_str", NETWORK)

OTHER_MODULES = {
    "shared", "modelloader", "devices", "script_callbacks", "sd_vae", "sd_disable_initialization", "errors",
    "hashes", "sd_models_config", "sd_unet", "sd_models_xl", "cache", "extra_networks", "processing",
    "lowvram", "sd_hijack", "patches", "timer", "paths",
}  # fmt: skip


def __getattr__(name):
    if name == "model_path":
        return str(reaching.models_folder() / model_dir)
    if name in OTHER_MODULES:
        return importlib.import_module(f"modules.{name}")
    absent("modules.sd_models", name)


fill_tables()
