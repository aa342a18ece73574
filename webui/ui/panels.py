"""Components of extensions in txt2img and img2img: built, sent along by Generate, filled by infotexts."""

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from webui.jobs.services import Services
from webui.plugins.controls import GenerationControls
from webui.ui.forms.form import Form
from webui.ui.handlers import Updates


@dataclass(frozen=True, slots=True)
class Panels:
    """What extensions built in a tab."""

    controls: Sequence[GenerationControls] = ()

    @property
    def components(self) -> list[Component]:
        """Whose values Generate sends along."""
        return [component for each in self.controls for component in each.components]

    def has_script(self, title: str) -> bool:
        """Whether a script of that title in the list is an extension's."""
        wanted = title.strip().lower()
        return any(wanted == own.lower() for each in self.controls for own in each.scripts)

    def add_values(
        self, fields: dict[str, Any], values: Mapping[Component, Any], browser: gr.Request
    ) -> dict[str, Any]:
        """The fields of a new request with what the components hold. Raises WebuiError."""
        wanted, script = dict(fields), str(fields.get("script") or "")
        for each in self.controls:
            titles = {title.lower(): title for title in each.scripts}
            own = titles.get(script.strip().lower(), "")
            given = [values.get(component) for component in each.components]
            wanted["extras"] = {**(wanted.get("extras") or {}), **each.read(given, own, browser)}
            if own:
                wanted.pop("script", None)
        return wanted

    def fill(self, infotext: str) -> Updates:
        """Updates of components by an infotext."""
        return {
            component: update for each in self.controls for component, update in each.fill(infotext).items()
        }

    def filled_with(self, components: Sequence[Component]) -> list[Component]:
        """These components, and those that infotexts fill."""
        return list(dict.fromkeys([*components, *(one for each in self.controls for one in each.filled)]))


def make_panels(services: Services, tab: str, form: Form) -> Panels:
    """Build the components; those that have names are remembered in the browser with the form."""
    with gr.Column(elem_id=f"{tab}_script_container", elem_classes=["script-container"]):
        found = [each for _, each in services.plugins.collect("generation_controls", tab=tab)]
        scripts = {title: elem_id for each in found for title, elem_id in each.scripts.items()}
        if scripts:
            # For parts.js, which draws the list "Script".
            listed = html.escape(json.dumps(scripts))
            text = f'<span class="panel-scripts" data-scripts="{listed}"></span>'
            gr.HTML(text, elem_id=f"{tab}_panel_scripts", visible="hidden")
    for each in found:
        for name, component in zip(each.names, each.components, strict=False):
            if name and name not in form.names:
                form.add(name, component)
    return Panels(found)


def finish_tab(services: Services, tab: str, form: Form) -> None:
    """Tell extensions that the components of a tab are built."""
    fields = {name: form.component(name) for name in form.names}
    services.plugins.collect("finish_tab", tab=tab, fields=fields)
