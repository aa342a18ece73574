"""Named prompt presets: apply them, and find them again in a finished prompt."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from webui.core.errors import InvalidRequest
from webui.core.readable import readable
from webui.core.style import Style

PLACEHOLDER = "{prompt}"
# Five times as long as prompts may be.
MAX_CHARACTERS = 1_000_000
# What A1111 calls it when nothing is chosen.
NO_STYLE = "None"
MOST_SHOWN = 60


@dataclass(frozen=True, slots=True)
class ExtractedStyles:
    """Styles found in a prompt, in the order to apply them, and the prompts without them."""

    names: tuple[str, ...]
    prompt: str
    negative_prompt: str


@dataclass(frozen=True)
class Styles:
    """All presets, no two of one name. `messages` say what is wrong with their files."""

    styles: tuple[Style, ...] = ()
    messages: tuple[str, ...] = ()

    @cached_property
    def _by_name(self) -> dict[str, Style]:
        return {style.name: style for style in self.styles}

    @property
    def names(self) -> tuple[str, ...]:
        """The names, in the order of the files."""
        return tuple(style.name for style in self.styles)

    def find(self, name: str) -> Style | None:
        """The style of that very name."""
        return self._by_name.get(name)

    def unknown(self, names: Iterable[str]) -> tuple[str, ...]:
        """Those of the names that no style has, each once; "None" stands for no style."""
        return tuple(dict.fromkeys(name for name in names if self.find(name) is None and name != NO_STYLE))

    def describe_unknown(self, names: Iterable[str]) -> str:
        """A sentence on the names that no style has; empty where there are none."""
        unknown = [f"“{readable(name[:MOST_SHOWN])}”" for name in self.unknown(names)]
        if not unknown:
            return ""
        many = len(unknown) > 1
        return (
            f"There is no style {', '.join(unknown)}, so {'they' if many else 'it'} added nothing to the "
            f"prompt. Remove {'them' if many else 'it'}, or make {'them' if many else 'it'} with Edit styles."
        )

    def apply(self, prompt: str, names: Iterable[str]) -> str:
        """The prompt with styles joined on, in order; unknown names add nothing."""
        for name in names:
            style = self.find(name)
            prompt = _merged(style.prompt if style else "", prompt)
        return prompt

    def apply_negative(self, negative_prompt: str, names: Iterable[str]) -> str:
        """The negative prompt with styles joined on, in order; unknown names add nothing."""
        for name in names:
            style = self.find(name)
            negative_prompt = _merged(style.negative_prompt if style else "", negative_prompt)
        return negative_prompt

    def extract(self, prompt: str, negative_prompt: str) -> ExtractedStyles:
        """Take styles off finished prompts, outermost first, as long as one fits both; each style once."""
        names: list[str] = []
        remaining = [style for style in self.styles if style.prompt or style.negative_prompt]
        while True:
            for style in remaining:
                inner = _without(style.prompt, prompt)
                inner_negative = _without(style.negative_prompt, negative_prompt)
                if inner is not None and inner_negative is not None:
                    break
            else:
                return ExtractedStyles(tuple(reversed(names)), prompt, negative_prompt)
            prompt, negative_prompt = inner, inner_negative
            remaining.remove(style)
            names.append(style.name)


def _merged(style_prompt: str, prompt: str) -> str:
    if PLACEHOLDER in style_prompt:
        # One that repeats the prompt doubles it each time it is named.
        if len(style_prompt) + style_prompt.count(PLACEHOLDER) * len(prompt) > MAX_CHARACTERS:
            raise InvalidRequest(
                f"The chosen styles make a prompt of more than {MAX_CHARACTERS:,} characters. Choose fewer."
            )
        return style_prompt.replace(PLACEHOLDER, prompt)
    return ", ".join(text for text in (prompt.strip(), style_prompt.strip()) if text)


def _without(style_prompt: str, prompt: str) -> str | None:
    """The prompt a style was applied to, or None if it was not applied."""
    prompt, style_prompt = prompt.strip(), style_prompt.strip()
    before, placeholder, after = style_prompt.partition(PLACEHOLDER)
    if not placeholder:
        return prompt.removesuffix(style_prompt).removesuffix(", ") if prompt.endswith(style_prompt) else None
    # A style that repeats the prompt cannot be told apart from it, so it is never found.
    if PLACEHOLDER in after or not (prompt.startswith(before) and prompt.endswith(after)):
        return None
    return prompt[len(before) : len(prompt) - len(after)]
