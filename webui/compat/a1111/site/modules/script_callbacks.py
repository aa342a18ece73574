"""Callbacks: an extension registers functions, the host calls them."""
# pyright: basic

import dataclasses
import functools
import sys
from typing import Any

from webui.compat.a1111.host import current
from webui.compat.a1111.page.callbacks import CallbackLists, CallbackOrder, caller_file

CATEGORIES = (
    *("app_started", "model_loaded", "ui_tabs", "ui_train_tabs", "ui_settings", "before_ui", "on_reload"),
    *("before_component", "after_component", "infotext_pasted", "before_token_counter", "script_unloaded"),
    *("before_image_saved", "image_saved", "image_grid", "extra_noise"),
    *("cfg_denoiser", "cfg_denoised", "cfg_after_cfg", "list_optimizers", "list_unets"),
)


class ImageSaveParams:
    def __init__(self, image, p, filename, pnginfo):
        self.image = image
        self.p = p
        self.filename = filename
        self.pnginfo = pnginfo


class ExtraNoiseParams:
    def __init__(self, noise, x, xi):
        self.noise = noise
        self.x = x
        self.xi = xi


class CFGDenoiserParams:
    def __init__(
        self,
        x,
        image_cond,
        sigma,
        sampling_step,
        total_sampling_steps,
        text_cond,
        text_uncond,
        denoiser=None,
    ):
        self.x = x
        self.image_cond = image_cond
        self.sigma = sigma
        self.sampling_step = sampling_step
        self.total_sampling_steps = total_sampling_steps
        self.text_cond = text_cond
        self.text_uncond = text_uncond
        self.denoiser = denoiser


class CFGDenoisedParams:
    def __init__(self, x, sampling_step, total_sampling_steps, inner_model):
        self.x = x
        self.sampling_step = sampling_step
        self.total_sampling_steps = total_sampling_steps
        self.inner_model = inner_model


class AfterCFGCallbackParams:
    def __init__(self, x, sampling_step, total_sampling_steps):
        self.x = x
        self.sampling_step = sampling_step
        self.total_sampling_steps = total_sampling_steps


class UiTrainTabParams:
    def __init__(self, txt2img_preview_params):
        self.txt2img_preview_params = txt2img_preview_params


class ImageGridLoopParams:
    def __init__(self, imgs, cols, rows):
        self.imgs = imgs
        self.cols = cols
        self.rows = rows


@dataclasses.dataclass
class BeforeTokenCounterParams:
    prompt: str
    steps: int
    styles: list
    is_positive: bool = True


def _extension_of(file: str) -> str:
    record = current().health.of_file(file)
    return record.name.lower() if record else "base"


def _order_of(category: str) -> CallbackOrder:
    from modules import shared

    first = shared.opts.data.get(f"prioritized_callbacks_{category}")
    return CallbackOrder(_constraints(), first if isinstance(first, list) else ())


@functools.cache
def _constraints():
    extensions = sys.modules.get("modules.extensions")
    constraints: dict[str, tuple[list[str], list[str]]] = {}
    for each in extensions.extensions if extensions else ():
        for name, before, after in _instructions_of(each):
            kept = constraints.setdefault(name, ([], []))
            kept[0].extend(before)
            kept[1].extend(after)
    return constraints


def _instructions_of(extension):
    metadata = getattr(extension, "metadata", None)
    if metadata is None:
        return
    for order in metadata.list_callback_order_instructions():
        yield order.name, list(order.before or ()), list(order.after or ())


_lists = CallbackLists(CATEGORIES, _extension_of, _order_of)
callback_map = _lists.lists


def add_callback(callbacks, fun, *, name=None, category="unknown", filename=None):
    file = filename or caller_file(__file__)
    _lists.add(callbacks, fun, name=name, category=category, file=file)


def _register(category, callback, name):
    add_callback(callback_map[f"callbacks_{category}"], callback, name=name, category=category)


def sort_callbacks(category, unordered_callbacks, *, enable_user_sort=True):
    return _lists.sort(category, unordered_callbacks)


def ordered_callbacks(category, unordered_callbacks=None, *, enable_user_sort=True):
    if unordered_callbacks is None:
        unordered_callbacks = callback_map.get(f"callbacks_{category}", [])
    return sort_callbacks(category, unordered_callbacks)


def enumerate_callbacks():
    for key, callbacks in callback_map.items():
        yield key.removeprefix("callbacks_"), callbacks


def clear_callbacks():
    _lists.clear()
    _constraints.cache_clear()


def remove_current_script_callbacks():
    _lists.remove_file(caller_file(__file__))


def remove_callbacks_for_function(callback_func):
    _lists.remove_function(callback_func)


def on_app_started(callback, *, name=None):
    """(demo, app): the page is there and about to be served."""
    _register("app_started", callback, name)


def on_before_reload(callback, *, name=None):
    _register("on_reload", callback, name)


def on_model_loaded(callback, *, name=None):
    """(sd_model)"""
    _register("model_loaded", callback, name)


