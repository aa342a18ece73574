"""What scripts of the page are told when it loads, and while it is open: options and translations."""

import json
import logging
import sys
from typing import Any, cast

from webui.compat.a1111.host import ExtensionHost
from webui.compat.a1111.version import TAG
from webui.plugins.localizations import find_localizations, read_localization

logger = logging.getLogger(__name__)
LOCALIZATION = "localization"


def read_options(host: ExtensionHost) -> dict[str, Any]:
    """All options by key: the program's own, then those that extensions brought."""
    values: dict[str, Any] = dict(host.ready.settings.current.options())
    shared = sys.modules.get("modules.shared")
    dump = getattr(getattr(shared, "opts", None), "dumpjson", None)
    if dump is None:
        return values
    try:
        told = json.loads(dump())
    except Exception:
        # What extensions put among the options may be anything.
        logger.warning(
            "The options of extensions cannot be written as JSON, so scripts do not see them", exc_info=True
        )
        return values
    return values | cast("dict[str, Any]", told if isinstance(told, dict) else {})


def read_translations(host: ExtensionHost) -> dict[str, str]:
    """Words of the page in the chosen language; none where no language is chosen."""
    chosen = host.ready.settings.current.interface.localization
    found = find_localizations(each.folder for each in host.folders)
    texts: dict[str, str] = {}
    for path in found.get(chosen, []):
        texts |= read_localization(path)
    return texts


def state_script(host: ExtensionHost) -> str:
    """A script that gives both to all others, and the version of A1111 that they are on."""
    options = json.dumps(read_options(host), default=list)
    texts = json.dumps(read_translations(host))
    return f"var localization = {texts};\nvar opts = {options};\nvar hosted_version = {json.dumps(TAG)};\n"
