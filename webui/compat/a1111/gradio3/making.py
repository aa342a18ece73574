"""How components and layouts are made: arguments are translated, extensions told, styles' classes added."""

# Gradio's own values and signatures are not typed.
# ruff: noqa: ANN401

import functools
import logging
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import gradio as gr
from gradio.context import Context, LocalContext

from webui.compat.a1111.gradio3.events import current_event
from webui.compat.a1111.gradio3.natives import (
    frontend_name,
    is_host_module,
    is_native,
    names_of,
    native_class,
)
from webui.compat.a1111.gradio3.translation import translate

logger = logging.getLogger(__name__)
# Called with the component, and its arguments by name.
OnComponent = Callable[..., None]
OnDropped = Callable[[str, set[str]], None]
# Among the arguments of a component that is made anew for an update: an extension made the one before.
OWN_MARK = "_gradio3_own"
# Gradio's rows and columns are shown when "hidden", so a class of ours hides them.
HIDDEN_CLASS = "gradio3-hidden"
# Groups are drawn as columns that look like one: Gradio's own stand in the page twice, with the same id.
GROUP_CLASS = "gradio3-group"
ADDED_PREFIX = "gradio-"


def ignore(*_arguments: object, **_names: object) -> None:
    """Where nobody wants to be told."""


@dataclass(slots=True)
class MakingListeners:
    """Who is told of components being made; and of dropped arguments, with the file that gave them."""

    before: OnComponent = ignore
    after: OnComponent = ignore
    dropped: OnDropped = ignore


@dataclass(slots=True)
class Made:
    """How a component was made: by whom, and with which arguments of Gradio's own class."""

    by_host: bool
    arguments: dict[str, Any] = field(default_factory=dict[str, Any])


def how_made(component: Any) -> Made | None:
    """How a component was made; None for one from before."""
    return component.__dict__.get("_gradio3_made")


def is_own(component: Any) -> bool:
    """Whether an extension made this component."""
    made = how_made(component)
    return made is not None and not made.by_host


def is_lenient(component: Any) -> bool:
    """Whether a component takes values as Gradio 3 did: it, or the event, is an extension's."""
    event = current_event()
    return is_own(component) or (event is not None and not event.by_host)


def wrap_init(native: Any, listeners: MakingListeners) -> Callable[..., None]:
    """The constructor of a class of Gradio's, for all who make components of it or of a class below it."""
    original = native.__init__
    names = names_of(native)

    @functools.wraps(original)
    def construct(self: Any, *values: Any, **given: Any) -> None:
        if "_gradio3_made" in self.__dict__:
            # A class of Gradio's that calls the one above it.
            original(self, *values, **given)
            return
        frame = caller()
        event = current_event()
        own = given.pop(OWN_MARK, False)
        by_host = event.by_host if event else is_host_module(str(frame.f_globals["__name__"]))
        by_host = by_host and not own
        arguments = dict(zip(names, values, strict=False)) | given
        if not by_host:
            new = is_building()
            arguments, dropped = translate(native, arguments, complete=new)
            if dropped and new:
                listeners.dropped(frame.f_code.co_filename, {f"{native.__name__}.{name}" for name in dropped})
        self._gradio3_made = Made(by_host, arguments)
        tooltip = given.get("tooltip")
        if tooltip:
            self.webui_tooltip = tooltip
        build(self, original, arguments, listeners)

    return construct


def build(
    component: Any,
    original: Callable[..., None],
    arguments: Mapping[str, Any],
    listeners: MakingListeners,
) -> None:
    """Make a component, telling of it while the page is built."""
    told = is_building()
    if told:
        listeners.before(component, **arguments)
    original(component, **arguments)
    add_classes(component)
    if told:
        listeners.after(component, **arguments)


def caller() -> FrameType:
    """Who calls the constructor that asks, past this module, through which all of them are called."""
    frame = sys._getframe(2)
    while frame.f_globals["__name__"] == __name__ and frame.f_back is not None:
        frame = frame.f_back
    return frame


def is_building() -> bool:
    """Whether a page is being built: components made in events are no part of one."""
    return (
        Context.root_block is not None
        and not LocalContext.in_event_listener.get(False)
        and not current_event()
    )


def add_classes(component: Any) -> None:
    """The classes by which styles of A1111's extensions know components."""
    # Within an event Gradio makes only what is needed to take the arguments.
    if not hasattr(component, "elem_classes") or isinstance(component, gr.Blocks):
        return
    component.elem_classes = with_classes(component, component.elem_classes or [])


