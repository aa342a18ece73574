"""Event listeners as Gradio 3 had them: `_js`, arguments that are gone, names of events that are gone."""

# Gradio's own values and signatures are not typed.
# ruff: noqa: ANN401

import functools
import inspect
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import gradio as gr
from gradio.context import Context

from webui.compat.a1111.gradio3.canvases import read_browser
from webui.compat.a1111.gradio3.natives import is_host_function, is_host_module
from webui.compat.a1111.gradio3.switches import with_switches

# A listener of Gradio's: called with the component, then what it is given.
Listener = Callable[..., Any]
# Marks a listener that was wrapped, so that a class which inherits it is not wrapped twice.
MARK = "_gradio3_wrapped"


def wrap_listener(original: Listener) -> Listener:
    """A listener that takes what Gradio 3's took too."""

    @functools.wraps(original)
    def listen(block: Any, *values: Any, **given: Any) -> Any:
        if is_host_module(str(sys._getframe(1).f_globals.get("__name__"))):
            return original(block, *values, **given)
        arguments = translate_listening(given, has_function=bool(values), inputs=inputs_of(values, given))
        result = original(block, *values, **arguments)
        if getattr(original, "event_name", "") == "load" and is_interval(given.get("every")):
            repeat(given["every"], values, arguments)
        return result

    setattr(listen, MARK, True)
    return listen


def is_interval(every: Any) -> bool:
    """Whether it is a number of seconds."""
    return isinstance(every, int | float) and every > 0


def repeat(every: float, values: tuple[Any, ...], arguments: Mapping[str, Any]) -> None:
    """Do what was to be done at a page's load every so many seconds too, without a sign of it."""
    if Context.block is None:
        return
    timer = gr.Timer(every)
    names = inspect.signature(inspect.unwrap(timer.tick)).parameters
    given = {name: value for name, value in arguments.items() if name in names}
    timer.tick(*values, **given | {"show_progress": "hidden"})


@cache
def names_of_listeners() -> frozenset[str]:
    """The arguments that all of Gradio's listeners take."""
    return frozenset(inspect.signature(inspect.unwrap(gr.Button.click)).parameters)


def inputs_of(values: Sequence[Any], given: Mapping[str, Any]) -> list[Any]:
    """The components that a listener is given: second after its function, or by name."""
    inputs = given.get("inputs", values[1] if len(values) > 1 else None)
    return list(inputs) if isinstance(inputs, list | tuple) else [inputs]


def translate_listening(
    given: Mapping[str, Any], *, has_function: bool, inputs: Sequence[Any] = ()
) -> dict[str, Any]:
    """The arguments of a listener by the names that there are now; others are left out."""
    names = names_of_listeners()
    arguments = {name: value for name, value in given.items() if name in names}
    if "_js" in given:
        arguments.setdefault("js", given["_js"])
    if isinstance(arguments.get("js"), str):
        # Gradio 3's name for it: pictures and files come as they did. A later Gradio's: as it describes them.
        is_old = arguments["js"] is given.get("_js")
        files = [place for place, each in enumerate(inputs) if isinstance(each, gr.File | gr.UploadButton)]
        arguments["js"] = run_late(arguments["js"], files if is_old else None)
    if not has_function and "fn" not in arguments and arguments.get("js"):
        # Without a word about a function Gradio 6 waits for one, as a decorator does.
        arguments["fn"] = None
    if arguments.get("queue", True) is None:
        arguments["queue"] = True
    if arguments.get("trigger_mode", "") is None:
        del arguments["trigger_mode"]
    if given.get("show_api") is False:
        arguments.setdefault("api_visibility", "undocumented")
    name = arguments.get("api_name")
    if name is not None and not isinstance(name, str):
        # False hid the event, True named it by its function.
        del arguments["api_name"]
    if "api_name" not in arguments:
        # The description of all events for programs stands in the page; theirs were told of by number alone.
        arguments.setdefault("api_visibility", "undocumented")
    # Gradio 6 runs one call of an event at a time; Gradio 3 ran as many as came.
    arguments.setdefault("concurrency_limit", None)
    return arguments


def run_late(script: str, files: Sequence[int] | None = None) -> str:
    """A script of an event that is read when it is called: one with a fault in it is told of and passed over.

    Gradio 6 reads all of them as the page opens, and a fault in one leaves no page. `files`: the script is
    given what Gradio 3 gave it; its values at these places are files, whatever lies in them.
    """
    as_before = "" if files is None else f", {list(files)}"
    return f"(...given) => atelierHost.runScript({json.dumps(script)}, given{as_before})"


def wrap_setup(original: Callable[..., Listener]) -> staticmethod:
    """Listeners that Gradio makes from now on, such as `.then` of an event."""

    def setup(*values: Any, **given: Any) -> Listener:
        return wrap_listener(original(*values, **given))

    return staticmethod(setup)


def wrap_set_event_trigger(original: Callable[..., Any]) -> Callable[..., Any]:
    """Where Gradio notes an event. A type hint with a component's class stands for its value, as it did."""

    @functools.wraps(original)
    def set_event_trigger(
        self: Any,
        targets: Any,
        fn: Callable[..., Any] | None,
        inputs: Any,
        outputs: Any,
        *values: Any,
        **given: Any,
    ) -> Any:
        if fn is not None and not is_host_function(fn):
            given.setdefault("component_prop_inputs", [])
            inputs, outputs = without_none(inputs), with_switches(without_none(outputs))
            given["js"] = read_browser(inputs, given.get("js"))
        return original(self, targets, fn, inputs, outputs, *values, **given)

    return set_event_trigger


def without_none(components: Any) -> Any:
    """Components without the empty places that Gradio 3 passed over."""
    if isinstance(components, list | tuple) and any(each is None for each in components):
        return [each for each in components if each is not None]
    return components


def listeners_of(cls: type) -> dict[str, Listener]:
    """The listeners that a class itself has, by the names of their events."""
    return {
        name: value
        for name, value in vars(cls).items()
        if hasattr(value, "event_name") and hasattr(value, "has_trigger") and not hasattr(value, MARK)
    }
