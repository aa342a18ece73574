"""The one field of the form in which scripts of the page keep what extensions' parts are set to: as JSON."""

import json
from collections.abc import Mapping
from typing import Any, cast

from webui.core.infotext import parse_fields
from webui.core.request import GenerationRequest
from webui.plugins.host import Plugins

FIELD = "extensions"


def request_of_extensions(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The `extras` and the `script` of a new request; nothing where the field is empty or no JSON."""
    try:
        found: object = json.loads(str(fields.get(FIELD) or "{}"))
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    chosen = cast("dict[str, Any]", found)
    parts, script = chosen.get("parts"), chosen.get("script")
    wanted: dict[str, Any] = {"extras": parts} if isinstance(parts, dict) and parts else {}
    return wanted | ({"script": script} if isinstance(script, str) and script else {})


def field_of_extensions(extras: Mapping[str, Any], script: str = "") -> dict[str, str]:
    """What the field gets for a request: the parts that do something. js/parts.js switches the others off."""
    return {FIELD: json.dumps({"fill": True, "parts": dict(extras), "script": script}, ensure_ascii=False)}


def field_of_request(request: GenerationRequest) -> dict[str, str]:
    """The same, of a request that was made."""
    return field_of_extensions(request.extras, request.script)


def field_of_infotext(text: str, plugins: Plugins) -> tuple[dict[str, str], set[str]]:
    """The same, of what an infotext says of parts that are here; and the keys that say so."""
    if not plugins.parts:
        return {}, set()
    found = plugins.read_infotext(parse_fields(text))
    return field_of_extensions(found), plugins.infotext_keys(found)
