"""Arguments of Gradio 3's constructors as Gradio 6 takes them."""

# Gradio's own values and signatures are not typed.
# ruff: noqa: ANN401

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

import gradio as gr

from webui.compat.a1111.gradio3.natives import names_of

Arguments = dict[str, Any]
# What a name of Gradio 3's, or of Gradio 2's, is now called; used where the class has the new name.
SYNONYMS = {
    "default": "value",
    "min": "minimum",
    "max": "maximum",
    "min_lines": "lines",
    "help": "info",
    "tooltip": "",
    "optional": "",
    "live": "",
    "shape": "",
}
# How near a misspelt name must be to one that the class has: "lable" is, "min_lines" is not "max_lines".
LIKENESS = 0.79
BUTTONS = {
    "show_download_button": "download",
    "show_share_button": "share",
    "show_copy_button": "copy",
    "show_fullscreen_button": "fullscreen",
}
NATIVE_SOURCES = {"upload", "webcam", "clipboard", "microphone"}


def translate(native: Any, given: Mapping[str, Any], *, complete: bool) -> tuple[Arguments, set[str]]:
    """The arguments for a class of Gradio's, and the names that had to be dropped.

    `complete` adds what Gradio 3 assumed where nothing was given: for a new component, not for an update.
    """
    names = names_of(native)
    arguments, dropped = rename(native, names, given)
    for change in CHANGES:
        change(native, names, arguments)
    if complete:
        for name, value in assumed(native).items():
            if name in names:
                arguments.setdefault(name, value)
    return arguments, dropped


def rename(native: Any, names: tuple[str, ...], given: Mapping[str, Any]) -> tuple[Arguments, set[str]]:
    """Arguments by the names that the class has; the names of those that it has none for."""
    arguments = {name: value for name, value in given.items() if name in names}
    dropped = set[str]()
    buttons = choose_buttons(names, given)
    if buttons is not None:
        arguments.setdefault("buttons", buttons)
    for name, value in given.items():
        if name in names or name in BUTTONS:
            continue
        now = new_name(native, names, name)
        if now is None:
            dropped.add(name)
        elif now not in arguments:
            arguments[now] = not value if name == "readonly" else value
    return arguments, dropped


def new_name(native: Any, names: tuple[str, ...], name: str) -> str | None:
    """What a class calls this argument now, or None."""
    special = {
        ("label", gr.Button): "value",
        ("grid", gr.Gallery): "columns",
        ("height", gr.Dataframe): "max_height",
    }
    for (old, cls), now in special.items():
        if name == old and issubclass(native, cls):
            return now
    if name == "source" and "sources" in names:
        return "sources"
    if name == "readonly" and "interactive" in names:
        return "interactive"
    if name in SYNONYMS:
        return SYNONYMS[name] if SYNONYMS[name] in names else None
    if name.lower() in names:
        return name.lower()
    return next(iter(get_close_matches(name, names, 1, LIKENESS)), None)


def choose_buttons(names: tuple[str, ...], given: Mapping[str, Any]) -> list[str] | None:
    """Gradio 3's `show_…_button`s as one list; None if none of them was given."""
    said = {button: given[name] for name, button in BUTTONS.items() if name in given}
    if not said or "buttons" not in names:
        return None
    usual = {"download", "fullscreen"} | set(said)
    return [button for button in BUTTONS.values() if button in usual and said.get(button, True)]


# ---- Values. ----


def show_hidden(native: Any, names: tuple[str, ...], arguments: Arguments) -> None:
    """What is not visible is in the page all the same, hidden."""
    if "visible" in arguments and arguments["visible"] != "hidden":
        visible = arguments["visible"]
        arguments["visible"] = True if visible is None or visible else "hidden"


def keep_inside(native: Any, names: tuple[str, ...], arguments: Arguments) -> None:
    """A closed accordion keeps its inside in the page: the browser leaves it out where it reads `false`."""
    if issubclass(native, gr.Accordion) and "open" in arguments:
        arguments["open"] = True if arguments["open"] else 0


