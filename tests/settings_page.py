"""docs/settings.md as it must read. `.venv/bin/python -m tests.settings_page` writes it anew."""

import types
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic.fields import FieldInfo

from webui.core.flags import Flags
from webui.core.settings import Settings, section_type

PAGE = Path(__file__).resolve().parents[1] / "docs" / "settings.md"


def choices(annotation: Any) -> list[str]:
    """The words a Literal allows; nothing for other types."""
    if get_origin(annotation) is Literal:
        return [str(choice) for choice in get_args(annotation)]
    if get_origin(annotation) in (Union, types.UnionType):
        return [choice for part in get_args(annotation) for choice in choices(part)]
    return []


def limits(field: FieldInfo) -> str:
    """What values a field takes, where that is not plain from its default."""
    if words := choices(field.annotation):
        return ", ".join(words)
    rules = {type(rule): rule for rule in field.metadata}
    words = [
        str(rules[annotated_types.Ge].ge) if annotated_types.Ge in rules else "",
        f"above {rules[annotated_types.Gt].gt}" if annotated_types.Gt in rules else "",
        f"to {rules[annotated_types.Le].le}" if annotated_types.Le in rules else "",
    ]
    return " ".join(filter(None, words)) + (
        " or more" if annotated_types.Ge in rules and not words[2] else ""
    )


def shown(value: Any) -> str:
    """A default, as a cell."""
    text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return f"`{text}`" if text else ""


def cell(text: str) -> str:
    """Text that does not end its cell."""
    return text.replace("|", "\\|")


def render() -> str:
    """The whole page."""
    lines = [
        "# Settings",
        "",
        "Kept in `data/settings.json`; the Settings tab shows the same, with the same names. A running job "
        "is not changed by them: it got its copy when it was submitted. The keys are those of A1111's "
        "`config.json` where the setting is the same, and `override_settings` of the API takes them too, but "
        "for folders and file name patterns. Folders lie below the data folder, unless you allow others with "
        "[--allow-folder](security.md) or write them into the file yourself.",
    ]
    for name, holder in Settings.model_fields.items():
        section = section_type(holder.annotation)
        title = (holder.title or section.__doc__ or name).strip().splitlines()[0].rstrip(".")
        lines += [
            "",
            f"## {title}",
            "",
            "| Setting | Key | Default | Values | Meaning |",
            "|---|---|---|---|---|",
        ]
        lines += [
            f"| {cell(field.title or key)} | `{field.alias or key}` | {shown(field.default)} "
            f"| {limits(field)} | {cell(field.description or '')} |"
            for key, field in section.model_fields.items()
        ]
    lines += [
        "",
        "## Flags",
        "",
        "Given to `./launch.sh` or in `COMMANDLINE_ARGS`; flags typed win. A1111's other flags are accepted, "
        "and each says in one line why it changes nothing.",
        "",
        "| Flag | Values | Meaning |",
        "|---|---|---|",
    ]
    lines += [
        f"| `--{name.replace('_', '-')}` | {limits(field)} | {cell(field.description or '')} |"
        for name, field in Flags.model_fields.items()
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
