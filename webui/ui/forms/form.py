"""Fields of a form and their components: one mapping for reading, pasting, sending and restoring."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import gradio as gr
from gradio.components import Component

AnyComponent = TypeVar("AnyComponent", bound=Component)
# What a component holds is whatever its maker decided: text, numbers, lists.
Value = Any
Write = Callable[[Value], dict[str, Any]]


def as_value(value: Value) -> dict[str, Any]:
    """The update that only sets a value."""
    return {"value": value}


@dataclass(frozen=True, slots=True)
class Field:
    """A field's component; `write` gives the properties to change so that it shows a value."""

    name: str
    component: Component
    write: Write


class Form:
    """Fields by name, in the order they were added."""

    def __init__(self) -> None:
        self._fields: dict[str, Field] = {}

    def add(self, name: str, component: AnyComponent, write: Write = as_value) -> AnyComponent:
        """Bind a component to a field, and return the component."""
        assert name not in self._fields, f"The form has a field {name!r} already."
        self._fields[name] = Field(name, component, write)
        return component

    @property
    def names(self) -> list[str]:
        """The fields' names."""
        return list(self._fields)

    @property
    def components(self) -> list[Component]:
        """The fields' components: inputs of what reads the form, outputs of what fills it."""
        return [field.component for field in self._fields.values()]

    def component(self, name: str) -> Component:
        """The component of a field."""
        return self._fields[name].component

    def read(self, values: Mapping[Component, Value]) -> dict[str, Value]:
        """Fields by name from what Gradio gives for a set of components; others in it are left aside."""
        return {
            name: values[field.component] for name, field in self._fields.items() if field.component in values
        }

    def write(self, fields: Mapping[str, Value]) -> dict[Component, dict[str, Any]]:
        """Updates that make the form show these fields. Others stay; unknown names are passed over."""
        updates = {
            field.component: gr.update(**field.write(fields[name]))
            for name, field in self._fields.items()
            if name in fields
        }
        # Gradio wants to hear of one component at least.
        return updates or {self.components[0]: gr.skip()}


def within(component: gr.Slider) -> Write:
    """Writing to a slider moves its ends where the value lies outside."""
    minimum, maximum = component.minimum, component.maximum

    def write(value: float) -> dict[str, Any]:
        return {"value": value, "minimum": min(minimum, value), "maximum": max(maximum, value)}

    return write