def list_sources(native: Any, names: tuple[str, ...], arguments: Arguments) -> None:
    """One source becomes a list of those that there are now; a canvas takes uploads."""
    sources = arguments.get("sources")
    if sources is None:
        arguments.pop("sources", None)
        return
    wanted = [sources] if isinstance(sources, str) else list(sources)
    known = [each for each in wanted if each in NATIVE_SOURCES]
    if issubclass(native, gr.Image) and "upload" in known and "clipboard" not in known:
        known.append("clipboard")
    arguments["sources"] = known or ["upload"]


def name_types(native: Any, names: tuple[str, ...], arguments: Arguments) -> None:
    """Kinds of values that have other names now."""
    kind = arguments.get("type")
    if issubclass(native, gr.File | gr.UploadButton):
        if isinstance(arguments.get("file_types"), str):
            arguments["file_types"] = [arguments["file_types"]]
        arguments.update(
            {"type": {"file": "filepath", "bytes": "binary"}[kind]} if kind in ("file", "bytes") else {}
        )
    elif issubclass(native, gr.Image | gr.ImageEditor) and kind == "file":
        arguments["type"] = "filepath"


def widen_range(native: Any, names: tuple[str, ...], arguments: Arguments) -> None:
    """A slider of one value is one that cannot be moved."""
    if not issubclass(native, gr.Slider):
        return
    low, high = arguments.get("minimum", 0), arguments.get("maximum", 100)
    low, high = 0 if low is None else low, 100 if high is None else high
    if {"minimum", "maximum"} & set(arguments):
        arguments.update(
            {name: value for name, value in (("minimum", low), ("maximum", high)) if name in arguments}
        )
        if "minimum" in arguments and "maximum" in arguments and low >= high:
            step = arguments.get("step") or 1
            arguments.update({"maximum": low + step, "interactive": False})
    if not arguments.get("step", 1):
        del arguments["step"]


def list_choices(native: Any, names: tuple[str, ...], arguments: Arguments) -> None:
    """Choices may be any iterable, and a multiple choice any too."""
    if arguments.get("choices") is not None and "choices" in names:
        arguments["choices"] = list(arguments["choices"])


def first_of_list(native: Any, names: tuple[str, ...], arguments: Arguments) -> None:
    """Columns and rows of a gallery were lists for screens of several widths."""
    for name in ("columns", "rows"):
        value = arguments.get(name)
        if issubclass(native, gr.Gallery) and isinstance(value, list | tuple):
            arguments[name] = value[-1] if value else None


def round_scale(native: Any, names: tuple[str, ...], arguments: Arguments) -> None:
    """Widths compare as whole numbers now."""
    scale = arguments.get("scale")
    if isinstance(scale, float) and scale != round(scale):
        arguments["scale"] = max(round(scale), 1)


CHANGES: tuple[Callable[[Any, tuple[str, ...], Arguments], None], ...] = (
    show_hidden,
    keep_inside,
    list_sources,
    name_types,
    widen_range,
    list_choices,
    first_of_list,
    round_scale,
)


# Gradio 6 chooses the first of the choices, has no text where none was given, takes webcams, draws only the
# chosen tab, folds tabs into a menu, and lets pictures be uploaded to galleries.
ASSUMED: tuple[tuple[type, Arguments], ...] = (
    (gr.Dropdown, {"value": None}),
    (gr.Textbox, {"value": ""}),
    (gr.Image, {"sources": ["upload", "clipboard"]}),
    (gr.Tab, {"render_children": True}),
    (gr.Tabs, {"overflow_behavior": "wrap"}),
    (gr.HTML, {"padding": False}),
    (gr.Gallery, {"interactive": False}),
)


def assumed(native: Any) -> Arguments:
    """What Gradio 3 did where an argument was not given and Gradio 6 does otherwise."""
    return next((dict(values) for cls, values in ASSUMED if issubclass(native, cls)), {})
