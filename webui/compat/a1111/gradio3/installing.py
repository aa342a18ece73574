"""Wraps Gradio's classes for extensions of A1111's, and puts all of them back."""

# Gradio's own values and signatures are not typed.
# ruff: noqa: ANN401

from collections.abc import Callable
from typing import Any

import gradio as gr
from gradio import blocks, blocks_events, component_meta
from gradio.blocks import Block, BlockContext, BlocksConfig
from gradio.events import EventListener

from webui.compat.a1111.gradio3 import listening, making, page_tabs, pages, updating, values
from webui.compat.a1111.gradio3.making import MakingListeners, OnComponent, OnDropped, ignore
from webui.compat.a1111.gradio3.names import add_names
from webui.compat.a1111.gradio3.natives import below, is_native, native_classes
from webui.compat.a1111.gradio3.replacing import Replacements

Wrap = Callable[[Any], object]


class Installed:
    """What is wrapped, who is told of components, and the styles of extensions' pages."""

    def __init__(self) -> None:
        self.replacements = Replacements()
        self.listeners = MakingListeners()
        self.styles: list[str] = []


# Gradio's classes are global to the process, so this is too.
_installed: list[Installed] = []


def install(
    on_before_component: OnComponent | None = None,
    on_after_component: OnComponent | None = None,
    on_dropped: OnDropped | None = None,
) -> None:
    """Wrap Gradio's classes, before the first script of an extension is imported and the page is built.

    The first two are called as `(component, **arguments)` for every component and layout of the page being
    built, the host's own and the extensions'; `on_dropped` with the file that gave arguments which there are
    none of any more, and their names. May be called again, to say who is called.
    """
    if not _installed:
        _installed.append(wrap_all(Installed()))
    listeners = _installed[0].listeners
    for name, given in (
        ("before", on_before_component),
        ("after", on_after_component),
        ("dropped", on_dropped),
    ):
        if given is not None:
            setattr(listeners, name, given)


def uninstall() -> None:
    """Put all of Gradio's classes back as they were."""
    while _installed:
        _installed.pop().replacements.restore()


def is_installed() -> bool:
    """Whether Gradio's classes are wrapped."""
    return bool(_installed)


def page_styles() -> list[str]:
    """The styles that extensions gave to pages of their own."""
    return list(_installed[0].styles) if _installed else []


def wrap_all(installed: Installed) -> Installed:
    """Wrap all there is to wrap; nothing is wrapped if something cannot be."""
    replacements = installed.replacements
    try:
        wrap_machinery(replacements)
        for cls in {*native_classes(), *below(gr.Blocks)}:
            wrap_class(cls, replacements, installed)
        wrap_values(replacements)
        wrap_pages(replacements)
        add_names(replacements)
    except BaseException:
        replacements.restore()
        raise
    return installed


def wrap(replacements: Replacements, owner: Any, name: str, wrapper: Wrap) -> None:
    """Replace an attribute by its wrapper."""
    replacements.replace(owner, name, wrapper(vars(owner).get(name, getattr(owner, name))))


def wrap_machinery(replacements: Replacements) -> None:
    """How classes of components are made, and listeners."""
    replacements.replace(component_meta, "create_or_modify_pyi", ignore)
    replacements.replace(blocks_events, "create_or_modify_pyi", ignore)
    contexts = component_meta.get_local_contexts
    wrap(replacements, component_meta, "updateable", lambda old: making.wrap_updateable(old, contexts))
    replacements.replace(component_meta.ComponentMeta, "__call__", making.wrap_call(type.__call__))
    replacements.replace(EventListener, "_setup", listening.wrap_setup(EventListener._setup))
    wrap(replacements, BlocksConfig, "set_event_trigger", listening.wrap_set_event_trigger)
    wrap(replacements, BlockContext, "__enter__", page_tabs.wrap_enter)
    wrap(replacements, BlockContext, "__exit__", page_tabs.wrap_exit)
    wrap(replacements, Block, "constructor_args", making.wrap_constructor_args)
    wrap(replacements, Block, "get_config", making.wrap_get_config)
    wrap(replacements, Block, "get_block_name", making.wrap_block_name)
    wrap(replacements, Block, "get_component_class_id", making.wrap_class_id)
    replacements.replace(Block, "style", updating.style)


def wrap_class(native: Any, replacements: Replacements, installed: Installed) -> None:
    """One of Gradio's classes: its constructor, `update`, and its events."""
    for name, listener in listening.listeners_of(native).items():
        replacements.replace(native, name, listening.wrap_listener(listener))
    if issubclass(native, gr.Blocks):
        wrap_page_class(native, replacements, installed.styles)
        return
    if "__init__" in vars(native):
        replacements.replace(native, "__init__", making.wrap_init(native, installed.listeners))
    if not hasattr(native, "update") or "update" not in vars(native):
        replacements.replace(native, "update", updating.make_update(native))
    if issubclass(native, gr.Image | gr.ImageEditor) and "change" in vars(native):
        # What the event of drawing was called.
        replacements.replace(native, "edit", vars(native)["change"])


def wrap_page_class(cls: Any, replacements: Replacements, styles: list[str]) -> None:
    """A class of pages: its constructor. The page of the host's own has one that Gradio's is called by."""
    if cls is gr.Blocks:
        replacements.replace(cls, "__init__", pages.wrap_blocks_init(cls.__init__, styles))
    elif is_native(cls) and "__init__" in vars(cls):
        replacements.replace(cls, "__init__", pages.wrap_ready_page(cls, cls.__init__, styles))


def wrap_values(replacements: Replacements) -> None:
    """How values arrive in Python and leave it."""
    table: tuple[tuple[type, str, Wrap], ...] = (
        (gr.Dropdown, "preprocess", values.read_choice),
        (gr.Radio, "preprocess", values.read_choice),
        (gr.CheckboxGroup, "preprocess", values.read_choices),
        (gr.Slider, "preprocess", values.read_number),
        (gr.Number, "preprocess", values.read_number),
        (gr.Gallery, "preprocess", values.read_gallery),
        (gr.Textbox, "preprocess", values.read_text),
        (gr.File, "preprocess", values.read_file),
        (gr.UploadButton, "preprocess", values.read_file),
        (gr.Slider, "postprocess", values.write_number),
        (gr.Number, "postprocess", values.write_number),
        (gr.Dropdown, "postprocess", values.write_choices),
        (gr.CheckboxGroup, "postprocess", values.write_choices),
        (gr.Textbox, "postprocess", values.write_text),
        (gr.HTML, "postprocess", values.write_html),
        (gr.Gallery, "postprocess", values.write_pictures),
        (gr.Image, "postprocess", values.write_pictures),
    )
    for owner, name, wrapper in table:
        wrap(replacements, owner, name, wrapper)


def wrap_pages(replacements: Replacements) -> None:
    """Pages, their events, and what the browser gets of them."""
    wrap(replacements, blocks, "postprocess_update_dict", updating.wrap_update_dict)
    wrap(replacements, gr.Blocks, "validate_inputs", updating.wrap_validate_inputs)
    wrap(replacements, gr.Blocks, "preprocess_data", updating.wrap_preprocess_data)
    wrap(replacements, gr.Blocks, "call_function", updating.wrap_call_function)
    wrap(replacements, gr.Blocks, "postprocess_data", updating.wrap_postprocess_data)
    wrap(replacements, gr.Blocks, "fns", pages.wrap_fns)
    wrap(replacements, BlocksConfig, "get_config", pages.wrap_get_config)
    replacements.replace(gr.Blocks, "dependencies", property(pages.dependencies))
