"""What the host keeps with a processing object, beside its attributes: some extensions send those on."""

from collections.abc import Mapping
from typing import Any

SLOT = "_inner"


def inner_of(p: Any) -> Mapping[str, Any]:  # noqa: ANN401 - a processing object, or what stands for one
    """What is kept with it, by names."""
    return getattr(p, SLOT, None) or {}


def keep_with(p: Any, **values: Any) -> None:  # noqa: ANN401 - as above
    """Keep more with it; copies of it have what it had when they were made."""
    object.__setattr__(p, SLOT, {**inner_of(p), **values})
