"""What dropdowns of A1111's parts of the page offer."""

from typing import Any


def style_choices(styles: Any) -> list[str]:  # noqa: ANN401 - A1111's styles
    """The names of the styles that are there."""
    return list(getattr(styles, "styles", {}) or {})
