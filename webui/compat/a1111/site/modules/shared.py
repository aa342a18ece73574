"""What all modules have in common: options, state, the checkpoint, folders.

Names whose making takes time, or needs the program to be built, are made when they are first asked for.
"""
# pyright: basic

import os
import sys
from importlib import import_module

from modules import options, shared_items, shared_options
from modules.options import OptionHTML, OptionInfo, options_section
from webui.compat.a1111.host import current
from webui.compat.a1111.layout import layout
from webui.compat.a1111.loading.arguments import settings_path
from webui.compat.a1111.page.shared_options import SharedOptions

options_templates = shared_options.options_templates
restricted_opts = shared_options.restricted_opts
opts = SharedOptions(options_templates, restricted_opts)
settings_components = {}
tab_names = []
batch_cond_uncond = True
parallel_processing_allowed = True
clip_model = None
xformers_available = False
hypernetworks = {}
loaded_hypernetworks = []
gradio_theme = None
hf_endpoint = "https://huggingface.co"
log_directory = "textual_inversion"
progress_print_out = sys.stdout
latent_upscale_default_mode = "Latent"
latent_upscale_modes = {
    "Latent": {"mode": "bilinear", "antialias": False},
    "Latent (antialiased)": {"mode": "bilinear", "antialias": True},
    "Latent (bicubic)": {"mode": "bicubic", "antialias": False},
    "Latent (bicubic antialiased)": {"mode": "bicubic", "antialias": True},
    "Latent (nearest)": {"mode": "nearest", "antialias": False},
    "Latent (nearest-exact)": {"mode": "nearest-exact", "antialias": False},
}
ui_reorder_categories_builtin_items = shared_items.ui_reorder_categories_builtin_items
list_checkpoint_tiles = shared_items.list_checkpoint_tiles
refresh_checkpoints = shared_items.refresh_checkpoints
list_samplers = shared_items.list_samplers
reload_hypernetworks = shared_items.reload_hypernetworks


def _settings_path():
    return str(settings_path(layout()))


def _styles_path():
    host = current()
    return str(host.services.paths.styles[0]) if host.services else str(host.root / "styles.csv")


def _state():
    module = import_module("modules.shared_state")
    return getattr(module, "state", None) or module.State()


def _prompt_styles():
    from modules.styles import StyleDatabase

    return StyleDatabase(_styles_path())


def _total_tqdm():
    from modules.shared_total_tqdm import TotalTQDM

    return TotalTQDM()


def _interrogator():
    from modules import interrogate

    return interrogate.InterrogateModels("interrogate")


def _mem_mon():
    from modules import devices, memmon

    return memmon.MemUsageMonitor("MemMon", devices.get_optimal_device(), opts)


def _sd_upscalers():
    from modules import modelloader

    modelloader.load_upscalers()
    return globals().get("sd_upscalers") or []


def _face_restorers():
    found = globals().setdefault("face_restorers", [])
    for name in ("codeformer_model", "gfpgan_model"):
        import_module(f"modules.{name}").setup_model("")
    return found


def _named(module, name):
    return lambda: getattr(import_module(f"modules.{module}"), name)


# Made once, then kept as an attribute of this module, which may be set to another.
_MAKERS = {
    "cmd_opts": _named("shared_cmd_options", "cmd_opts"),
    "parser": _named("cmd_args", "parser"),
    "state": _state,
    "State": _named("shared_state", "State"),
    "prompt_styles": _prompt_styles,
    "total_tqdm": _total_tqdm,
    "interrogator": _interrogator,
    "mem_mon": _mem_mon,
    "sd_upscalers": _sd_upscalers,
    "face_restorers": _face_restorers,
    "hide_dirs": lambda: {
        "visible": not getattr(
            import_module("modules.shared_cmd_options").cmd_opts, "hide_ui_dir_config", False
        )
    },
    "device": _named("devices", "device"),
    "weight_load_location": lambda: None,
    "config_filename": _settings_path,
    "styles_filename": _styles_path,
    "models_path": _named("paths_internal", "models_path"),
    "script_path": _named("paths_internal", "script_path"),
    "data_path": _named("paths_internal", "data_path"),
    "extensions_dir": _named("paths_internal", "extensions_dir"),
    "extensions_builtin_dir": _named("paths_internal", "extensions_builtin_dir"),
    "default_sd_model_file": _named("paths_internal", "sd_model_file"),
    "sd_model_file": _named("paths_internal", "sd_model_file"),
    "sd_configs_path": _named("paths_internal", "sd_configs_path"),
    "sd_default_config": _named("paths_internal", "sd_default_config"),
    "listfiles": _named("util", "listfiles"),
    "walk_files": _named("util", "walk_files"),
    "html": _named("util", "html"),
    "html_path": _named("util", "html_path"),
    "natural_sort_key": _named("util", "natural_sort_key"),
    "ldm_print": _named("util", "ldm_print"),
    "reload_gradio_theme": _named("shared_gradio_themes", "reload_gradio_theme"),
    "gradio_hf_hub_themes": _named("shared_gradio_themes", "gradio_hf_hub_themes"),
}
# Asked for each time.
_LIVE = {"demo": lambda: current().page}


def __getattr__(name):
    if name in _LIVE:
        return _LIVE[name]()
    maker = _MAKERS.get(name)
    if maker is None:
        if not name.startswith("__"):
            raise AttributeError(f"modules.shared has no {name!r}.")
        raise AttributeError(name)
    made = maker()
    globals().setdefault(name, made)
    return globals()[name]


sys.modules[__name__].__class__ = shared_items.Shared

__all__ = ["OptionHTML", "OptionInfo", "options", "options_section", "options_templates", "opts", "os"]