def with_classes(component: Any, classes: list[str]) -> list[str]:
    """These classes of a component, with those that it has by its kind."""
    added = [f"{ADDED_PREFIX}{component.get_block_name()}"]
    if getattr(component, "multiselect", False):
        added.append("multiselect")
    if is_own(component):
        if isinstance(component, gr.Group):
            added.append(GROUP_CLASS)
        if component.visible == "hidden" and isinstance(component, gr.Row | gr.Column | gr.Group):
            added.append(HIDDEN_CLASS)
    return [*(each for each in classes if each not in added), *added]


def blank_label(component: Any, properties: dict[str, Any]) -> dict[str, Any]:
    """The properties that the browser gets; an empty label of an extension's is drawn empty.

    Gradio 6 writes the name of the class where a label is empty, Gradio 3 wrote nothing.
    """
    return properties | {"label": " "} if properties.get("label") == "" and is_own(component) else properties


# ---- Classes of extensions. ----


def make_anew(cls: type, given: Mapping[str, Any]) -> Any:
    """A component of an extension's class for an update to one, made by Gradio's own constructor.

    What the extension's constructor does beside it (other components around, events) belongs to the page
    only. What it has set on the component that is updated is there too.
    """
    component: Any = object.__new__(cls)
    native_class(cls).__init__(component, **given)
    event = current_event()
    for each in event.outputs if event else ():
        if type(each) is cls and each.elem_id == component.elem_id:
            for name, value in vars(each).items():
                component.__dict__.setdefault(name, value)
            break
    return component


def wrap_call(original: Callable[..., Any]) -> Callable[..., Any]:
    """`cls(…)` of all classes of components."""
    # Here, because these need the classes wrapped above.
    from webui.compat.a1111.gradio3.page_tabs import page_tab_class
    from webui.compat.a1111.gradio3.pictures import drawing_class

    def call(cls: type, *values: Any, **given: Any) -> Any:
        if current_event() is not None and not is_native(cls):
            return make_anew(cls, given)
        return original(drawing_class(cls, given) or page_tab_class(cls) or cls, *values, **given)

    return call


def wrap_constructor_args(original: property) -> property:
    """What an update starts from: of an extension's component, the arguments of Gradio's constructor."""
    read = original.fget

    def constructor_args(self: Any) -> dict[str, Any]:
        made = how_made(self)
        if made is not None and not made.by_host:
            return made.arguments | {OWN_MARK: True}
        return read(self) if read else {}

    return property(constructor_args)


def wrap_updateable(
    original: Callable[..., Any], contexts: Callable[[], tuple[bool, bool]]
) -> Callable[..., Any]:
    """Gradio's wrapper of constructors loses values given by place to `*args`; this one passes them on."""

    def updateable(constructor: Callable[..., Any]) -> Callable[..., Any]:
        code = getattr(constructor, "__code__", None)
        if code is None or not code.co_flags & 0x04:
            return original(constructor)

        @functools.wraps(constructor)
        def construct(self: Any, *values: Any, **given: Any) -> Any:
            is_first = not hasattr(self, "_constructor_args")
            if is_first:
                self._constructor_args = []
            self._constructor_args.append(given)
            in_event, in_render = contexts()
            if in_event and not is_first and not in_render:
                return None
            return constructor(self, *values, **given)

        return construct

    return updateable


def wrap_get_config(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """The properties that the browser gets are named by Gradio's own constructor, not an extension's."""

    @functools.wraps(original)
    def get_config(self: Any, cls: Any = None) -> dict[str, Any]:
        return blank_label(self, original(self, cls or native_class(type(self))))

    return get_config


def wrap_block_name(original: Callable[..., str]) -> Callable[..., str]:
    """The browser has no part for a class of an extension's, but for the one it comes from."""

    @functools.wraps(original)
    def get_block_name(self: Any) -> str:
        return original(self) if is_native(type(self)) else frontend_name(type(self))

    return get_block_name


def wrap_class_id(original: Any) -> classmethod:
    """Gradio looks for the file of a class, which it does not find for a script of A1111's."""
    find = original.__func__

    def get_component_class_id(cls: type) -> str:
        return find(cls if is_native(cls) else native_class(cls))

    return classmethod(get_component_class_id)
