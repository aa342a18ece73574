"""Translations of the page."""
# pyright: basic

import json
from pathlib import Path

localizations: dict[str, list[str]] = {}


def list_localizations(dirname=""):
    from modules import scripts

    localizations.clear()
    for each in scripts.list_scripts("localizations", ".json"):
        localizations.setdefault(Path(each.path).stem, []).append(str(each.path))


def localization_js(current_localization_name):
    data = {}
    for file in localizations.get(current_localization_name, []):
        data.update(json.loads(Path(file).read_text(encoding="utf-8")))
    return f"window.localization = {json.dumps(data)}"
