"""The Settings tab, drawn from the settings model: sections, search, apply, and a reset for each option."""

import html
import json
import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.events import Dependency
from pydantic import BaseModel

from webui.core.errors import WebuiError
from webui.core.settings import Settings, section_type
from webui.jobs.services import Services
from webui.ui.components.quicksettings import option_choices
from webui.ui.components.setting_widget import Option, all_options, setting_widget, shown
from webui.ui.further_settings import FurtherSettings
from webui.ui.handlers import INSTANT, Updates
from webui.ui.texts import notice


@dataclass(frozen=True, slots=True)
class SettingsTab:
    """What other tabs need: the options' components by key, the events that keep values, all as JSON."""

    components: Mapping[str, Component]
    applied: tuple[Dependency, ...]
    as_json: gr.Textbox


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
        links = gr.HTML("", elem_id="settings_sections")
        with gr.Column(elem_id="settings"):
            components, sections = make_sections(services, options)
            further = make_further_sections(services, components, sections)
    links.value = section_links(options, further)
    # settings.js has the sections, a fifth of all components, drawn a moment after the page can be used.
    gr.Button("Draw", elem_id="settings_draw", visible="hidden").click(
        None, outputs=sections, js="() => window.webui.sectionsToDraw()", show_progress="hidden"
    )
    as_json = gr.Textbox(
        elem_id="settings_json", visible="hidden", value=further.as_json(services.settings.current)
    )
    applied = (
        wire_settings(services, components, further, result, as_json, apply, page),
        wire_requests(services, components, further, result, as_json),
    )
    return SettingsTab(components, applied, as_json)


SEARCH = (
    '<input id="settings_search" type="search" placeholder="Search settings" aria-label="Search settings" '
    'autocomplete="off">'
)


def make_sections(
    services: Services, options: Mapping[str, Option]
) -> tuple[dict[str, Component], list[gr.Column]]:
    """Every section with its options, not drawn yet: the options' components by key, and the sections."""
    values, choices = services.settings.current.options(), option_choices(services)
    components: dict[str, Component] = {}
    sections: list[gr.Column] = []
    for section, members in groupby(options.values(), lambda option: option.section):
        looks = {"elem_id": f"settings_{section}", "elem_classes": ["settings-section"], "variant": "panel"}
        with gr.Column(visible=False, **looks) as column:
            sections.append(column)
            gr.HTML(f"<h2>{section_title(section)}</h2>")
            for option in members:
                components[option.key] = setting_widget(
                    option, values[option.key], choices, info=option.help, elem_classes=["setting"]
                )
    return components, sections


def make_further_sections(
    services: Services, components: dict[str, Component], sections: list[gr.Column]
) -> FurtherSettings:
    """Sections of extensions, which are added to the others.

    Scripts of A1111's extensions put what they add into `#settings_NAME > div > div`, where their options
    stand there.
    """
    titles: dict[str, str] = {}

    @contextmanager
    def open_section(identity: str, title: str) -> Generator[None]:
        elem_id = f"settings_{re.sub(r'[^A-Za-z0-9_-]+', '_', identity)}"
        while elem_id in titles or elem_id.removeprefix("settings_") in Settings.model_fields:
            elem_id += "_"
        titles[elem_id] = title
        looks = {"elem_id": elem_id, "elem_classes": ["settings-section"], "variant": "panel"}
        rows = {"elem_id": f"column_{elem_id}", "elem_classes": ["settings-rows"], "min_width": 0}
        with gr.Column(visible=False, **looks) as column:
            sections.append(column)
            with gr.Column(min_width=0), gr.Column(**rows):
                gr.HTML(f"<h2>{html.escape(title)}</h2>")
                yield

    found = [each for _, each in services.plugins.collect("settings_controls", open_section=open_section)]
    further = FurtherSettings(found, titles)
    components |= {key: each for key, each in further.components.items() if key not in components}
    return further


def section_title(section: str) -> str:
    """What a section is called: its title, else the first sentence of its class."""
    field = Settings.model_fields[section]
    described = section_type(field.annotation).__doc__ or section
    return field.title or described.splitlines()[0].rstrip(".")


def section_links(options: Mapping[str, Option], further: FurtherSettings) -> str:
    """Links to the sections, for the side of the page."""
    sections = dict.fromkeys(option.section for option in options.values())
    links = "".join(f'<a href="#settings_{name}">{section_title(name)}</a>' for name in sections)
    # For settings.js, which marks what differs from them.
    links += "".join(f'<a href="#{name}">{html.escape(title)}</a>' for name, title in further.titles.items())
    own = {key: option.default for key, option in options.items()}
    defaults = html.escape(json.dumps(further.defaults | own, default=str))
    return f'<nav aria-label="Sections" data-defaults="{defaults}">{links}</nav>'


