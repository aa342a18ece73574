"""Translations of the page that extensions bring: JSON files of texts in their folders `localizations`."""

import json
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

from webui.core.readable import readable

logger = logging.getLogger(__name__)
FOLDER = "localizations"
NONE = "None"
MOST_BYTES = 10_000_000


def find_localizations(extensions: Iterable[Path]) -> dict[str, list[Path]]:
    """Files by the name of the language, in the order of the extensions: later ones add to those before."""
    found: dict[str, list[Path]] = {}
    for extension in extensions:
        try:
            files = sorted((extension / FOLDER).iterdir())
        except OSError:
            continue
        for path in files:
            if path.suffix == ".json" and path.is_file():
                found.setdefault(readable(path.stem), []).append(path)
    return found


def read_localization(path: Path) -> dict[str, str]:
    """The texts of a file; of one that cannot be used, none."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ValueError(f"has more than {MOST_BYTES} bytes")
        told: Any = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        logger.warning("The translations in %s cannot be read: %s", readable(str(path)), error)
        return {}
    if not isinstance(told, dict):
        logger.warning("The translations in %s are no table of texts", readable(str(path)))
        return {}
    texts = cast("dict[str, Any]", told)
    return {text: meant for text, meant in texts.items() if isinstance(meant, str) and meant}
