"""A1111's folders, as this program has them."""

import argparse
import os
import shlex

from webui.compat.a1111.layout import PROGRAM, SITE, layout

_layout = layout()

commandline_args = os.environ.get("COMMANDLINE_ARGS", "")
modules_path = str(SITE / "modules")
script_path = str(_layout.root)
data_path = script_path
cwd = os.getcwd()

sd_configs_path = os.path.join(script_path, "configs")
sd_default_config = os.path.join(sd_configs_path, "v1-inference.yaml")
sd_model_file = os.path.join(script_path, "model.ckpt")
default_sd_model_file = sd_model_file

models_path = str(_layout.models)
extensions_dir = os.path.join(data_path, "extensions")
extensions_builtin_dir = os.path.join(script_path, "extensions-builtin")
config_states_dir = os.path.join(script_path, "config_states")
default_output_dir = os.path.join(data_path, "outputs")

roboto_ttf_file = str(PROGRAM / "extensions" / "scripts" / "fonts" / "Roboto-Regular.ttf")

parser_pre = argparse.ArgumentParser(add_help=False)
parser_pre.add_argument("--data-dir", type=str, default=data_path)
parser_pre.add_argument("--models-dir", type=str, default=None)
cmd_opts_pre = parser_pre.parse_known_args(shlex.split(commandline_args) if commandline_args else [])[0]
cmd_opts_pre.data_dir, cmd_opts_pre.models_dir = data_path, models_path


def normalized_filepath(filepath):
    """A path in its shortest spelling."""
    return os.path.normpath(filepath)
