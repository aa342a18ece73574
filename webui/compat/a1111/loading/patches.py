"""Replacements that extensions make through `modules.patches`, which can all be undone."""

from collections import defaultdict
from typing import Any

# By key, then by object and name, what was there before. A1111's extensions read it. Global, as they are.
originals: defaultdict[str, dict[tuple[Any, str], Any]] = defaultdict(dict)


def patch(key: str, obj: Any, field: str, replacement: Any) -> Any:  # noqa: ANN401 - of any type
    """Replace an attribute; what it was before. Raises RuntimeError for a second time under one key."""
    if (obj, field) in originals[key]:
        raise RuntimeError(f"The attribute {field} is replaced under the key {key!r} already.")
    before = getattr(obj, field)
    originals[key][(obj, field)] = before
    setattr(obj, field, replacement)
    return before


def undo(key: str, obj: Any, field: str) -> None:  # noqa: ANN401 - of any type
    """Put an attribute back. Raises RuntimeError if it was not replaced under the key."""
    if (obj, field) not in originals[key]:
        raise RuntimeError(f"The attribute {field} is not replaced under the key {key!r}.")
    setattr(obj, field, originals[key].pop((obj, field)))


def original(key: str, obj: Any, field: str) -> Any:  # noqa: ANN401 - of any type
    """What an attribute was before it was replaced under a key; None if it was not."""
    return originals[key].get((obj, field))


def undo_all() -> None:
    """Put everything back, the latest first."""
    for replaced in reversed(list(originals.values())):
        for (obj, field), before in reversed(list(replaced.items())):
            setattr(obj, field, before)
    originals.clear()
