"""Which options an infotext of an older version of A1111 implies."""

import re
from typing import Any

Version = tuple[tuple[int, ...], tuple[int, int], int]
"""Release without trailing zeros, (stage before release, its number), commits after it: greater is later."""

# Any stage before release comes earlier than the release.
_STAGES = {"a": -3, "alpha": -3, "b": -2, "beta": -2, "rc": -1, "c": -1, "pre": -1, "preview": -1}
_VERSION = re.compile(
    r"v?(?P<release>\d+(?:\.\d+)*)(?:[-_.]?(?P<stage>alpha|beta|preview|pre|rc|a|b|c)[-_.]?(?P<number>\d*))?"
    r"(?:-(?P<commits>\d+))?",
    re.IGNORECASE,
)
# "v1.7.0-225-gabcdef": what follows the second dash names a commit.
_COMMIT = re.compile(r"([^-]+-[^-]+)-.*")


def parse_version(text: str | None) -> Version | None:
    """A version to compare with others, or None if there is none or it is none of A1111's."""
    if text is None:
        return None
    with_commit = _COMMIT.match(text)
    found = _VERSION.fullmatch((with_commit[1] if with_commit else text).strip())
    if found is None:
        return None
    release = [int(part) for part in found["release"].split(".")]
    while release and release[-1] == 0:
        release.pop()
    stage = _STAGES[found["stage"].lower()] if found["stage"] else 0
    return tuple(release), (stage, int(found["number"] or 0)), int(found["commits"] or -1)


_NEW_TIMELINES: Version = ((1, 6), (0, 0), -1)
_FULL_ALPHAS: Version = ((1, 7), (0, 0), 225)
_REFINER_BY_TIMESTEP: Version = ((1, 8), (0, 0), -1)
HIRES_STYLES_SINCE: Version = ((1, 8), (0, 0), 139)


def add_backward_compatibility(fields: dict[str, Any]) -> None:
    """Set the options that make a newer program draw what the version in `fields` drew."""
    version = parse_version(fields.get("Version"))
    if version is None:
        return
    if version < _NEW_TIMELINES and "[" in fields.get("Prompt", ""):
        fields["Old prompt editing timelines"] = True
    if version < _NEW_TIMELINES and fields.get("Sampler", "") in ("DDIM", "PLMS"):
        fields["Pad conds v0"] = True
    if version < _FULL_ALPHAS:
        fields["Downcast alphas_cumprod"] = True
    if version < _REFINER_BY_TIMESTEP and fields.get("Refiner"):
        fields["Refiner switch by sampling steps"] = True
