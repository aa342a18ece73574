"""The page: names of its parts, its fields, and functions around events."""
# pyright: basic

from modules import infotext_utils, script_callbacks, scripts, shared, ui_common, ui_components
from modules.call_queue import queue_lock, wrap_gradio_call, wrap_gradio_gpu_call, wrap_queued_call
from modules.shared_items import ui_reorder_categories
from modules.ui_common import create_output_panel, create_refresh_button, plaintext_to_html, save_files
from modules.ui_components import (
    FormGroup,
    FormHTML,
    FormRow,
    InputAccordion,
    ResizeHandleRow,
    ToolButton,
)
from webui.compat.a1111.host import current
from webui.compat.a1111.page.pasting import own_fields

random_symbol = "\U0001f3b2\ufe0f"
reuse_symbol = "\u267b\ufe0f"
paste_symbol = "\u2199\ufe0f"
refresh_symbol = "\U0001f504"
save_style_symbol = "\U0001f4be"
apply_style_symbol = "\U0001f4cb"
clear_prompt_symbol = "\U0001f5d1\ufe0f"
extra_networks_symbol = "\U0001f3b4"
switch_values_symbol = "\u21c5"
restore_progress_symbol = "\U0001f300"
detect_image_size_symbol = "\U0001f4d0"
folder_symbol = "\U0001f4c2"

txt2img_paste_fields = []
img2img_paste_fields = []
_own = {"txt2img": [], "img2img": []}
txt2img_preview_params = []


def list_paste_fields(tab, form):
    """Fill the list of a tab: its own fields, then those of its panels."""
    runner = scripts.scripts_img2img if tab == "img2img" else scripts.scripts_txt2img
    _own[tab][:] = own_fields(form)
    fields = img2img_paste_fields if tab == "img2img" else txt2img_paste_fields
    fields[:] = [*_own[tab], *runner.infotext_fields]
    infotext_utils.paste_fields[tab] = {
        "init_img": None,
        "fields": fields,
        "override_settings_component": form.get("override_settings"),
    }


def own_txt2img_fields():
    return _own["txt2img"]


def paste_fields_of(tab):
    """The fields that an infotext fills in a tab; inpainting's are img2img's."""
    if tab in ("img2img", "inpaint"):
        return img2img_paste_fields
    if tab == "txt2img":
        return txt2img_paste_fields
    return infotext_utils.paste_fields.get(tab, {}).get("fields") or []


def gr_show(visible=True):
    return {"visible": visible, "__type__": "update"}


def versions_html():
    import html

    services = current().services
    return html.escape(services.version) if services else ""


def ordered_ui_categories():
    yield from ui_reorder_categories()


def setup_progressbar(*args, **kwargs):
    """Nothing: the page shows progress itself."""


def create_override_settings_dropdown(tabname, row):
    import gradio as gr

    return gr.Dropdown(
        [],
        label="Override settings",
        visible=False,
        elem_id=f"{tabname}_override_settings",
        multiselect=True,
    )


def resize_from_to_html(width, height, scale_by):
    wide, high = int(width * scale_by), int(height * scale_by)
    if not wide or not high:
        return "no image selected"
    return (
        f"resize: from <span class='resolution'>{width}x{height}</span> "
        f"to <span class='resolution'>{wide}x{high}</span>"
    )


def apply_setting(key, value):
    import gradio as gr

    if value is None or shared.cmd_opts.freeze_settings:
        return gr.update()
    shared.opts.set(key, value)
    return getattr(shared.opts, key)


def update_token_counter(text, steps, styles=None, *, is_positive=True):
    from modules import sd_hijack

    params = script_callbacks.BeforeTokenCounterParams(text, steps, styles or [], is_positive)
    script_callbacks.before_token_counter_callback(params)
    used, most = sd_hijack.model_hijack.get_prompt_lengths(params.prompt)
    return f"<span class='gr-box gr-text-input'>{used}/{most}</span>"


def update_negative_prompt_token_counter(*args):
    return update_token_counter(*args, is_positive=False)


__all__ = [
    "FormGroup",
    "FormHTML",
    "FormRow",
    "InputAccordion",
    "ResizeHandleRow",
    "ToolButton",
    "create_output_panel",
    "create_refresh_button",
    "plaintext_to_html",
    "queue_lock",
    "save_files",
    "ui_common",
    "ui_components",
    "wrap_gradio_call",
    "wrap_gradio_gpu_call",
    "wrap_queued_call",
]
