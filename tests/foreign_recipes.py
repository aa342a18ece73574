"""The small recipes in tests/foreign: one per program in its own format, made by hand."""

import json
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "foreign"


class Example(NamedTuple):
    """Texts of a picture by name, and the infotext that they stand for."""

    items: dict[str, str]
    infotext: str


def read_example(path: Path) -> Example:
    data = json.loads(path.read_text("utf-8"))
    items = {
        name: text if isinstance(text, str) else json.dumps(text) for name, text in data["items"].items()
    }
    return Example(items, "\n".join(data["infotext"]))


# The picture's own size is 64x32 where its program names none.
EXAMPLES = {path.stem: read_example(path) for path in sorted(FOLDER.glob("*.json")) if path.stem != "layouts"}
# Infotexts as programs and people write them: A1111's layout, and not quite.
LAYOUTS = {
    name: "\n".join(lines) for name, lines in json.loads((FOLDER / "layouts.json").read_text("utf-8")).items()
}
