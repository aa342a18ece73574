"""Updates of components: `.update(…)`, `.style(…)`, and what events return."""

# Gradio's own values and signatures are not typed.
# ruff: noqa: ANN401

import functools
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, cast

import gradio as gr
from gradio.blocks import Block
from gradio.components.base import _Keywords
from gradio.utils import is_prop_update

from webui.compat.a1111.gradio3.events import PageEvent, during
from webui.compat.a1111.gradio3.making import OWN_MARK, blank_label, how_made, is_own
from webui.compat.a1111.gradio3.natives import is_host_function, names_of, native_class
from webui.compat.a1111.gradio3.switches import is_switch, switch_of, switches_behind, turn, without_visible
from webui.compat.a1111.gradio3.translation import translate

logger = logging.getLogger(__name__)
# What the first unnamed value of `.update` is, where it is not the value.
FIRST_OF_UPDATE = {"Accordion": "open", "Tabs": "selected", "UploadButton": "value"}
STYLES = {
    "grid": "columns",
    "columns": "columns",
    "rows": "rows",
    "height": "height",
    "container": "container",
}


def make_update(native: Any) -> staticmethod:
    """`cls.update(…)`, which a class and all below it have: what to return from an event."""
    names = names_of(native)
    first = FIRST_OF_UPDATE.get(native.__name__, "value" if "value" in names else "visible")
    order = (first, *(name for name in names if name != first))

    def update(*values: Any, **given: Any) -> dict[str, Any]:
        return gr.update(**(dict(zip(order, values, strict=False)) | given))

    return staticmethod(update)


def style(self: Any, **given: Any) -> Any:
    """Looks that were set after a component was made. Those that it has no attribute for are passed over."""
    native, made = native_class(type(self)), how_made(self)
    named = {STYLES.get(name, name): value for name, value in given.items() if value is not None}
    for name, value in translate(native, named, complete=False)[0].items():
        setattr(self, name, value)
        if made is not None:
            made.arguments[name] = value
    return self


# ---- What events take and return. ----


def wrap_validate_inputs(original: Callable[..., None]) -> Callable[..., None]:
    """Scripts may give fewer values than an event has inputs: the others are None."""

    @functools.wraps(original)
    def validate_inputs(self: Any, block_fn: Any, inputs: list[Any]) -> None:
        missing = len(block_fn.inputs) - len(inputs)
        if missing > 0 and not is_host_function(block_fn.fn):
            logger.debug("A script gave %d values too few to %s", missing, block_fn.name)
            inputs.extend([None] * missing)
        original(self, block_fn, inputs)

    return validate_inputs


Process = Callable[..., Awaitable[Any]]


def wrap_preprocess_data(original: Process) -> Process:
    """Reading an event's values, knowing whose event it is."""

    @functools.wraps(original)
    async def preprocess_data(self: Any, block_fn: Any, inputs: list[Any], *values: Any, **given: Any) -> Any:
        by_host = is_host_function(block_fn.fn)
        foreign = {} if by_host else find_foreign(block_fn.inputs, inputs)
        inputs = [None if place in foreign else value for place, value in enumerate(inputs)]
        with during(PageEvent(by_host)):
            read = await original(self, block_fn, inputs, *values, **given)
        for place, value in foreign.items():
            read[place] = value
        return read

    return preprocess_data


def find_foreign(components: Sequence[Any], values: Sequence[Any]) -> dict[int, Any]:
    """Values that a script gave in the place of what a component shows, by their places.

    A1111 itself gives the name of a job in the place of a hidden label. Gradio 3 took whatever came for
    components that only show something.
    """
    return {
        place: value
        for place, (component, value) in enumerate(zip(components, values, strict=False))
        if isinstance(component, gr.Label | gr.HighlightedText | gr.AnnotatedImage | gr.Plot)
        and isinstance(value, str | int | float)
    }


def wrap_call_function(original: Process) -> Process:
    """Calling an event's function: one that wants to end the program fails, and the program goes on.

    An event loop ends for such an error wherever it comes from.
    """

    @functools.wraps(original)
    async def call_function(self: Any, *values: Any, **given: Any) -> Any:
        try:
            return await original(self, *values, **given)
        except (SystemExit, KeyboardInterrupt) as error:
            told = f"An extension wanted to end the program ({type(error).__name__}: {error}). It goes on."
            raise RuntimeError(told) from error

    return call_function