def on_ui_tabs(callback, *, name=None):
    """Gives [(Blocks, title, elem_id), ...] or None."""
    _register("ui_tabs", callback, name)


def on_ui_train_tabs(callback, *, name=None):
    """(UiTrainTabParams): builds tabs of the page Train."""
    _register("ui_train_tabs", callback, name)


def on_ui_settings(callback, *, name=None):
    _register("ui_settings", callback, name)


def on_before_image_saved(callback, *, name=None):
    """(ImageSaveParams)"""
    _register("before_image_saved", callback, name)


def on_image_saved(callback, *, name=None):
    """(ImageSaveParams)"""
    _register("image_saved", callback, name)


def on_extra_noise(callback, *, name=None):
    """(ExtraNoiseParams)"""
    _register("extra_noise", callback, name)


def on_cfg_denoiser(callback, *, name=None):
    """(CFGDenoiserParams)"""
    _register("cfg_denoiser", callback, name)


def on_cfg_denoised(callback, *, name=None):
    """(CFGDenoisedParams)"""
    _register("cfg_denoised", callback, name)


def on_cfg_after_cfg(callback, *, name=None):
    """(AfterCFGCallbackParams)"""
    _register("cfg_after_cfg", callback, name)


def on_before_component(callback, *, name=None):
    """(component, **kwargs)"""
    _register("before_component", callback, name)


def on_after_component(callback, *, name=None):
    """(component, **kwargs)"""
    _register("after_component", callback, name)


def on_image_grid(callback, *, name=None):
    """(ImageGridLoopParams)"""
    _register("image_grid", callback, name)


def on_infotext_pasted(callback, *, name=None):
    """(infotext, fields: dict, to be changed in place)"""
    _register("infotext_pasted", callback, name)


def on_script_unloaded(callback, *, name=None):
    _register("script_unloaded", callback, name)


def on_before_ui(callback, *, name=None):
    _register("before_ui", callback, name)


def on_list_optimizers(callback, *, name=None):
    """(list to append to)"""
    _register("list_optimizers", callback, name)


def on_list_unets(callback, *, name=None):
    """(list to append to)"""
    _register("list_unets", callback, name)


def on_before_token_counter(callback, *, name=None):
    """(BeforeTokenCounterParams)"""
    _register("before_token_counter", callback, name)


def app_started_callback(demo: Any | None, app: Any):
    _lists.call("app_started", demo, app)


def app_reload_callback():
    _lists.call("on_reload")


def model_loaded_callback(sd_model):
    _lists.call("model_loaded", sd_model)


def called_tabs():
    """Each tab with the file of the script that gave it."""
    found = [(each.script, tabs) for each, tabs in _lists.call("ui_tabs") if isinstance(tabs, list | tuple)]
    return [(file, tab) for file, tabs in found for tab in tabs]


def ui_tabs_callback():
    return [tab for _, tab in called_tabs()]


def ui_train_tabs_callback(params: UiTrainTabParams):
    _lists.call("ui_train_tabs", params)


def ui_settings_callback():
    _called_for_settings.clear()
    late_ui_settings_callback()


def late_ui_settings_callback():
    # Some scripts register it when they are made, or build their panel.
    _lists.call_new("ui_settings", _called_for_settings)


_called_for_settings = []


def before_image_saved_callback(params: ImageSaveParams):
    _lists.call("before_image_saved", params)


def image_saved_callback(params: ImageSaveParams):
    _lists.call("image_saved", params)


def has_callbacks(category):
    """Whether anybody wants to be called."""
    return bool(_lists.lists[f"callbacks_{category}"])


def extra_noise_callback(params: ExtraNoiseParams):
    _lists.call("extra_noise", params)


def cfg_denoiser_callback(params: CFGDenoiserParams):
    _lists.call("cfg_denoiser", params)


def cfg_denoised_callback(params: CFGDenoisedParams):
    _lists.call("cfg_denoised", params)


def cfg_after_cfg_callback(params: AfterCFGCallbackParams):
    _lists.call("cfg_after_cfg", params)


def before_component_callback(component, **kwargs):
    _lists.call("before_component", component, **kwargs)


def after_component_callback(component, **kwargs):
    _lists.call("after_component", component, **kwargs)


def image_grid_callback(params: ImageGridLoopParams):
    _lists.call("image_grid", params)


def infotext_pasted_callback(infotext: str, params: dict[str, Any]):
    _lists.call("infotext_pasted", infotext, params)


def script_unloaded_callback():
    _lists.call("script_unloaded", is_reversed=True)


def before_ui_callback():
    _lists.call("before_ui", is_reversed=True)


def list_optimizers_callback():
    found = []
    _lists.call("list_optimizers", found)
    return found


def list_unets_callback():
    found = []
    _lists.call("list_unets", found)
    return found


def before_token_counter_callback(params: BeforeTokenCounterParams):
    _lists.call("before_token_counter", params)


__all__ = [name for name in dir() if not name.startswith("_")]  # pyright: ignore[reportUnsupportedDunderAll]