def wire_settings(
    services: Services,
    components: Mapping[str, Component],
    further: FurtherSettings,
    result: gr.HTML,
    as_json: gr.Textbox,
    apply: gr.Button,
    page: gr.Blocks,
) -> Dependency:
    """Apply keeps what was changed; opening the page shows what holds now. Returns the event of Apply."""

    def submit(values: Mapping[Component, Any]) -> Updates:
        current = further.current | services.settings.current.options()
        changed = {
            key: values[component]
            for key, component in components.items()
            if values[component] != shown(current[key])
        }
        try:
            settings = further.keep(services, changed)
        except WebuiError as error:
            return {result: notice(str(error))}
        said = notice(summary(list(changed), further.labels), "info")
        return {result: said, as_json: further.as_json(settings)}

    drawn = further.current | services.settings.current.options()

    def load() -> Updates:
        values = further.current | services.settings.current.options()
        # The page's HTML has what held when it was built; the browser need not be told that again.
        updates: Updates = {
            component: shown(values[key])
            for key, component in components.items()
            if values[key] != drawn[key]
        }
        return updates | {as_json: further.as_json(services.settings.current), result: ""}

    page.load(load, outputs=[*components.values(), as_json, result], **INSTANT)
    return apply.click(
        submit, inputs=set(components.values()), outputs=[result, as_json], preprocess=False, **INSTANT
    )


class SettingsRequest(BaseModel):
    """What settings.js asks for: values to be kept at once, or only to be shown again, by option key.

    `number` makes each request another text, so that asking twice for the same is a change.
    """

    number: int

    keep: dict[str, Any] = {}
    show: dict[str, Any] = {}
    undoes: bool = False


def wire_requests(
    services: Services,
    components: Mapping[str, Component],
    further: FurtherSettings,
    result: gr.HTML,
    as_json: gr.Textbox,
) -> Dependency:
    """The buttons that settings.js draws write what they ask for into a field that is not shown.

    Buttons of Gradio's own, with the rows they need, would be a third of all components of the page, which
    would take that much longer to open.
    """
    request = gr.Textbox(elem_id="settings_request", visible="hidden")

    def carry_out(text: str) -> Updates:
        wanted = SettingsRequest.model_validate_json(text)
        before = further.current | services.settings.current.options()
        try:
            settings = further.keep(services, wanted.keep)
        except WebuiError as error:
            return {result: notice(str(error))}
        now = further.current | settings.options()
        values = wanted.show | {key: shown(now[key]) for key in wanted.keep}
        updates: Updates = {components[key]: value for key, value in values.items() if key in components}
        old = {key: shown(before[key]) for key in wanted.keep}
        said = kept_notice(old, further.labels, undoes=wanted.undoes)
        return updates | {result: said, as_json: further.as_json(settings)}

    return request.change(
        carry_out,
        inputs=[request],
        outputs=[*components.values(), result, as_json],
        trigger_mode="multiple",
        **INSTANT,
    )


def kept_notice(before: Mapping[str, Any], further: Mapping[str, str], *, undoes: bool) -> str:
    """What was kept at once, with a button for settings.js that takes it back."""
    if not before:
        return ""
    names = ", ".join(label_of(key, further) for key in before)
    if undoes:
        return notice(f"{names}: as before.", "info")
    undo = html.escape(json.dumps({"keep": before, "undoes": True}))
    sentence = notice(f"{names}: back to the default.", "info")
    return (
        sentence.removesuffix("</div>") + f'<button type="button" data-request="{undo}">Undo</button></div>'
    )


def label_of(key: str, further: Mapping[str, str]) -> str:
    """What a setting is called, of an extension or the program's own."""
    option = all_options().get(key)
    return option.label if option is not None else html.escape(further.get(key, key))


def summary(changed: list[str], further: Mapping[str, str]) -> str:
    """What was changed, in a sentence."""
    names = ", ".join(label_of(key, further) for key in changed)
    restart = " Restart the program to see the new row." if "quicksettings_list" in changed else ""
    if not changed:
        return "Nothing was changed."
    return f"{len(changed)} setting{'s' if len(changed) > 1 else ''} changed: {names}.{restart}"
