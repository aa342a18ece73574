"""Lists for components of settings, and what makes `shared.sd_model` a property."""
# pyright: basic

import sys


def realesrgan_models_names():
    from modules import shared

    return [each.name for each in shared.sd_upscalers if "ESRGAN" in each.name]


def dat_models_names():
    return ["DAT x2", "DAT x3", "DAT x4"]


def postprocessing_scripts():
    from modules import scripts

    return scripts.scripts_postproc.scripts_in_preferred_order()


def sd_vae_items():
    from modules import sd_vae

    return ["Automatic", "None", *sd_vae.vae_dict]


def refresh_vae_list():
    from modules import sd_vae

    sd_vae.refresh_vae_list()


def cross_attention_optimizations():
    return ["Automatic", "None"]


def sd_unet_items():
    from modules import sd_unet

    return ["Automatic", *[each.label for each in sd_unet.unet_options], "None"]


def refresh_unet_list():
    from modules import sd_unet

    sd_unet.list_unets()


def list_checkpoint_tiles(use_short=False):
    from modules import sd_models

    return sd_models.checkpoint_tiles(use_short)


def refresh_checkpoints():
    from modules import sd_models

    return sd_models.list_models()


def list_samplers():
    from modules import sd_samplers

    return sd_samplers.all_samplers


def reload_hypernetworks():
    from webui.compat.a1111.host import current

    if current().services is not None:
        current().ready.catalog.scan()


def get_infotext_names():
    from modules import infotext_utils, shared

    names = {info.infotext: key for key, info in shared.opts.data_labels.items() if info.infotext}
    return dict(infotext_utils.infotext_to_setting_name_mapping) | names


ui_reorder_categories_builtin_items = [
    "prompt",
    "image",
    "inpaint",
    "sampler",
    "accordions",
    "checkboxes",
    "dimensions",
    "cfg",
    "denoising",
    "seed",
    "batch",
    "override_settings",
]


def ui_reorder_categories():
    from modules import scripts

    yield from ui_reorder_categories_builtin_items
    sections = {}
    for script in scripts.scripts_txt2img.scripts + scripts.scripts_img2img.scripts:
        if isinstance(script.section, str) and script.section not in ui_reorder_categories_builtin_items:
            sections[script.section] = 1
    yield from sections
    yield "scripts"


def callbacks_order_settings():
    return {}


class Shared(sys.modules[__name__].__class__):
    """The module `shared`, whose `sd_model` loads the checkpoint when it is first asked for."""

    @property
    def sd_model(self):
        from modules import sd_models

        return sd_models.model_data.get_sd_model()

    @sd_model.setter
    def sd_model(self, value):
        from modules import sd_models

        sd_models.model_data.set_sd_model(value)
