"""Settings that also stand in a tab, where they are at hand; both places show the same."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.events import Dependency

from webui.core.errors import WebuiError
from webui.jobs.services import Services
from webui.ui.components.setting_widget import all_options, options_json, setting_widget, shown
from webui.ui.handlers import INSTANT, Updates
from webui.ui.renewals import renewals_of
from webui.ui.texts import notice


def make_shared_options(services: Services, tab: str, keys: tuple[str, ...]) -> dict[str, Component]:
    """The options' components by key, with ids of the tab."""
    options, values = all_options(), services.settings.current.options()
    return {
        key: setting_widget(options[key], values[key], {}, elem_id=f"{tab}_{key}", min_width=200)
        for key in keys
    }


def wire_shared_options(
    services: Services,
    components: Mapping[str, Component],
    twins: Mapping[str, Component],
    applied: Sequence[Dependency],
    as_json: gr.Textbox,
    complaint: gr.HTML,
    page: gr.Blocks,
) -> None:
    """A change holds at once and shows at the option's twin and in `as_json`.

    `applied` are the events of the Settings tab that keep values.
    """

    def change(value: object, key: str) -> Updates:
        try:
            settings = services.settings.change({key: value})
        except WebuiError as error:
            return {complaint: notice(str(error))}
        twin: Updates = {twins[key]: value} if key in twins else {}
        return {complaint: "", as_json: options_json(settings)} | twin

    def value_of(key: str) -> object:
        return shown(services.settings.current.options()[key])

    def load() -> list[Any]:
        return [value_of(key) for key in components]

    for key, component in components.items():
        changed = component.release if isinstance(component, gr.Slider) else component.input  # pyright: ignore[reportAttributeAccessIssue] - checkboxes and lists have it
        changed(
            partial(change, key=key),
            inputs=[component],
            outputs=[complaint, as_json, *([twins[key]] if key in twins else [])],
            preprocess=False,
            **INSTANT,
        )
    for key, component in components.items():
        renewals_of(page).add(component, partial(value_of, key), component.value)
    for event in applied:
        event.then(load, outputs=list(components.values()), **INSTANT)
