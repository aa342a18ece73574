"""Running `preload.py`: the one thing of an extension that comes before the command line is read."""

import logging
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from webui.compat.a1111.health import HealthRecords
from webui.compat.a1111.loading.arguments import CommandLine
from webui.compat.a1111.loading.modules import as_failure, module_of_file
from webui.plugins.community import CommunityFolder
from webui.plugins.importing import Raised, TimeIsUp, run_within

logger = logging.getLogger(__name__)
PRELOAD = "preload.py"
# It adds flags to a parser.
PRELOAD_LIMIT_S = 10.0


class PreloadTookTooLong(TimeoutError):
    """A `preload.py` was given up. The text is a sentence."""


def run_preloads(
    folders: Sequence[CommunityFolder],
    parser: CommandLine,
    health: HealthRecords,
    limit_s: float = PRELOAD_LIMIT_S,
) -> None:
    """Let each extension add its flags, by the names of their folders; one that fails adds none."""
    for each in sorted(folders, key=lambda each: each.canonical_name):
        file = each.folder / PRELOAD
        if each.is_loose or not file.is_file():
            continue
        with health.watch(file, PRELOAD):
            try:
                run_within(limit_s, partial(preload, file, parser), each.folder)
            except TimeIsUp:
                raise PreloadTookTooLong(
                    f"The {PRELOAD} of the extension {each.name!r} did not end within {limit_s:g} s."
                ) from None
            except Raised as raised:
                raise as_failure(raised.error) from None


def preload(file: Path, parser: CommandLine) -> None:
    """Run a file and call its `preload`, if it has one. Raises whatever it raises."""
    place = str(file.parent)
    sys.path.insert(0, place)
    try:
        add_flags = getattr(module_of_file(file), "preload", None)
        if add_flags is not None:
            add_flags(parser)
    finally:
        sys.path.remove(place)
