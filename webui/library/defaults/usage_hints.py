"""What a file's own metadata (Stability's ModelSpec) advises: a size, and a hint in words."""

import re
from collections.abc import Mapping
from typing import Any

from webui.core.checkpoint_defaults import CheckpointDefaults, read_defaults
from webui.core.sampling import AUTOMATIC, SAMPLERS, SCHEDULES

RESOLUTION, HINT = "modelspec.resolution", "modelspec.usage_hint"
LONGEST_HINT = 2000
NUMBER = r"(\d{1,3}(?:\.\d{1,3})?)"
SIZE = re.compile(r"(?<!\d)(\d{2,4}) {0,2}[xX\u00d7] {0,2}(\d{2,4})(?!\d)")
ONE_SIDE = re.compile(r"\s{0,4}(\d{2,4})\s{0,4}")
STEPS = re.compile(
    r"\bsteps?\b ?[:=]? ?(\d{1,3})(?!\d)|(?<![\d.])(\d{1,3})(?: ?(?:-|\u2013|to) ?\d{1,3})? steps?\b",
    re.IGNORECASE,
)
CFG = re.compile(rf"\bcfg(?: scale)? ?[:=]? ?(?:of )?{NUMBER}", re.IGNORECASE)
CLIP_SKIP = re.compile(r"\bclip ?skip ?[:=]? ?(?:of )?(\d{1,2})(?!\d)", re.IGNORECASE)
# The longest first: "DPM++ 2M SDE" begins with "DPM++ 2M".
SAMPLER_LABELS = sorted((sampler.label for sampler in SAMPLERS), key=len, reverse=True)
SAMPLER = re.compile(rf"(?<![\w+])({'|'.join(map(re.escape, SAMPLER_LABELS))})(?![\w+])", re.IGNORECASE)
SCHEDULE_LABELS = sorted(
    (schedule.label for schedule in SCHEDULES if schedule.label != AUTOMATIC), key=len, reverse=True
)
AFTER_SAMPLER = re.compile(rf"[ ,/]{{1,2}}({'|'.join(map(re.escape, SCHEDULE_LABELS))})(?!\w)", re.IGNORECASE)


def metadata_defaults(metadata: Mapping[str, str]) -> CheckpointDefaults:
    """What the metadata says; what is out of range or not understood counts as not said."""
    hint = metadata.get(HINT, "")[:LONGEST_HINT]
    return read_defaults(hinted(hint)).over(size_of(metadata.get(RESOLUTION, "")))


def size_of(resolution: str) -> CheckpointDefaults:
    """A size such as "1024x1024", or one side."""
    found = SIZE.match(resolution.strip())
    if found:
        return rounded(found[1], found[2])
    side = ONE_SIDE.fullmatch(resolution[:20])
    return rounded(side[1], side[1]) if side else CheckpointDefaults()


def rounded(width: str, height: str) -> CheckpointDefaults:
    """Two sides as sides of pictures, multiples of 8."""
    return read_defaults({"width": int(width) // 8 * 8, "height": int(height) // 8 * 8})


def hinted(hint: str) -> dict[str, Any]:
    """The numbers and names in a hint. Any: as `read_defaults` takes them."""
    found: dict[str, Any] = {}
    if size := SIZE.search(hint):
        found |= rounded(size[1], size[2]).said()
    if steps := STEPS.search(hint):
        found["steps"] = int(steps[1] or steps[2])
    if cfg := CFG.search(hint):
        found["cfg_scale"] = float(cfg[1])
    if skip := CLIP_SKIP.search(hint):
        found["clip_skip"] = int(skip[1])
    if sampler := SAMPLER.search(hint):
        found["sampler"] = sampler[1]
        if schedule := AFTER_SAMPLER.match(hint, sampler.end()):
            found["schedule"] = schedule[1]
    return found
