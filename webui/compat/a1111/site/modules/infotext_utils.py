"""Infotexts: read, sent to tabs, and what settings they name."""
# pyright: basic

import json

from webui.compat.a1111.page.pasting import PasteField, as_fields, read_infotext
from webui.compat.a1111.page.sending import ParamBinding, open_sent, wire_binding
from webui.core.image_options import INFOTEXT_FIELDS, option_key

paste_fields: dict[str, dict] = {}
registered_param_bindings: list[ParamBinding] = []
infotext_to_setting_name_mapping = [(key, option_key(name)) for key, name in INFOTEXT_FIELDS.items()]


def reset():
    paste_fields.clear()
    registered_param_bindings.clear()


def quote(text):
    if "," not in str(text) and "\n" not in str(text) and ":" not in str(text):
        return text
    return json.dumps(text, ensure_ascii=False)


def unquote(text):
    if not text or text[0] != '"' or text[-1] != '"':
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def image_from_url_text(filedata):
    return open_sent(filedata)


def parse_generation_parameters(x: str, skip_fields: "list[str] | None" = None):
    found = read_infotext(x)
    return {key: value for key, value in found.items() if key not in (skip_fields or ())}


def add_paste_fields(tabname, init_img, fields, override_settings_component=None):
    paste_fields[tabname] = {
        "init_img": init_img,
        "fields": as_fields(fields or ()),
        "override_settings_component": override_settings_component,
    }
    if fields:
        from modules import ui

        ui.paste_fields_of(tabname)


def create_buttons(tabs_list):
    import gradio as gr

    return {tab: gr.Button(f"Send to {tab}", elem_id=f"{tab}_tab") for tab in tabs_list}


def bind_buttons(buttons, send_image, send_generate_info):
    for tabname, button in buttons.items():
        is_tab = isinstance(send_generate_info, str)
        register_paste_params_button(
            ParamBinding(
                paste_button=button,
                tabname=tabname,
                source_text_component=None if is_tab else send_generate_info,
                source_image_component=send_image,
                source_tabname=send_generate_info if is_tab else None,
            )
        )


def register_paste_params_button(binding):
    registered_param_bindings.append(binding)


def connect_paste_params_buttons():
    for binding in registered_param_bindings:
        wire_binding(binding)


def create_override_settings_dict(text_pairs):
    from modules import shared, shared_items

    names, found = shared_items.get_infotext_names(), {}
    for pair in text_pairs or ():
        key, _, value = (part.strip() for part in str(pair).partition(":"))
        if key in names:
            found[names[key]] = shared.opts.cast_value(names[key], value)
    return found


def get_override_settings(params, *, skip_fields=None):
    from modules import shared, shared_items

    found = []
    for key, setting in shared_items.get_infotext_names().items():
        if key in (skip_fields or ()) or key not in params:
            continue
        value = shared.opts.cast_value(setting, params[key])
        if value is not None and value != getattr(shared.opts, setting, None):
            found.append((key, setting, value))
    return found


def send_image_and_dimensions(x):
    image = x if hasattr(x, "size") else image_from_url_text(x)
    return (image, *image.size) if image else (None, 0, 0)


__all__ = [name for name in dir() if not name.startswith("_")] + ["PasteField"]  # pyright: ignore[reportUnsupportedDunderAll]
