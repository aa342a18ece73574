"""The Settings tab, drawn from the settings model: sections, search, apply, and a reset for each option."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.events import Dependency

from webui.core.errors import WebuiError
from webui.core.settings import Settings, section_type
from webui.jobs.services import Services
from webui.ui.components.quicksettings import option_choices
from webui.ui.components.setting_widget import Option, all_options, setting_widget, shown
from webui.ui.handlers import INSTANT, Updates
from webui.ui.texts import notice


@dataclass(frozen=True, slots=True)
class SettingsTab:
    """What other tabs need of this one: the options' components by key, and the event of Apply."""

    components: Mapping[str, Component]
    applied: Dependency


def make_settings(services: Services, quick: Mapping[str, Component], page: gr.Blocks) -> SettingsTab:
    """Options that stand in the quick settings are left out here: an element id exists once."""
    options = {key: option for key, option in all_options().items() if key not in quick}
    with gr.Row(elem_id="settings_bar", elem_classes=["settings-bar"]):
        gr.HTML(SEARCH, elem_id="settings_search_box")
        result = gr.HTML("", elem_id="settings_result")
        apply = gr.Button(
            "Apply settings", variant="primary", elem_id="settings_submit", size="md", scale=0, min_width=130
        )
    with gr.Row(elem_classes=["settings-body"], equal_height=False):
        gr.HTML(section_links(options), elem_id="settings_sections")
        with gr.Column(elem_id="settings"):
            components = draw_sections(services, options)
    as_json = gr.Textbox(
        elem_id="settings_json", visible="hidden", value=options_json(services.settings.current)
    )
    applied = wire_settings(services, components, result, as_json, apply, page)
    wire_resets({key: options[key].default for key in components}, components)
    return SettingsTab(components, applied)


SEARCH = (
    '<input id="settings_search" type="search" placeholder="Search settings" aria-label="Search settings" '
    'autocomplete="off">'
)


def draw_sections(services: Services, options: Mapping[str, Option]) -> dict[str, Component]:
    """Every section with its options; their components by key."""
    values, choices = services.settings.current.options(), option_choices(services)
    components: dict[str, Component] = {}
    for section, members in groupby(options.values(), lambda option: option.section):
        with gr.Column(elem_id=f"settings_{section}", elem_classes=["settings-section"], variant="panel"):
            gr.HTML(f"<h2>{section_title(section)}</h2>")
            for option in members:
                components[option.key] = setting_widget(
                    option, values[option.key], choices, info=option.help, elem_classes=["setting"]
                )
    return components


def section_title(section: str) -> str:
    """What a section is called: its title, else the first sentence of its class."""
    field = Settings.model_fields[section]
    described = section_type(field.annotation).__doc__ or section
    return field.title or described.splitlines()[0].rstrip(".")


def section_links(options: Mapping[str, Option]) -> str:
    """Links to the sections, for the side of the page."""
    sections = dict.fromkeys(option.section for option in options.values())
    links = "".join(f'<a href="#settings_{name}">{section_title(name)}</a>' for name in sections)
    return f"<nav>{links}</nav>"


def options_json(settings: Settings) -> str:
    """All options, for scripts in the page."""
    return json.dumps(settings.options(), default=shown)


def wire_settings(
    services: Services,
    components: Mapping[str, Component],
    result: gr.HTML,
    as_json: gr.Textbox,
    apply: gr.Button,
    page: gr.Blocks,
) -> Dependency:
    """Apply keeps what was changed; opening the page shows what holds now. Returns the event of Apply."""

    def submit(values: Mapping[Component, Any]) -> Updates:
        current = services.settings.current.options()
        changed = {
            key: values[component]
            for key, component in components.items()
            if values[component] != shown(current[key])
        }
        try:
            settings = services.settings.change(changed) if changed else services.settings.current
        except WebuiError as error:
            return {result: notice(str(error))}
        return {result: notice(summary(list(changed)), "info"), as_json: options_json(settings)}

    def load() -> Updates:
        values = services.settings.current.options()
        updates: Updates = {component: shown(values[key]) for key, component in components.items()}
        return updates | {as_json: options_json(services.settings.current), result: ""}

    page.load(load, outputs=[*components.values(), as_json, result], **INSTANT)
    return apply.click(
        submit, inputs=set(components.values()), outputs=[result, as_json], preprocess=False, **INSTANT
    )


def wire_resets(defaults: Mapping[str, Any], components: Mapping[str, Component]) -> None:
    """The button that settings.js draws beside each option writes its key into a field that is not shown.

    Buttons of Gradio's own, with the rows they need, would be a third of all components of the page, which
    would take that much longer to open.
    """
    wanted = gr.Textbox(elem_id="settings_reset", visible="hidden")

    def reset(key: str) -> Updates:
        updates: Updates = {wanted: ""}
        return updates | ({components[key]: defaults[key]} if key in components else {})

    wanted.change(reset, inputs=[wanted], outputs=[*components.values(), wanted], **INSTANT)


def summary(changed: list[str]) -> str:
    """What was changed, in a sentence."""
    options = all_options()
    names = ", ".join(options[key].label for key in changed)
    restart = " Restart the program to see the new row." if "quicksettings_list" in changed else ""
    if not changed:
        return "Nothing was changed."
    return f"{len(changed)} setting{'s' if len(changed) > 1 else ''} changed: {names}.{restart}"
