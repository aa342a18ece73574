"""What an extension says of a setting of its own: default, label, component, section."""

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

AnyInfo = TypeVar("AnyInfo", bound="OptionInfo")


class OptionInfo:
    """A setting. `section` is (id, label); `component_args` a dict, or a function that gives one.

    `do_not_save`: it has no value, being a text among the settings.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - A1111's
        self,
        default: Any = None,  # noqa: ANN401 - whatever the setting holds
        label: str = "",
        component: Callable[..., Any] | None = None,
        component_args: Mapping[str, Any] | Callable[[], Mapping[str, Any]] | None = None,
        onchange: Callable[[], Any] | None = None,
        section: tuple[str | None, str] | None = None,
        refresh: Callable[[], Any] | None = None,
        comment_before: str = "",
        comment_after: str = "",
        infotext: str | None = None,
        restrict_api: bool = False,
        category_id: str | None = None,
    ) -> None:
        self.default = default
        self.label = label
        self.component = component
        self.component_args = component_args
        self.onchange = onchange
        self.section: Any = section
        self.category_id = category_id
        self.refresh = refresh
        self.do_not_save = False
        self.comment_before = comment_before
        self.comment_after = comment_after
        self.infotext = infotext
        self.restrict_api = restrict_api

    def link(self, label: str, url: str) -> Self:
        """A link before the setting."""
        self.comment_before += f"[<a href='{html.escape(url)}' target='_blank'>{label}</a>]"
        return self

    def js(self, label: str, js_func: str) -> Self:
        """A link before the setting that calls a function of the page."""
        self.comment_before += f"[<a onclick='{js_func}(); return false'>{label}</a>]"
        return self

    def info(self, info: str) -> Self:
        """Words after the setting."""
        self.comment_after += f"<span class='info'>({info})</span>"
        return self

    def html(self, html: str) -> Self:
        """HTML after the setting."""
        self.comment_after += html
        return self

    def needs_restart(self) -> Self:
        """Says that it holds from the next start on."""
        return self.html(" <span class='info'>(requires restart)</span>")

    def needs_reload_ui(self) -> Self:
        """Says that it holds once the page is built anew."""
        return self.html(" <span class='info'>(requires Reload UI)</span>")

    @property
    def arguments(self) -> dict[str, Any]:
        """The component's arguments as they are now."""
        given = self.component_args
        return dict((given() if callable(given) else given) or {})


class OptionHTML(OptionInfo):
    """A text among the settings."""

    def __init__(self, text: str) -> None:
        super().__init__(str(text).strip(), label="", component=make_text)
        self.do_not_save = True


def make_text(**given: Any) -> Any:  # noqa: ANN401 - Gradio's component
    """The component of a text."""
    # Gradio is loaded where the page is built.
    import gradio as gr

    return gr.HTML(elem_classes="settings-info", **given)


def options_section(
    section_identifier: tuple[str | None, str] | tuple[str | None, str, str], options_dict: dict[str, AnyInfo]
) -> dict[str, AnyInfo]:
    """The same settings, all of one section; a third word is the category that it belongs to."""
    for info in options_dict.values():
        info.section = tuple(section_identifier[:2])
        if len(section_identifier) == 3:
            info.category_id = section_identifier[2]
    return options_dict


@dataclass(slots=True)
class OptionsCategory:
    """A group of sections."""

    id: str
    label: str


@dataclass(slots=True)
class OptionsCategories:
    """All groups of sections, by id."""

    mapping: dict[str, OptionsCategory] = field(default_factory=dict[str, OptionsCategory])

    def register_category(self, category_id: str, label: str) -> str:
        """Add a group unless there is one of that id; the id."""
        self.mapping.setdefault(category_id, OptionsCategory(category_id, label))
        return category_id
