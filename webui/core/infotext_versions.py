"""Which options an infotext of an older version of A1111 implies."""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from packaging.version import InvalidVersion, Version

# `git describe` ends in a dash, a "g" and the commit.
_COMMIT = re.compile(r"-g[0-9a-f]*$", re.IGNORECASE)
HIRES_STYLES_SINCE = Version("1.8.0.post139")


Fields = Mapping[str, Any]


def _is_any(fields: Fields) -> bool:
    return True


def _uses_timesteps(fields: Fields) -> bool:
    return fields.get("Sampler") in ("PLMS", "DDIM")


def _edits_prompt(fields: Fields) -> bool:
    return "[" in str(fields.get("Prompt", ""))


def _has_refiner(fields: Fields) -> bool:
    return bool(fields.get("Refiner"))


class _VersionChange(NamedTuple):
    """A version of A1111 that changed pictures: what older ones did is an option now, if it applies."""

    version: Version
    option: str
    applies: Callable[[Fields], bool]


_CHANGES = (
    _VersionChange(Version("1.6.0"), "Pad conds v0", _uses_timesteps),
    _VersionChange(Version("1.6.0"), "Old prompt editing timelines", _edits_prompt),
    _VersionChange(Version("1.7.0.post225"), "Downcast alphas_cumprod", _is_any),
    _VersionChange(Version("1.8.0"), "Refiner switch by sampling steps", _has_refiner),
)


def parse_version(text: str | None) -> Version | None:
    """A version to compare with others, or None if there is none or it is none of A1111's."""
    try:
        return Version(_COMMIT.sub("", text.strip())) if text else None
    except InvalidVersion:
        return None


def add_backward_compatibility(fields: dict[str, Any]) -> None:
    """Set the options that make a newer program draw what the version in `fields` drew."""
    version = parse_version(fields.get("Version"))
    if version is None:
        return
    implied = [change.option for change in _CHANGES if version < change.version and change.applies(fields)]
    fields.update(dict.fromkeys(implied, True))
