"""Settings of extensions among the program's own, in the Settings tab."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gradio.components import Component

from webui.core.settings import Settings
from webui.jobs.services import Services
from webui.plugins.controls import SettingsControls
from webui.ui.components.setting_widget import shown


@dataclass(frozen=True, slots=True)
class FurtherSettings:
    """What extensions added, and the titles of their sections by element id."""

    controls: Sequence[SettingsControls]
    titles: Mapping[str, str]

    @property
    def components(self) -> dict[str, Component]:
        """Components by key."""
        return {key: component for each in self.controls for key, component in each.components.items()}

    @property
    def labels(self) -> dict[str, str]:
        """What each setting is called."""
        return {key: label for each in self.controls for key, label in each.labels.items()}

    @property
    def defaults(self) -> dict[str, Any]:
        """Defaults by key."""
        return {key: value for each in self.controls for key, value in each.defaults.items()}

    @property
    def current(self) -> dict[str, Any]:
        """Values by key, as they are now."""
        return {key: value for each in self.controls for key, value in each.current().items()}

    def keep(self, services: Services, changed: Mapping[str, Any]) -> Settings:
        """Keep values of both kinds; the program's settings after that. Raises WebuiError."""
        own = {key: value for key, value in changed.items() if key in Settings.keys()}  # noqa: SIM118 - a method
        settings = services.settings.change(own) if own else services.settings.current
        for each in self.controls:
            given = {
                key: value for key, value in changed.items() if key in each.components and key not in own
            }
            if given:
                each.keep(given)
        return settings

    def as_json(self, settings: Settings) -> str:
        """All options, for scripts in the page."""
        return json.dumps(self.current | settings.options(), default=as_plain)


def as_plain(value: Any) -> Any:  # noqa: ANN401 - whatever an option holds
    """A value as JSON can have it."""
    plain = shown(value)
    return plain if isinstance(plain, list) else str(plain)
