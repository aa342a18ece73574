"""A component for an option: type, range, choices, label and help come from the settings model."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import annotated_types
import gradio as gr
from gradio.components import Component
from pydantic.fields import FieldInfo

from webui.core.settings import Settings, section_type

# A number with at most this many steps between its ends gets a slider.
MOST_SLIDER_STEPS = 200
# js/extensions.js draws this section: extensions bring settings of their own.
DRAWN_BY_SCRIPT = frozenset({"extensions", "interrogate"})
# An option's choices that are known only while the program runs, such as the checkpoints.
Choices = Callable[[], list[str]]


@dataclass(frozen=True, slots=True)
class Option:
    """One option as the settings declare it."""

    key: str
    section: str
    field: FieldInfo

    @property
    def label(self) -> str:
        """Its title; its name in words where it has none."""
        return self.field.title or self.key.replace("_", " ").capitalize()

    @property
    def help(self) -> str:
        """The sentence that goes with it."""
        return self.field.description or ""

    @property
    def default(self) -> Any:  # noqa: ANN401 - whatever type the option has
        """What a reset gives, as a component holds it."""
        return shown(self.field.get_default(call_default_factory=True))


def all_options() -> dict[str, Option]:
    """Every option that has a component, by key, in the order of the page."""
    return {
        key: Option(key, section, field_of(section, name))
        for key, (section, name) in Settings.keys().items()
        if section not in DRAWN_BY_SCRIPT
    }


def field_of(section: str, name: str) -> FieldInfo:
    """The declaration of a section's field."""
    return section_type(Settings.model_fields[section].annotation).model_fields[name]


def shown(value: Any) -> Any:  # noqa: ANN401 - whatever type the option has
    """An option's value as a component holds it."""
    return list(value) if isinstance(value, tuple) else value


def options_json(settings: Settings) -> str:
    """All options, for scripts in the page."""
    return json.dumps(settings.options(), default=shown)


def setting_widget(option: Option, value: Any, choices: Mapping[str, Choices], **looks: Any) -> Component:  # noqa: ANN401 - as above; `looks` goes to the component
    """The component for an option, with A1111's element id."""
    given = {"label": option.label, "value": shown(value), "elem_id": f"setting_{option.key}"} | looks
    if option.key in choices:
        several = isinstance(option.default, list)
        return gr.Dropdown(choices[option.key](), multiselect=several, allow_custom_value=True, **given)
    if literal := literal_values(option.field.annotation):
        return gr.Dropdown(literal, **given)
    if option.field.annotation is bool:
        return gr.Checkbox(**given)
    if is_number(option.field.annotation):
        return number_widget(option, given)
    if isinstance(option.default, list):
        return gr.Dropdown(option.default, multiselect=True, allow_custom_value=True, **given)
    return gr.Textbox(lines=1, max_lines=1, **given)


def number_widget(option: Option, given: dict[str, Any]) -> Component:
    """A slider where both ends are near enough, else a box."""
    whole = option.field.annotation is int
    minimum, maximum = bound(option.field, "ge"), bound(option.field, "le")
    if minimum is not None and maximum is not None:
        step = 1 if whole else 0.01 if maximum <= 1 else 0.1
        if 0 < (maximum - minimum) / step <= MOST_SLIDER_STEPS:
            return gr.Slider(minimum, maximum, step=step, buttons=[], **given)
    return gr.Number(minimum=minimum, maximum=maximum, precision=0 if whole else None, **given)


def bound(field: FieldInfo, side: Literal["ge", "le"]) -> float | None:
    """The least or the greatest value that a field allows, if it says so."""
    kind = annotated_types.Ge if side == "ge" else annotated_types.Le
    return next((getattr(rule, side) for rule in field.metadata if isinstance(rule, kind)), None)


def literal_values(annotation: object) -> list[str]:
    """The choices of a Literal; none for other types."""
    return [str(value) for value in get_args(annotation)] if get_origin(annotation) is Literal else []


def is_number(annotation: object) -> bool:
    """Whether a type is int, float or both."""
    parts = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    return all(part in (int, float, NoneType) for part in parts)
