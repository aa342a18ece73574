"""Prompt presets, over the host's files of styles."""
# pyright: basic

from typing import NamedTuple

from webui.compat.a1111.host import current
from webui.core.style import Style
from webui.prompts.styles import Styles
from webui.store.styles_editor import version_of


class PromptStyle(NamedTuple):
    name: str
    prompt: str | None
    negative_prompt: str | None
    path: str | None = None


def merge_prompts(style_prompt, prompt):
    return Styles((Style("style", style_prompt, ""),)).apply(prompt, ["style"])


def apply_styles_to_prompt(prompt, styles):
    for style in styles:
        prompt = merge_prompts(style, prompt)
    return prompt


def _as_style(style):
    return Style(style.name, style.prompt or "", style.negative_prompt or "")


class StyleDatabase:
    def __init__(self, path=None, paths=None):
        self.path = path or (paths or [""])[0]
        self.paths = paths or [path]
        self.no_style = PromptStyle("None", "", "", None)
        self.styles = {}
        self.reload()

    @property
    def default_path(self):
        return self.path

    def reload(self):
        services = current().services
        self.styles.clear()
        for each in services.requests.styles().styles if services else ():
            path = str(each.path) if each.path else None
            self.styles[each.name] = PromptStyle(each.name, each.prompt, each.negative_prompt, path)

    def _all(self):
        return Styles(tuple(_as_style(each) for each in self.styles.values()))

    def get_style_prompts(self, styles):
        return [self.styles.get(name, self.no_style).prompt for name in styles]

    def get_negative_style_prompts(self, styles):
        return [self.styles.get(name, self.no_style).negative_prompt for name in styles]

    def apply_styles_to_prompt(self, prompt, styles):
        return self._all().apply(prompt, styles)

    def apply_negative_styles_to_prompt(self, prompt, styles):
        return self._all().apply_negative(prompt, styles)

    def save_styles(self, path=None):
        """Writes new and changed styles into the host's files; none is taken out."""
        services = current().ready
        kept = {each.name: each for each in services.requests.styles().styles}
        for style in self.styles.values():
            wanted, known = _as_style(style), kept.get(style.name)
            if known is None:
                services.styles_editor.add(wanted)
            elif (known.prompt, known.negative_prompt) != (wanted.prompt, wanted.negative_prompt):
                services.styles_editor.change(style.name, wanted, version_of(known))
        self.reload()

    def extract_styles_from_prompt(self, prompt, negative_prompt):
        found = self._all().extract(prompt, negative_prompt)
        return list(found.names), found.prompt, found.negative_prompt
