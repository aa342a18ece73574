"""Settings of extensions in the Settings tab: a section for each, with A1111's ids."""

from collections.abc import Callable
from itertools import groupby
from typing import Any

import gradio as gr

from webui.compat.a1111.page.calls import call_extension
from webui.compat.a1111.page.option_info import OptionInfo
from webui.compat.a1111.page.reaching import site
from webui.compat.a1111.page.shared_options import added_options, file_of, keep_values
from webui.plugins.controls import SettingsControls


def make_sections(open_section: Callable[[str, str], Any]) -> SettingsControls | None:
    """Build the components of all settings that extensions added. None if there are none."""
    shared = site("shared")
    own = added_options(shared.opts)
    components: dict[str, Any] = {}
    for (identity, label), together in groupby(in_order(own), key=section_of):
        members = list(together)
        with open_section(identity, title_of(label, [info for _, info in members])):
            for key, info in members:
                component = make_component(key, info, shared.opts)
                if component is not None and not info.do_not_save:
                    components[key] = component
    shared.settings_components.update(components)
    if not components:
        return None
    return SettingsControls(
        components,
        {key: own[key].label or key for key in components},
        {key: own[key].default for key in components},
        lambda: {key: getattr(shared.opts, key) for key in components},
        keep_values,
    )


def in_order(own: dict[str, OptionInfo]) -> list[tuple[str, OptionInfo]]:
    """Settings by section, each section where its first setting was added."""
    sections = list(dict.fromkeys(section_of(pair) for pair in own.items()))
    return sorted(own.items(), key=lambda pair: sections.index(section_of(pair)))


def section_of(pair: tuple[str, OptionInfo]) -> tuple[str, str]:
    """The section that a setting belongs to: its id and its label."""
    section = pair[1].section
    if not isinstance(section, tuple | list) or len(section) < 2:
        return "other", "Other"
    return str(section[0] or "other"), str(section[1] or "Other")


def title_of(label: str, infos: list[OptionInfo]) -> str:
    """What a section is called: its label, after that of the category that an extension put it under."""
    known = site("options").categories.mapping
    named = [known[info.category_id].label for info in infos if info.category_id in known]
    return f"{named[0]}: {label}" if named else label


def make_component(key: str, info: OptionInfo, opts: Any) -> Any:  # noqa: ANN401 - Gradio's
    """The component of a setting; None where the extension's own cannot be made."""
    value = info.default if info.do_not_save else getattr(opts, key)
    looks = {"label": info.label, "value": value, "elem_id": f"setting_{key}"}
    make = info.component or kind_for(info.default)
    file = file_of(info.component) if info.component is not None else __file__

    def build() -> Any:  # noqa: ANN401 - Gradio's
        return make(**{**looks, **info.arguments})

    made = call_extension(file, f"the setting {key}", build)
    if made is not None and not info.do_not_save:
        made.elem_classes = [*(made.elem_classes or []), "setting"]
    words = info.comment_before + info.comment_after
    if words:
        gr.HTML(words, elem_classes=["settings-comment"])
    return made


def kind_for(default: object) -> Callable[..., Any]:
    """The component for a setting that names none."""
    if isinstance(default, bool):
        return gr.Checkbox
    return gr.Number if isinstance(default, int | float) else gr.Textbox
