# pyright: basic
"""Configurations of checkpoints: told by a file's tensors, or by the yaml beside it."""

from pathlib import Path

from webui.compat.a1111.facades.stand_ins import absent

NAMES = {
    "config_default": "v1-inference.yaml",
    "config_sd2": "v2-inference.yaml",
    "config_sd2v": "v2-inference-v.yaml",
    "config_sd2_inpainting": "v2-inpainting-inference.yaml",
    "config_sdxl": "sd_xl_base.yaml",
    "config_sdxlv": "sd_xl_v.yaml",
    "config_sdxl_refiner": "sd_xl_refiner.yaml",
    "config_sdxl_inpainting": "sd_xl_inpaint.yaml",
    "config_depth_model": "v2-midas-inference.yaml",
    "config_unclip": "v2-1-stable-unclip-l-inference.yaml",
    "config_unopenclip": "v2-1-stable-unclip-h-inference.yaml",
    "config_inpainting": "v1-inpainting-inference.yaml",
    "config_instruct_pix2pix": "instruct-pix2pix.yaml",
    "config_alt_diffusion": "alt-diffusion-inference.yaml",
    "config_alt_diffusion_m18": "alt-diffusion-m18-inference.yaml",
    "config_sd3": "sd3-inference.yaml",
}
BY_FAMILY = {
    "SD1": "config_default",
    "SD2": "config_sd2",
    "SDXL": "config_sdxl",
    "SDXL refiner": "config_sdxl_refiner",
}


def path_of(name):
    """Where A1111 has it: a path to compare, no file lies there."""
    from modules.paths_internal import script_path

    return str(Path(script_path) / "configs" / NAMES[name])


def guess_model_config_from_state_dict(sd, filename):
    info = find(filename)
    return path_of(BY_FAMILY.get(info.family.value, "config_default") if info else "config_default")


def find(filename):
    from webui.compat.a1111.facades.file_hashes import file_in_catalog

    return file_in_catalog(Path(filename))


def find_checkpoint_config(state_dict, info):
    """The yaml beside a checkpoint, else the path of A1111's for its architecture."""
    if info is None:
        return path_of("config_default")
    return find_checkpoint_config_near_filename(info) or guess_model_config_from_state_dict(
        state_dict, info.filename
    )


def find_checkpoint_config_near_filename(info):
    beside = Path(info.filename).with_suffix(".yaml") if info else None
    return str(beside) if beside is not None and beside.is_file() else None


def is_using_v_parameterization_for_sd2(state_dict):
    from webui.compat.a1111.facades.stand_ins import refuse

    refuse(
        "modules.sd_models_config.is_using_v_parameterization_for_sd2",
        "shared.sd_model.parameterization tells what a checkpoint predicts.",
    )


def __getattr__(name):
    if name in NAMES:
        return path_of(name)
    if name in ("sd_configs_path", "sd_repo_configs_path", "sd_xl_repo_configs_path"):
        return str(Path(path_of("config_default")).parent)
    absent("modules.sd_models_config", name)
