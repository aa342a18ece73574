# pyright: basic
"""Lists of ControlNet: models, preprocessors, types."""

from webui.compat.a1111.facades import control_units, reaching
from webui.compat.a1111.facades.stand_ins import absent

cn_models_dir = ""
default_conf = ""


def update_cn_models() -> None:
    """Look at the folders again."""
    services = reaching.services()
    if services is not None:
        services.catalog.scan()


def get_all_preprocessor_names():
    return control_units.module_names(by_alias=False)


def get_all_controlnet_names():
    return control_units.model_titles()


def get_all_preprocessor_tags():
    return list(types())


def get_filtered_preprocessors(tag):
    """The preprocessors of a type, by their names."""
    found = types().get(tag) or types()["All"]
    return {name: name for name in found.get("module_list", ())}


def get_filtered_controlnet_names(tag):
    """The models of a type."""
    found = types().get(tag) or types()["All"]
    return list(found.get("model_list", ()))


def select_control_type(control_type, sd_version=None, cn_models=None):
    """Preprocessors and models of a type, and which are chosen first."""
    found = types().get(control_type) or types()["All"]
    return found["module_list"], found["model_list"], found["default_option"], found["default_model"]


def types():
    from extensions.controlnet.listing import control_types

    services = reaching.services()
    return control_types(services.catalog) if services else {"All": {}}


def __getattr__(name):
    if name == "cn_models_names":
        return {title.lower(): title for title in control_units.model_titles()}
    if name == "cn_models":
        return dict.fromkeys(control_units.model_titles())
    absent("lib_controlnet.global_state", name)
