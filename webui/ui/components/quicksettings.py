"""The row above the tabs: checkpoint, VAE and what else the artist wants at hand. A change holds at once."""

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal

import gradio as gr
from gradio.components import Component
from pydantic import BaseModel

from webui.core.errors import WebuiError
from webui.core.model_file import ModelKind
from webui.jobs.services import Services
from webui.plugins.localizations import find_localizations
from webui.ui.components.buttons import icon_button
from webui.ui.components.setting_widget import Choices, Option, all_options, setting_widget, shown
from webui.ui.handlers import INSTANT
from webui.ui.renewals import renewals_of
from webui.ui.texts import notice

MODEL_OPTIONS = ("sd_model_checkpoint", "sd_vae")


def option_choices(services: Services) -> dict[str, Choices]:
    """Options whose choices are files, or options themselves."""
    catalog = services.catalog
    return {
        "sd_model_checkpoint": lambda: [file.title for file in catalog.files(ModelKind.CHECKPOINT)],
        "sd_vae": lambda: ["Automatic", "None", *(file.name for file in catalog.files(ModelKind.VAE))],
        "quicksettings_list": lambda: list(all_options()),
        "localization": lambda: ["None", *find_localizations(running_folders(services))],
    }


def running_folders(services: Services) -> list[Path]:
    """The folders of the extensions that run."""
    found = [each.folder for each in services.extensions.records if each.state == "on"]
    return [folder for folder in found if folder is not None]


def make_quicksettings(services: Services, page: gr.Blocks) -> dict[str, Component]:
    """The row and its components by option key."""
    options, settings = all_options(), services.settings.current
    wanted = [key for key in settings.interface.quicksettings_list if key in options]
    values, choices = shown_values(services), option_choices(services)
    components: dict[str, Component] = {}
    with gr.Row(elem_id="quicksettings", elem_classes=["quicksettings"]):
        for key in wanted:
            is_model = key in MODEL_OPTIONS
            with gr.Row(
                elem_classes=["quicksetting", "with-refresh" if is_model else "plain"], equal_height=False
            ):
                components[key] = setting_widget(options[key], values[key], choices, min_width=180)
                if is_model:
                    refresh = icon_button(
                        "refresh", f"Look for files again: {options[key].label}", f"refresh_{key}"
                    )
                    wire_refresh(services, refresh, components[key], choices[key])
    message = gr.HTML("", elem_id="quicksettings_notice", visible="hidden")
    for key, component in components.items():
        wire_change(services, options[key], component, message)
    wire_choosing(services, components, choices, message)
    wire_telling(components)
    for key, component in components.items():
        # Told in any case: scripts wait for the models that the row shows.
        renewals_of(page).add(component, partial(current_value, services, key, choices))
    return components


def wire_choosing(
    services: Services, components: Mapping[str, Component], choices: Mapping[str, Choices], message: gr.HTML
) -> None:
    """Cards and arrivals choose a model: scripts click a hidden button; it asks them for {"option", "title"}.

    They are told once the row shows what came of it.
    """
    chosen = gr.Textbox("", visible="hidden")
    button = gr.Button("Choose", visible="hidden", elem_id="choose_model")
    shown_models = {key: components[key] for key in MODEL_OPTIONS if key in components}

    def choose(text: str) -> dict[Component, Any]:
        wanted = Choice.model_validate_json(text)
        try:
            services.settings.change({wanted.option: wanted.title})
        except WebuiError as error:
            return {message: gr.update(value=notice(str(error)), visible=True)}
        updates = {each: current_value(services, key, choices) for key, each in shown_models.items()}
        return updates | {message: gr.update(value="", visible="hidden")}

    button.click(
        choose,
        inputs=[chosen],
        outputs=[*shown_models.values(), message],
        js="() => [window.webui.nextChoice()]",
        trigger_mode="multiple",
        **INSTANT,
    ).then(fn=None, js="() => window.webui.choiceShown()", show_progress="hidden")


def wire_telling(components: Mapping[str, Component]) -> None:
    """Tell scripts which models the row shows, whoever chose them."""
    for key in MODEL_OPTIONS:
        if isinstance(component := components.get(key), gr.Dropdown):
            component.change(
                fn=None,
                inputs=[component],
                js=f"(title) => window.webui.modelShown({json.dumps(key)}, title)",
                show_progress="hidden",
            )


class Choice(BaseModel):
    """What a script asks for."""

    option: Literal["sd_model_checkpoint", "sd_vae"]
    title: str


def current_value(services: Services, key: str, choices: Mapping[str, Choices]) -> dict[str, Any]:
    """An option's value and choices as they are now, for a page that was just opened."""
    value = shown(shown_values(services)[key])
    return gr.update(value=value, choices=choices[key]()) if key in choices else gr.update(value=value)


def shown_values(services: Services) -> dict[str, Any]:
    """Option values, with the checkpoint that an empty choice means by its title."""
    values = services.settings.current.options()
    checkpoint = services.catalog.known_checkpoint(str(values["sd_model_checkpoint"]))
    return values | {"sd_model_checkpoint": checkpoint.title} if checkpoint else values


def wire_refresh(services: Services, button: gr.Button, component: Component, choices: Choices) -> None:
    """Scan the model folders and offer what is there."""

    def refresh() -> dict[str, Any]:
        services.catalog.scan()
        return gr.update(choices=choices())

    button.click(refresh, outputs=[component], **INSTANT)


def wire_change(services: Services, option: Option, component: Component, message: gr.HTML) -> None:
    """Keep a changed value at once; a refusal is shown under the row."""

    def change(value: object) -> dict[str, Any]:
        try:
            if option.key == "sd_model_checkpoint" and value:
                value = services.catalog.find_checkpoint(str(value)).title
            services.settings.change({option.key: tuple(value) if isinstance(value, list) else value})
        except WebuiError as error:
            return gr.update(value=notice(str(error)), visible=True)
        return gr.update(value="", visible="hidden")

    if isinstance(component, gr.Slider):
        changed = component.release
    elif isinstance(component, gr.Textbox | gr.Number):
        changed = component.blur
    else:
        assert isinstance(component, gr.Dropdown | gr.Checkbox)
        changed = component.input
    changed(change, inputs=[component], outputs=[message], preprocess=False, **INSTANT)
