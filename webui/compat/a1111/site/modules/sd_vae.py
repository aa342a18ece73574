# pyright: basic
"""VAE files by name, and the one that is chosen."""

import collections
import os
from pathlib import Path

from webui.compat.a1111.facades import checkpoints, file_hashes, reaching, running_context
from webui.compat.a1111.facades.stand_ins import absent
from webui.core.errors import WebuiError
from webui.core.model_file import ModelKind
from webui.library.catalog.catalog import AUTOMATIC, NONE
from webui.models.files.tensors import open_tensors

__all__ = ["collections", "os"]

vae_ignore_keys = {"model_ema.decay", "model_ema.num_updates"}
vae_dict = {}
base_vae = None
checkpoint_info = None
checkpoints_loaded = collections.OrderedDict()
unspecified = object()


class VaeResolution(collections.namedtuple("VaeResolution", ["vae", "source", "resolved"])):
    """Which VAE, why, and whether there is one."""

    def tuple(self):
        return self.vae, self.source


def get_filename(filepath):
    return Path(filepath).name


def refresh_vae_list() -> None:
    """List the files again; by name, with their paths."""
    services = reaching.services()
    vae_dict.clear()
    if services is None:
        return
    services.catalog.scan()
    fill(services)


def fill(services) -> None:
    services.catalog.settle(ModelKind.VAE)
    files = services.catalog.files(ModelKind.VAE)
    vae_dict.update((file.file_name, str(file.path)) for file in files)


def find_vae_near_checkpoint(checkpoint_file):
    """The VAE named like a checkpoint; None without one."""
    services = reaching.services()
    found = file_hashes.file_in_catalog(Path(checkpoint_file))
    if services is None or found is None:
        return None
    near = services.catalog.vae_for(found, AUTOMATIC)
    return str(near.path) if near else None


def resolve_vae(checkpoint_file):
    """Which VAE a checkpoint runs with, and why."""
    chosen = reaching.settings().models.sd_vae
    if chosen not in (AUTOMATIC, NONE):
        path = find_path(chosen)
        return VaeResolution(path, "from user settings", path is not None)
    near = find_vae_near_checkpoint(checkpoint_file) if chosen == AUTOMATIC else None
    source = "found near the checkpoint" if near else None
    return VaeResolution(near, source, near is not None)


def find_path(name):
    services = reaching.services()
    try:
        return str(services.catalog.find_vae(name).path) if services else None
    except WebuiError:
        return None


def chosen_path():
    """The file of the VAE that the selected checkpoint runs with; None for the one inside it."""
    services = reaching.services()
    if services is None:
        return None
    try:
        file = services.catalog.vae_for(checkpoints.selected_file(), reaching.settings().models.sd_vae)
    except WebuiError:
        return None
    return str(file.path) if file else None


def get_loaded_vae_name():
    found = chosen_path()
    return Path(found).name if found else None


def get_loaded_vae_hash():
    """The first 10 digits of its SHA-256, computed if need be; None without a file."""
    from modules import hashes

    found = chosen_path()
    digest = hashes.sha256(found, "vae") if found else None
    return digest[:10] if digest else None


def load_vae_dict(filename, map_location=None):
    """The tensors of a VAE's file."""
    tensors = open_tensors(Path(filename))
    kept = {key: value for key, value in tensors.items() if not key.startswith("loss")}
    return {key: value for key, value in kept.items() if key not in vae_ignore_keys}


def load_vae(model, vae_file=None, vae_source="from unknown source") -> None:
    """Choose a VAE by its path for the runs to come; None chooses the one inside the checkpoint."""
    services = running_context.ready_services()
    if vae_file is None:
        services.settings.change({"sd_vae": NONE})
        return
    found = file_hashes.file_in_catalog(Path(vae_file))
    name = found.file_name if found else services.catalog.find_vae(Path(vae_file).name).file_name
    services.settings.change({"sd_vae": name})


def reload_vae_weights(sd_model=None, vae_file=unspecified):
    """The same; without a path the settings' choice stays."""
    if vae_file is not unspecified:
        load_vae(sd_model, vae_file[0] if isinstance(vae_file, tuple) else vae_file)
    from modules import sd_models

    return sd_model or sd_models.model_data.get_sd_model()


def clear_loaded_vae() -> None:
    """Nothing to do: the program minds its memory."""


def delete_base_vae() -> None:
    """Nothing to do."""


def restore_base_vae(model) -> None:
    """Nothing to do."""


def store_base_vae(model) -> None:
    """Nothing to do."""


def __getattr__(name):
    if name == "vae_path":
        return str(reaching.models_folder() / "VAE")
    if name == "loaded_vae_file":
        return chosen_path()
    if name in ("shared", "devices", "sd_models", "script_callbacks", "paths", "hashes", "extra_networks"):
        import importlib

        return importlib.import_module(f"modules.{name}")
    absent("modules.sd_vae", name)


if (known := reaching.services()) is not None:
    fill(known)
