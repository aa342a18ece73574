"""Every name of `modules.*` that three or more of the surveyed extensions use can be imported."""

import csv
import importlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

WANTED = Path(__file__).parent / "wanted_names.csv"
MODELS_AND_PICTURES = {
    "images",
    "devices",
    "lowvram",
    "memmon",
    "sd_models",
    "sd_models_config",
    "sd_models_types",
    "sd_models_xl",
    "sd_vae",
    "sd_vae_approx",
    "sd_vae_taesd",
    "sd_disable_initialization",
    "hashes",
    "cache",
    "safe",
    "modelloader",
    "upscaler",
    "upscaler_utils",
    "esrgan_model",
    "realesrgan_model",
    "face_restoration",
    "face_restoration_utils",
    "codeformer_model",
    "gfpgan_model",
    "deepbooru",
    "interrogate",
    "extra_networks",
    "extra_networks_hypernet",
    "hypernetworks",
    "textual_inversion",
    "api",
}
# The parts that bring the others.
OTHER_PARTS = {
    "loading": {
        "paths",
        "paths_internal",
        "cmd_args",
        "extensions",
        "errors",
        "timer",
        "patches",
        "util",
        "launch_utils",
        "script_loading",
    },
    "gradio3": {
        "ui_components",
        "ui_common",
        "call_queue",
        "ui_tempdir",
        "ui_toprow",
        "ui_gradio_extensions",
    },
    "page": {
        "scripts",
        "script_callbacks",
        "scripts_postprocessing",
        "shared",
        "shared_items",
        "options",
        "infotext_utils",
        "generation_parameters_copypaste",
        "ui",
        "ui_settings",
        "ui_postprocessing",
        "ui_extra_networks",
        "ui_extra_networks_checkpoints",
        "styles",
        "localization",
        "postprocessing",
        "extras",
    },
    "running": {"processing", "shared_state", "txt2img", "img2img", "progress", "masking"},
    "denoising": {
        "sd_samplers",
        "sd_samplers_common",
        "sd_samplers_kdiffusion",
        "sd_samplers_timesteps",
        "sd_samplers_cfg_denoiser",
        "sd_schedulers",
        "prompt_parser",
        "rng",
        "sd_hijack",
        "sd_hijack_optimizations",
        "sd_hijack_unet",
        "sd_hijack_clip",
        "sd_hijack_open_clip",
        "sd_hijack_utils",
        "sd_unet",
        "models",
    },
}


def wanted_names() -> Iterator[tuple[str, str]]:
    """Module and name, "" for the module itself."""
    with WANTED.open(newline="") as file:
        for row in csv.DictReader(file):
            if not row["attribute"]:
                yield row["module"], row["name"]


def owner_of(module: str) -> str:
    """The part that brings a module."""
    first = [*module.split("."), "paths"][1]
    if first in MODELS_AND_PICTURES:
        return "facades"
    return next((owner for owner, names in OTHER_PARTS.items() if first in names), "nobody")


def missing_names() -> dict[str, list[str]]:
    """What cannot be imported, by the part that should bring it."""
    missing: dict[str, list[str]] = defaultdict(list)
    for module, name in wanted_names():
        try:
            found = importlib.import_module(module)
            if name:
                getattr(found, name)
        except (ImportError, AttributeError) as error:
            missing[owner_of(module)].append(f"{module}.{name}: {error}".replace(".:", ":"))
    return missing


@pytest.mark.usefixtures("ready_host")
def test_every_wanted_name_can_be_imported():
    assert missing_names() == {}


def test_every_wanted_module_has_an_owner():
    assert {module for module, _ in wanted_names() if owner_of(module) == "nobody"} == set()
