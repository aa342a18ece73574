"""As `modules.paths_internal`, and where other programs' code would lie."""

import os

from modules.paths_internal import (  # noqa: F401 - they are read from here
    cwd,
    data_path,
    default_sd_model_file,
    extensions_builtin_dir,
    extensions_dir,
    models_path,
    modules_path,
    script_path,
    sd_configs_path,
    sd_default_config,
    sd_model_file,
)

# There is none: this program has its own.
sd_path = os.path.join(script_path, "repositories", "stable-diffusion-stability-ai")
path_dirs = []
paths = {"Stable Diffusion": sd_path}


def mute_sdxl_imports():
    """Nothing of SDXL's code is imported here."""
