"""Components of settings."""
# pyright: basic

from modules import shared


def get_value_for_setting(key):
    import gradio as gr

    info = shared.opts.data_labels[key]
    return gr.update(
        value=getattr(shared.opts, key), **{k: v for k, v in info.arguments.items() if k != "precision"}
    )


def create_setting_component(key, is_quicksettings=False):
    from webui.compat.a1111.page.settings_sections import make_component

    return make_component(key, shared.opts.data_labels[key], shared.opts)
