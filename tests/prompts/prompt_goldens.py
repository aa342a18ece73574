"""What A1111 made of prompts and infotexts: `tests/goldens/prompts.json`."""

import json
from functools import cache
from pathlib import Path
from typing import Any

GOLDENS = Path(__file__).parents[1] / "goldens" / "prompts.json"


@cache
def goldens() -> dict[str, Any]:
    return json.loads(GOLDENS.read_text(encoding="utf-8"))


def prompts(key: str) -> list[Any]:
    """(prompt, what A1111 made of it) but for prompts that A1111 fails on."""
    return [(case["prompt"], case[key]) for case in goldens()["prompts"] if "error" not in case[key]]
