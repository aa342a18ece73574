"""Attributes of classes and modules, and items, that are replaced for a while and put back exactly."""

# Gradio's own values and signatures are not typed.
# ruff: noqa: ANN401

from typing import Any

_ABSENT = object()


class Replacements:
    """What was replaced, in order. Raw attributes are kept: a static method stays one."""

    def __init__(self) -> None:
        self._kept: list[tuple[Any, str, object]] = []
        self._items: list[tuple[dict[str, Any], str, object]] = []

    def replace(self, owner: Any, name: str, value: object) -> None:
        """Set an attribute of `owner`; one that it only inherited is taken away again later."""
        self._kept.append((owner, name, vars(owner).get(name, _ABSENT)))
        setattr(owner, name, value)

    def replace_item(self, owner: dict[str, Any], name: str, value: object) -> None:
        """Set an item of a dictionary."""
        self._items.append((owner, name, owner.get(name, _ABSENT)))
        owner[name] = value

    def restore(self) -> None:
        """Put everything back, the last replaced first."""
        while self._kept:
            owner, name, value = self._kept.pop()
            if value is _ABSENT:
                delattr(owner, name)
            else:
                setattr(owner, name, value)
        while self._items:
            items, name, value = self._items.pop()
            if value is _ABSENT:
                items.pop(name, None)
            else:
                items[name] = value