def wrap_postprocess_data(original: Process) -> Process:
    """Writing what an event returns, knowing whose event it is."""

    @functools.wraps(original)
    async def postprocess_data(self: Any, block_fn: Any, predictions: Any, state: Any) -> Any:
        by_host = is_host_function(block_fn.fn)
        if by_host:
            predictions = update_own(block_fn.outputs, predictions)
        else:
            predictions = as_predictions(block_fn.outputs, predictions)
        now = [
            state[each._id] if state is not None and not each.stateful and each._id in state else each
            for each in block_fn.outputs
        ]
        with during(PageEvent(by_host, now)):
            answer = await original(self, block_fn, predictions, state)
        keep_makers(now, state)
        return answer

    return postprocess_data


def as_predictions(outputs: Sequence[Any], predictions: Any) -> Any:
    """What an extension's event returned, as many as there are outputs and in Gradio 6's terms."""
    behind = switches_behind(outputs)
    if isinstance(predictions, dict) and any(isinstance(key, Block) for key in predictions):
        values = cast(Mapping[Any, Any], predictions)
        return as_named({id(outputs[place]) for place, _ in behind}, values)
    count = len(outputs) - len(behind)
    if len(outputs) == 1:
        return as_update(outputs[0], predictions)
    if isinstance(predictions, dict) and predictions == gr.skip():
        return predictions
    is_many = isinstance(predictions, list | tuple) and (count > 1 or len(predictions) == len(outputs))
    many = list(cast("Sequence[Any]", predictions)) if is_many else [predictions]
    if len(many) < count:
        missing = count - len(many)
        logger.warning(
            "An event of an extension returned %d values too few; those outputs stay as they are.", missing
        )
        # Gradio ends a generator with marks, which are as many as there are outputs.
        many.extend([gr.skip()] * missing)
    if len(many) == count:
        many += [many[place] for place, _ in behind]
    told = [as_update(component, value) for component, value in zip(outputs, many, strict=False)]
    for place, _ in behind:
        told[place] = without_visible(told[place])
    return told + many[len(outputs) :]


def as_named(switched: set[int], values: Mapping[Any, Any]) -> dict[Any, Any]:
    """The same where it was returned by components; `switched` are accordions whose switches are outputs."""
    told: dict[Any, Any] = {}
    for component, value in values.items():
        if id(component) in switched:
            told[component] = without_visible(as_update(component, value))
        # An accordion without an output for its switch is told itself.
        is_told = isinstance(component, gr.Accordion) and id(component) not in switched
        target = component if is_told else switch_of(component)
        told[target] = as_update(target, value)
    return told


def update_own(outputs: Sequence[Any], predictions: Any) -> Any:
    """What an event of the host's returned; updates of extensions' components in Gradio 6's terms."""
    if not any(is_own(each) for each in outputs):
        return predictions

    def update(component: Any, value: Any) -> Any:
        return as_update(component, value) if is_own(component) else value

    if isinstance(predictions, dict) and any(isinstance(key, Block) for key in predictions):
        values = cast(Mapping[Any, Any], predictions)
        return {component: update(component, value) for component, value in values.items()}
    if len(outputs) == 1:
        return update(outputs[0], predictions)
    if not isinstance(predictions, list | tuple) or len(predictions) != len(outputs):
        return predictions
    return [update(component, value) for component, value in zip(outputs, predictions, strict=True)]


def as_update(component: Any, value: Any) -> Any:
    """An update by the names that the component's class has now; other values as they are."""
    if value is not _Keywords.FINISHED_ITERATING and is_switch(component):
        return turn(value)
    if value is _Keywords.FINISHED_ITERATING or not is_prop_update(value) or component.stateful:
        return value
    given = {name: each for name, each in value.items() if name != "__type__"}
    arguments, _ = translate(native_class(type(component)), given, complete=False)
    return arguments | {"__type__": "update"}


def keep_makers(before: Sequence[Any], state: Any) -> None:
    """A component that was made anew for an update is still its maker's."""
    for old in before:
        made = how_made(old)
        if state is None or old.stateful or made is None or old._id not in state:
            continue
        new = how_made(state[old._id])
        if new is not None:
            new.by_host = made.by_host


def wrap_update_dict(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """What the browser is told of an update: where it hides a row, the class that hides it too."""

    @functools.wraps(original)
    def postprocess_update_dict(
        block: Any, update_dict: dict[str, Any], postprocess: bool = True
    ) -> dict[str, Any]:
        update_dict.pop(OWN_MARK, None)
        if "visible" in update_dict and isinstance(block, gr.Row | gr.Column | gr.Group):
            update_dict = update_dict | {"elem_classes": block.elem_classes}
        return blank_label(block, original(block, update_dict, postprocess))

    return postprocess_update_dict
